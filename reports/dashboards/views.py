"""Pages of dashboards: a page with its live part, its export, and Save as Report."""

from collections.abc import Mapping
from typing import Any, Final, cast

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from interactions.selectors.channels import list_channels
from kaireon.platform.errors import DomainError, NotFound
from kaireon.platform.forms import add_refusal
from kaireon.platform.notifications.selectors import list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from reports.dashboards.asking import read_wish
from reports.dashboards.declaration import Dashboard
from reports.dashboards.exporting import export_dashboard
from reports.dashboards.filters import DEFAULT_PERIOD, PERIODS, Filters, read_query
from reports.dashboards.forms import SaveForm, initial_of
from reports.dashboards.reading import Wanted, reading, zone_of
from reports.dashboards.registry import DASHBOARDS
from reports.dashboards.saving import left_out, save_as_report
from reports.dashboards.shaping import DashboardView, only, shape
from reports.decisions.cadence_words import say_kept
from reports.forms import zone_names

# So much of a page's time goes into its sections; what does not fit is asked for by the page, each alone.
PAGE_SECONDS = 0.05
FORMATS: Final = (
    ("pdf", "PDF", "summary, charts, tables"),
    ("csv", "CSV", "raw rows"),
    ("markdown", "Markdown", "for a wiki or a message"),
    ("html", "HTML", "one page, to print or send"),
)


@require_http_methods(["GET"])
@page()
def dashboard_page(request: TenantRequest, key: str) -> HttpResponse:
    """Show a dashboard; `?period=`, `?channel=` and `?segment=` narrow it.

    HTMX gets what may change, or with `?part=` one section of it.
    """
    assert request.tenant is not None
    dashboard, filters, now = DASHBOARDS[key], read_query(request.GET.dict()), timezone.now()
    zone, is_live = _zone(request), "HX-Request" in request.headers
    part = request.GET.get("part", "") if is_live else ""
    wanted = Wanted(part) if is_live else Wanted(seconds=PAGE_SECONDS)
    with reading(dashboard, filters, tenant=request.tenant, now=now, zone=zone, wanted=wanted) as document:
        view = shape(dashboard, document)
    live = _live(dashboard, filters, only(view) if part else view) | {"now": now, "zone": zone, "part": part}
    if is_live:
        return render(request, "dashboards/_live.html", live)
    context = page_context(
        request, title=dashboard.title, **live, tabs=_tabs(dashboard, filters), periods=_periods(dashboard, filters),
        channels=_channels(request, filters), default_period=DEFAULT_PERIOD, formats=FORMATS,
        save_address=f"{reverse('dashboard-save')}?{urlencode({'dashboard': key} | filters.query())}",
    )  # fmt: skip
    return render(request, "dashboards/page.html", context)


@require_http_methods(["POST"])
@page()
def export_page(request: TenantRequest) -> HttpResponse:
    """Answer with the dashboard as a file; nothing is kept."""
    assert request.tenant is not None
    filters = read_query(request.POST.dict())
    asked = {**request.POST.dict(), "channel_id": filters.channel_id, "segment_id": filters.segment_id}
    file: Any = export_dashboard(
        tenant=request.tenant, wish=read_wish(asked), now=timezone.now(), zone=_zone(request)
    )  # fmt: skip
    # A streamed answer is no HttpResponse by its type, and is one to everybody who handles it.
    return cast("HttpResponse", file)


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def save_page(request: TenantRequest) -> HttpResponse:
    """Make a report of a dashboard as it is narrowed now; HTMX gets the form alone."""
    assert request.tenant is not None
    asked = request.POST if request.method == "POST" else request.GET
    dashboard = DASHBOARDS.get(asked.get("dashboard", ""))
    if dashboard is None:
        raise NotFound("There is no such dashboard.")
    filters, rows = read_query(asked.dict()), list_destinations(request.tenant.pk)
    form = SaveForm(
        request.POST if request.method == "POST" else None, initial=initial_of(dashboard, filters, _zone(request)),
        destination_ids=[row.destination.pk for row in rows],
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            return _save(request, dashboard, filters, form.cleaned_data)
        except DomainError as refusal:
            add_refusal(form, refusal, form.refuse(refusal.fields))
    status = 422 if form.errors else 200
    context: dict[str, Any] = {
        "form": form, "dashboard": dashboard, "filters": filters, "rows": rows, "zones": zone_names(),
        "left_out": left_out(dashboard), "back": _address(dashboard, filters.query()),
        "chosen_formats": form.chosen("formats"), "chosen_destinations": form.chosen("destinations"),
    }  # fmt: skip
    if request.headers.get("HX-Request"):
        return render(request, "dashboards/_save.html", context, status=status)
    whole = page_context(request, title="Save as Report", crumbs=_crumbs(dashboard, filters), **context)
    return render(request, "dashboards/save.html", whole, status=status)


def _save(request: TenantRequest, dashboard: Dashboard, filters: Filters, values: Mapping[str, Any]) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    template, schedule = save_as_report(
        tenant=request.tenant, dashboard=dashboard, filters=filters, values=values, actor=request.actor,
        now=timezone.now(),
    )  # fmt: skip
    messages.success(
        request, f"“{template.name}” is saved. It goes out by itself: {say_kept(schedule.cron_expression)}."
    )
    made = reverse("report-page", args=[template.pk])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": made})
    return HttpResponseRedirect(made, status=303)


def _live(dashboard: Dashboard, filters: Filters, view: DashboardView) -> dict[str, Any]:
    plain = Filters(period=filters.period)
    widest = Filters(PERIODS["90d"], filters.channel_id, filters.segment_id)
    return {
        "dashboard": dashboard,
        "filters": filters,
        "view": view,
        "address": _address(dashboard, filters.query()),
        "part_address": _address(dashboard, filters.query() | {"part": ""}),
        "cleared": _address(dashboard, plain.query()),
        "widest": "" if filters.period == widest.period else _address(dashboard, widest.query()),
    }


def _zone(request: TenantRequest) -> str:
    assert request.tenant is not None
    return zone_of(request.tenant, getattr(request.user, "timezone", ""))


def _channels(request: TenantRequest, filters: Filters) -> list[tuple[str, str]]:
    """Return the channels to choose from; one that the catalogue does not know stays chosen."""
    assert request.tenant is not None
    known = list_channels(request.tenant.pk)
    chosen = filters.channel_id
    return known if not chosen or chosen in dict(known) else [*known, (chosen, f"{chosen} (not in the catalogue)")]


def _tabs(dashboard: Dashboard, filters: Filters) -> list[tuple[str, str, bool]]:
    return [(_address(each, filters.query()), each.title, each is dashboard) for each in DASHBOARDS.values()]


def _periods(dashboard: Dashboard, filters: Filters) -> list[tuple[str, str, bool]]:
    chosen = ((period, Filters(period, filters.channel_id, filters.segment_id)) for period in PERIODS.values())
    return [(_address(dashboard, each.query()), period.label, period == filters.period) for period, each in chosen]


def _crumbs(dashboard: Dashboard, filters: Filters) -> list[dict[str, str]]:
    return [{"title": dashboard.title, "link": _address(dashboard, filters.query())}]


def _address(dashboard: Dashboard, query: Mapping[str, str]) -> str:
    return reverse(f"dashboard-{dashboard.key}") + (f"?{urlencode(query)}" if query else "")
