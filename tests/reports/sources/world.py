"""Running sources in tests: one moment, one zone, and the rows as dictionaries."""

from datetime import UTC, datetime
from typing import Any

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import SourceCall
from reports.decisions.document import Figure, Section
from reports.sources import Spool, run_source

# A Thursday; in Berlin it is 11 o'clock.
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def made(key: str, tenant: Tenant, spool: Spool, *, now: Any = NOW, zone: Any = "UTC", **params: Any) -> Section:
    """Return the section that a source makes of the params."""
    call = SourceCall(key, params)
    return run_source(call, section_id="s1", title="", tenant_id=tenant.pk, now=now, zone=zone, spool=spool)


def table(section: Section) -> list[dict[str, Any]]:
    """Return the section's rows by the columns' keys; fail when it could not be made."""
    assert section.error == ""
    keys = [column.key for column in section.columns]
    return [dict(zip(keys, row, strict=True)) for row in section.rows]


def figures(section: Section) -> dict[str, tuple[Any, Any]]:
    """Return each figure with that of the period before."""
    assert section.error == ""
    return {figure.key: (_plain(figure), figure.before) for figure in section.figures}


def _plain(figure: Figure) -> Any:
    return figure.value
