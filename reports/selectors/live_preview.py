"""What a report would show right now, for the pane beside its editor. Nothing is kept and no model is asked."""

from datetime import datetime
from typing import Final

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.cadences import why_unreadable
from reports.decisions.definition import ReportDefinition
from reports.decisions.narrative.plain import narrate_plainly
from reports.selectors.showing import ShownReport, show_document
from reports.sources import Spool, build_document
from reports.turns import TURNS

ROWS_SHOWN: Final = 5


def live_preview(*, tenant: Tenant, definition: ReportDefinition, now: datetime, zone: str) -> ShownReport:
    """Return the report as its data stands, with the words that need no model: it is asked for after every change.

    Each section reads in a transaction of its own, so call it outside of one. Raises Busy.
    """
    with TURNS.take(tenant.pk), Spool() as spool:
        document = build_document(
            definition, tenant=tenant, data_until=now, generated_at=now, zone=zone, spool=spool
        )  # fmt: skip
        narrative = narrate_plainly(document) if definition.narrative.is_enabled else None
        return show_document(document, narrative, rows=ROWS_SHOWN)


def zone_of_tenant(tenant: Tenant) -> str:
    """Return the zone in which a report without a schedule counts days: the tenant's, where there is such a zone."""
    return "UTC" if why_unreadable("0 0 * * *", tenant.timezone) else tenant.timezone
