"""Schedules of a report: add, change, pause, resume, delete, and the next times of a cadence while it is typed."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.cadence import CadenceError
from kaireon.platform.errors import Conflict, DomainError
from kaireon.platform.forms import add_refusal
from kaireon.platform.notifications.selectors import DestinationOverview, list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from reports import services
from reports.decisions.cadences import describe_cadence
from reports.forms import SCHEDULE_FIELDS, ScheduleForm, zone_names
from reports.forms.schedule import EXAMPLES
from reports.models import ReportSchedule, ReportTemplate
from reports.selectors.overview import history_of, occurrences_of, schedules_of
from reports.selectors.schedules import find_schedule
from reports.selectors.templates import find_template, list_templates
from reports.views.lines import schedule_line, state_of

WRITES: Final = Role.EDITOR
OCCURRENCES_SHOWN: Final = 30


def schedules_context(
    request: TenantRequest, template: ReportTemplate, destinations: list[DestinationOverview],
    form: ScheduleForm | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the Schedule part of a report's page shows."""
    assert request.tenant is not None
    now, names = timezone.now(), {row.destination.pk: row for row in destinations}
    found = schedules_of(request.tenant, template)
    form = form or ScheduleForm(None, destination_ids=list(names), zone=request.tenant.timezone)
    return {
        "template": template,
        "lines": [schedule_line(each, names, now) for each in found],
        **form_context(form, destinations),
    }


def form_context(form: ScheduleForm, destinations: list[DestinationOverview]) -> dict[str, Any]:
    """Return what the fields of a schedule need."""
    chosen = form.chosen("destinations")
    known = {row.destination.pk for row in destinations}
    kept = form.schedule.destination_ids if form.schedule else ()
    return {
        "schedule_form": form,
        "schedule_wrong": [bound for bound in form if bound.errors],
        "schedule_choices": [(row, str(row.destination.pk) in chosen) for row in destinations],
        "schedule_deleted": [each for each in kept if each not in known],
        "zones": zone_names(),
        "examples": EXAMPLES,
    }


@require_http_methods(["POST"])
@page(role=WRITES)
def add_schedule(request: TenantRequest, template_id: str) -> HttpResponse:
    """Give a report a schedule; HTMX gets the Schedule part of the page, with what was typed where it was refused."""
    assert request.tenant is not None
    assert request.actor is not None
    template = find_template(request.tenant, parse_id(template_id))
    destinations = list_destinations(request.tenant.pk)
    form = ScheduleForm(request.POST, destination_ids=[row.destination.pk for row in destinations])
    if form.is_valid():
        try:
            values = {**form.values(), "template_id": template.pk}
            made = services.create_schedule(
                tenant=request.tenant, values=values, actor=request.actor, now=timezone.now()
            )  # fmt: skip
            return _part(request, template, destinations, f"“{made.name}” is added.")
        except DomainError as refusal:
            add_refusal(form, refusal, SCHEDULE_FIELDS)
    context = page_context(
        request, title=template.name, crumbs=[{"title": "Reports", "link": reverse("reports-page")}],
        **schedules_context(request, template, destinations, form),
    )  # fmt: skip
    name = "_schedules" if request.headers.get("HX-Request") else "schedules"
    return render(request, f"reports/{name}.html", context, status=400)


@require_http_methods(["GET", "POST"])
@page(write_role=WRITES)
def edit_schedule(request: TenantRequest, schedule_id: str) -> HttpResponse:
    """Show one schedule: how it stands, its form, and what became of each time it was due."""
    assert request.tenant is not None
    schedule = find_schedule(request.tenant, parse_id(schedule_id))
    destinations = list_destinations(request.tenant.pk)
    data = request.POST if request.method == "POST" else None
    form = ScheduleForm(data, destination_ids=[row.destination.pk for row in destinations], schedule=schedule)
    if data is not None and form.is_valid():
        try:
            return _change(request, schedule, form.values())
        except DomainError as refusal:
            add_refusal(form, refusal, SCHEDULE_FIELDS)
    names = {row.destination.pk: row for row in destinations}
    template = list_templates(request.tenant).filter(pk=schedule.template_id).first()
    found = newest_first(
        occurrences_of(request.tenant, schedule), after=request.GET.get("after", ""), limit=OCCURRENCES_SHOWN,
        time_field="occurrence_at",
    )  # fmt: skip
    last = history_of(request.tenant, schedule=schedule).order_by("-created_at", "-pk").first()
    context = page_context(
        request, title=schedule.name, line=schedule_line(schedule, names, timezone.now()), template=template,
        occurrences=found.rows, times=[(each, state_of(each.run)) for each in found.rows],
        next_key=found.next_key, last_run=last, last_state=state_of(last),
        is_first_page="after" not in request.GET, **form_context(form, destinations),
        crumbs=_crumbs(template),
    )  # fmt: skip
    return render(request, "reports/schedule.html", context, status=400 if form.errors else 200)


