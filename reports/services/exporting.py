"""Export a definition as one file: what a dashboard's Export gives. Nothing is kept."""

from datetime import datetime
from typing import IO

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition
from reports.renderers import artifact_name, render
from reports.services.previewing import plain_document
from reports.sources import Spool
from reports.turns import TURNS


def export_definition(
    *, tenant: Tenant, definition: ReportDefinition, fmt: str, now: datetime, zone: str, file: IO[bytes]
) -> str:
    """Write the report as its data stands now to `file` and return the name it should have.

    The words are those that need no model. Raises UnknownFormat and Busy. Not inside a transaction.
    """
    with TURNS.take(tenant.pk), Spool() as spool:
        document = plain_document(tenant=tenant, definition=definition, now=now, zone=zone, spool=spool)
        render(document, fmt, file)
        return artifact_name(document, fmt)
