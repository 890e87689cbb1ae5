"""One occurrence with its whole story: expected, decided, why, its run, its file."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from triggers.decisions.vocabulary import OccurrenceKind, TickSource, Via
from triggers.models import Occurrence
from triggers.selectors.occurrences import NEWEST, find_occurrence, list_occurrences
from triggers.views.lines import SOURCES, VIAS, OccurrenceLine

NEIGHBOURS: Final = 4
NEAR: Final = timedelta(days=7)
# What the detail of a file or a schedule is called on the page; the rest is shown under its own name.
_LABELS: Final[dict[str, str]] = {
    "store": "Store", "key": "File", "size": "Size", "modifiedAt": "Last changed", "nodeId": "Source node",
    "isControl": "Is a control file", "overlap": "While another runs", "catchUp": "Missed times",
}  # fmt: skip


@require_http_methods(["GET"])
@page()
def occurrence(request: TenantRequest, occurrence_id: str) -> HttpResponse:
    """Show an occurrence as a page, or in the drawer."""
    assert request.tenant is not None
    row = find_occurrence(request.tenant, parse_id(occurrence_id))
    line = OccurrenceLine(row)
    near = list_occurrences(request.tenant, pipeline_id=row.pipeline_id).filter(
        occurrence_at__gte=row.occurrence_at - NEAR, occurrence_at__lte=row.occurrence_at + NEAR
    )
    later = list(near.filter(occurrence_at__gt=row.occurrence_at).order_by("occurrence_at", "pk")[:NEIGHBOURS])
    earlier = list(near.filter(occurrence_at__lt=row.occurrence_at).order_by(*NEWEST)[:NEIGHBOURS])
    context: dict[str, Any] = {
        "line": line, "row": row, "facts": _facts(row), "via": VIAS[Via(row.via)], "is_file": _is_file(row),
        "ticked_by": SOURCES[TickSource(row.tick.source)] if row.tick else "",
        "late": (row.decided_at - (row.due_at or row.occurrence_at)).total_seconds(),
        "near": [OccurrenceLine(each) for each in [*reversed(later), row, *earlier]], "now": timezone.now(),
        "crumbs": [{"title": "Scheduler", "link": reverse("scheduler-page")}],
    }  # fmt: skip
    title = f"{line.kind.capitalize()} of {row.pipeline.name}"
    name = "_drawer" if request.headers.get("HX-Request") else "occurrence"
    return render(request, f"triggers/{name}.html", page_context(request, title=title, **context))


def _is_file(row: Occurrence) -> bool:
    return row.kind == OccurrenceKind.FILE


def _facts(row: Occurrence) -> list[tuple[str, str]]:
    detail = row.detail if isinstance(row.detail, dict) else {}
    return [(_LABELS.get(str(name), str(name)), _text(value)) for name, value in detail.items()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
