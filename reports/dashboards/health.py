"""Two summaries of decisions for machines: where candidates are lost, and whether decisions are sound."""

from datetime import datetime
from typing import Any, Final

from kaireon.platform.fields import format_time
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import SourceCall
from reports.decisions.document import Section
from reports.decisions.section_json import cell_data, section_data
from reports.sources import Spool, run_source

# Shares above which decisions are not sound: those of a new tenant's default alert rules.
LIMITS: Final = {"suppressionRate": 0.8, "emptyCandidateRate": 0.3, "degradedScoringRate": 0.1, "errorRate": 0.05}
TRACES: Final = "decision_traces_summary"
FUNNEL: Final = "funnel"


def read_pipeline(*, tenant: Tenant, hours: int, now: datetime, zone: str) -> dict[str, Any]:
    """Return the stages that candidates pass in the last hours, with the figures of the decisions."""
    scope = {"tenant_id": tenant.pk, "now": now, "zone": zone}
    with Spool() as spool:
        stages = _records(_section(FUNNEL, {"windowHours": hours}, spool=spool, **scope))
        figures = _figures(_section(TRACES, {"windowHours": hours, "limit": 1}, spool=spool, **scope))
    return {"windowHours": hours, "until": format_time(now), "stages": stages, "figures": figures}


def read_health(*, tenant: Tenant, days: int, now: datetime, zone: str) -> dict[str, Any]:
    """Return whether the decisions of the last days are sound: each share beside its limit."""
    with Spool() as spool:
        section = _section(TRACES, {"days": days, "limit": 1}, tenant_id=tenant.pk, now=now, zone=zone, spool=spool)
        figures = _figures(section)
    checks = [_check(figure) for figure in figures if figure["key"] in LIMITS]
    return {
        "days": days,
        "until": format_time(now),
        "status": _worst([check["status"] for check in checks]),
        "checks": checks,
        "figures": figures,
    }


def _section(key: str, params: dict[str, Any], **scope: Any) -> Section:
    return run_source(SourceCall(key, params), section_id=key, title="", **scope)


def _check(figure: dict[str, Any]) -> dict[str, Any]:
    limit, value = LIMITS[figure["key"]], figure["value"]
    status = "no_data" if value is None else "breached" if value >= limit else "ok"
    return {**figure, "limit": limit, "status": status}


def _worst(statuses: list[str]) -> str:
    if "breached" in statuses:
        return "degraded"
    return "healthy" if "ok" in statuses else "no_data"


def _figures(section: Section) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = section_data(section, limit=0)["figures"]
    return figures


def _records(section: Section) -> list[dict[str, Any]]:
    keys = [column.key for column in section.columns]
    return [dict(zip(keys, map(cell_data, row), strict=True)) for row in section.rows]