def _crumbs(template: ReportTemplate | None) -> list[dict[str, str]]:
    crumbs = [{"title": "Reports", "link": reverse("reports-page")}]
    if template is not None:
        crumbs.append({"title": template.name, "link": reverse("report-page", args=[template.pk])})
    return crumbs


def _change(request: TenantRequest, schedule: ReportSchedule, changes: dict[str, Any]) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    saved = services.update_schedule(
        tenant=request.tenant, schedule_id=schedule.pk, changes=changes, actor=request.actor, now=timezone.now()
    )  # fmt: skip
    messages.success(request, f"“{saved.name}” is saved.")
    return HttpResponseRedirect(reverse("report-schedule-page", args=[saved.pk]), status=303)


@require_http_methods(["POST"])
@page(role=WRITES)
def pause_schedule(request: TenantRequest, schedule_id: str) -> HttpResponse:
    """Stop a schedule by hand."""
    return _act(request, schedule_id, services.pause_schedule, "“{}” is paused: nothing goes out until it is resumed.")


@require_http_methods(["POST"])
@page(role=WRITES)
def resume_schedule(request: TenantRequest, schedule_id: str) -> HttpResponse:
    """Set a paused schedule going from its next time on."""
    return _act(request, schedule_id, services.resume_schedule, "“{}” goes out again from its next time on.")


@require_http_methods(["POST"])
@page(role=WRITES)
def delete_schedule(request: TenantRequest, schedule_id: str) -> HttpResponse:
    """Delete a schedule; its runs stay."""
    return _act(request, schedule_id, services.delete_schedule, "“{}” is deleted; its runs stay.")


def _act(request: TenantRequest, schedule_id: str, service: Callable[..., Any], said: str) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    schedule = find_schedule(request.tenant, parse_id(schedule_id))
    try:
        service(tenant=request.tenant, schedule_id=schedule.pk, actor=request.actor, now=timezone.now())
        text, level = said.format(schedule.name), messages.SUCCESS
    except Conflict as refusal:
        text, level = refusal.message, messages.WARNING
    if request.headers.get("HX-Request"):
        template = find_template(request.tenant, schedule.template_id)
        return _part(request, template, list_destinations(request.tenant.pk), text, level)
    messages.add_message(request, level, text)
    is_there = list_templates(request.tenant).filter(pk=schedule.template_id).exists()
    return HttpResponseRedirect(_after(schedule.template_id if is_there else None), status=303)


def _after(template_id: uuid.UUID | None) -> str:
    return f"{reverse('report-page', args=[template_id])}#schedule" if template_id else reverse("reports-page")


def _part(
    request: TenantRequest, template: ReportTemplate, destinations: list[DestinationOverview], said: str,
    level: int = messages.SUCCESS,
) -> HttpResponse:  # fmt: skip
    """Answer an act: the Schedule part anew for HTMX, which keeps what else was typed on the page."""
    if not request.headers.get("HX-Request"):
        messages.add_message(request, level, said)
        return HttpResponseRedirect(_after(template.pk), status=303)
    tone = "good" if level == messages.SUCCESS else "warn"
    context = page_context(
        request, title="", said=said, said_tone=tone, **schedules_context(request, template, destinations)
    )
    return render(request, "reports/_schedules.html", context)


@require_http_methods(["GET"])
@page()
def cadence(request: TenantRequest) -> HttpResponse:
    """Say when a cadence as typed goes out: in words, and its next five times in its zone; a fragment."""
    expression = request.GET.get("cron_expression", "").strip()
    zone = request.GET.get("timezone", "").strip()
    if not expression:
        return render(request, "reports/_cadence.html", {"waiting": True})
    try:
        found = describe_cadence(expression, zone or "UTC", timezone.now())
    except CadenceError as error:
        field = "Timezone" if error.field == "timezone" else "Cron expression"
        return render(request, "reports/_cadence.html", {"refusal": error.message, "field": field})
    # Written here: a template would move each time into the server's zone.
    times = [(f"{each.local:%a, %-d %b %Y, %H:%M %Z}", each.at, each.is_dst_day) for each in found.occurrences]
    return render(request, "reports/_cadence.html", {"cadence": found, "times": times, "zone": zone or "UTC"})
