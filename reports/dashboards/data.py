"""The documented types of dashboard data, each answered by a data source or, where there is none, by saying so."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from interactions.selectors.measures import INTERACTIONS
from interactions.selectors.narrowing import Narrowing
from interactions.selectors.spans import read_spans
from kaireon.platform.errors import Unprocessable
from reports.decisions.definition import SourceCall
from reports.decisions.document import Section
from reports.decisions.periods import last_days
from reports.decisions.section_json import cell_data, section_data
from reports.sources import Spool, find_source, run_source

MOST_ROWS: Final = 1_000
NO_SCORES: Final = "No decision of this period carries scores, and nothing is made up in their place."
# What the documented parameters narrow by that nothing here records.
NOT_RECORDED: Final = MappingProxyType(
    {
        "decisionFlowId": "decisions are recorded without their flow",
        "filterId": "there are no saved filters",
        "modelId": "models are not recorded",
    }
)


@dataclass(frozen=True, slots=True)
class DataType:
    """A `type`: its source, the params that it fixes, its columns (empty for all), and what is said without rows."""

    source: str
    params: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    absent: str = ""
    is_summary: bool = False


DATA_TYPES: Final[Mapping[str, DataType]] = MappingProxyType(
    {
        "summary": DataType("daily_trend", is_summary=True),
        "acceptance_rate": DataType("daily_trend", keys=("day", "acceptanceRate")),
        "offer_performance": DataType("offer_performance"),
        "offer_performance_grouped": DataType("offer_performance", {"groupBy": "channel"}),
        "channel_effectiveness": DataType("channel_effectiveness"),
        "daily_trend": DataType("daily_trend"),
        "revenue_trend": DataType("revenue_trend"),
        "selection_frequency": DataType("selection_frequency"),
        "why_not_ranked": DataType("why_not_ranked"),
        "anomaly_candidates": DataType("anomaly_candidates"),
        "funnel": DataType("funnel"),
        "decision_traces_summary": DataType("decision_traces_summary"),
        "alert_history": DataType("alert_history"),
        "outbox_health": DataType("outbox_health"),
        "pipeline_runs": DataType("pipeline_runs"),
        "score_distribution": DataType("score_distribution", absent=NO_SCORES),
        "model_metrics_trend": DataType("model_metrics_trend"),
    }
)


@dataclass(frozen=True, slots=True)
class DataScope:
    """Whose data, of when: `days` calendar days of `zone` up to `now`."""

    tenant_id: uuid.UUID
    now: datetime
    zone: str
    days: int


def read_data(name: str, given: Mapping[str, Any], scope: DataScope) -> dict[str, Any]:
    """Return `{"type", "days", "data", "warning"?}` for a type of DATA_TYPES and the filters that were given.

    What was given and cannot narrow this type is named in the warning, and not silently left out. Raises Unprocessable
    that names the parameter which the source refuses.
    """
    kind, answer = DATA_TYPES[name], {"type": name, "days": scope.days, "data": list[Any]()}
    source = find_source(kind.source)
    if source is None:
        return {**answer, "warning": f"Nothing provides {name} in this installation yet."}
    if (segment := given.get("segmentId")) and not _has_segment(str(segment), scope):
        return {**answer, "warning": "Unknown segment: no interaction of the period names it."}
    known = {str(each.alias or key) for key, each in source.params.model_fields.items()}
    wished = {"days": scope.days, **kind.params, **given}
    with Spool() as spool:
        section = run_source(
            SourceCall(kind.source, {key: value for key, value in wished.items() if key in known}),
            section_id=name, title="", tenant_id=scope.tenant_id, now=scope.now, zone=scope.zone, spool=spool,
        )  # fmt: skip
        answer |= _shown(section, kind)
    warnings = [*_ignored(given, known), *_cut(section), *([] if answer["data"] or not kind.absent else [kind.absent])]
    return {**answer, "warning": " ".join(warnings)} if warnings else answer


def _shown(section: Section, kind: DataType) -> dict[str, Any]:
    if section.error:
        parameter = str(next(iter(section.rows))[0])
        raise Unprocessable(f"{parameter}: {section.error}", fields={parameter: [section.error]})
    if kind.is_summary:
        return {"data": section_data(section, limit=0)["figures"]}
    keys = [column.key for column in section.columns]
    shown = [place for place, key in enumerate(keys) if not kind.keys or key in kind.keys]
    rows = islice(section.rows, MOST_ROWS)
    return {"data": [{keys[place]: cell_data(row[place]) for place in shown} for row in rows]}


def _ignored(given: Mapping[str, Any], known: set[str]) -> list[str]:
    """Name what was given and narrows nothing."""
    return [
        f"{name} narrows nothing: {NOT_RECORDED.get(name, 'this type does not know it')}."
        for name in given
        if name not in known
    ]


def _cut(section: Section) -> list[str]:
    rows = len(section.rows)
    return [f"The first {MOST_ROWS:,} of {rows:,} rows."] if rows > MOST_ROWS else []


def _has_segment(segment: str, scope: DataScope) -> bool:
    """Tell whether any interaction of the period names a segment: the catalogue has no list of them."""
    period = last_days(scope.now, scope.days, scope.zone).current
    counted = read_spans(
        tenant_id=scope.tenant_id, measures=(INTERACTIONS,), spans=[(period.start, period.end)],
        narrowing=Narrowing(segment=segment),
    )  # fmt: skip
    return bool(counted[0][0])
