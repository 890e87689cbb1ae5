"""A dashboard as a file: rendered at once, kept nowhere."""

import tempfile
from datetime import datetime
from typing import Any, Final, cast

from django.http import FileResponse

from kaireon.platform.tenancy.models import Tenant
from reports.dashboards.asking import ExportWish
from reports.dashboards.reading import definition_of
from reports.renderers import RENDERERS
from reports.services import export_definition

# Larger files wait on disk while they are sent.
IN_MEMORY: Final = 4 * 1024 * 1024


def export_dashboard(*, tenant: Tenant, wish: ExportWish, now: datetime, zone: str) -> FileResponse:
    """Answer with the dashboard as a file to save; the same sources and renderers as a report's."""
    definition = definition_of(wish.dashboard, wish.filters, wish.format)
    # The answer closes it when it has been sent.
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="kaireon-export-")  # noqa: SIM115
    try:
        filename = export_definition(
            tenant=tenant, definition=definition, fmt=wish.format, now=now, zone=zone, file=cast("Any", file)
        )
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=filename, content_type=RENDERERS[wish.format].content_type,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
    )  # fmt: skip
