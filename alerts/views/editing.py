"""The form of a rule, with what it would have done shown while the threshold is typed."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alerts.forms import AlertRuleForm
from alerts.models import AlertRule
from alerts.selectors import backtest_draft, find_rule
from alerts.selectors.pictures import draw_points
from alerts.services import create_rule, update_rule
from alerts.views.reading import rule_address
from interactions.selectors import catalogue
from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError
from kaireon.platform.forms import add_refusal
from kaireon.platform.notifications.selectors import DestinationOverview, list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

PREVIEW_DAYS = 7
FIELDS_OF_PATHS = {"channels": "destinations", "name": "name", "metric": "metric", "threshold": "threshold"}


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def new_rule(request: TenantRequest) -> HttpResponse:
    """Make a rule."""
    return _form_page(request, None)


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def edit_rule(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Change a rule."""
    assert request.tenant is not None
    return _form_page(request, find_rule(request.tenant, parse_id(rule_id)))


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def preview(request: TenantRequest) -> HttpResponse:
    """Say what the rule as typed would have done in the last seven days; a fragment, nothing is saved."""
    assert request.tenant is not None
    form, _ = _form(request, None)
    # The name decides nothing, so a preview does without it; a metric that left the catalogue has no past.
    form.fields["name"].required = False
    chosen: Any = form.fields["destinations"]
    chosen.choices = [(each, each) for each in request.POST.getlist("destinations")]
    if not form.is_valid():
        return render(request, "alerts/_backtest.html", {"waiting": True, "form": form})
    draft = form.draft(request.tenant.pk)
    try:
        played = backtest_draft(draft, days=PREVIEW_DAYS, now=timezone.now())
    except DomainError as refusal:
        return render(request, "alerts/_backtest.html", {"refusal": refusal.message})
    fired = [(line.step.at, line.step.reading.observed) for line in played.lines if line.step.decision.fires]
    threshold, operator = draft.snapshot.threshold, draft.snapshot.operator
    chart = draw_points(played.points, threshold=threshold, operator=operator, fired=fired)
    context = {"backtest": played, "chart": chart, "days": PREVIEW_DAYS, "threshold": threshold}
    return render(request, "alerts/_backtest.html", context)


def _form_page(request: TenantRequest, rule: AlertRule | None) -> HttpResponse:
    form, destinations = _form(request, rule)
    if request.method == "POST" and form.is_valid():
        try:
            return _save(request, form, rule)
        except DomainError as refusal:
            add_refusal(form, refusal, FIELDS_OF_PATHS)
    known = {row.destination.pk for row in destinations}
    chosen = form.chosen()
    crumbs = [{"title": "Alerts", "link": reverse("alerts-page")}]
    if rule is not None:
        crumbs.append({"title": rule.name, "link": rule_address(rule.pk)})
    context = page_context(
        request, title="Edit rule" if rule else "New rule", form=form, rule=rule, crumbs=crumbs,
        metrics=catalogue(), cancel=rule_address(rule.pk) if rule else reverse("alerts-page"),
        choices=[(row, str(row.destination.pk) in chosen) for row in destinations],
        deleted=[each for each in (rule.provider_ids if rule else ()) if each not in known],
    )  # fmt: skip
    return render(request, "alerts/form.html", context, status=400 if form.errors else 200)


def _form(request: TenantRequest, rule: AlertRule | None) -> tuple[AlertRuleForm, list[DestinationOverview]]:
    assert request.tenant is not None
    destinations = list_destinations(request.tenant.pk)
    initial: dict[str, Any] = {name: request.GET[name] for name in ("metric", "threshold") if name in request.GET}
    form = AlertRuleForm(
        request.POST if request.method == "POST" else None, metrics=catalogue(), rule=rule, initial=initial,
        destination_ids=[row.destination.pk for row in destinations],
    )  # fmt: skip
    return form, destinations


def _save(request: TenantRequest, form: AlertRuleForm, rule: AlertRule | None) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    now, values = timezone.now(), form.values()
    if rule is None:
        saved = create_rule(
            tenant=request.tenant, values={"channels": [], **values}, actor=request.actor, now=now
        )  # fmt: skip
        messages.success(request, f"“{saved.name}” is made; the next tick evaluates it.")
    else:
        saved = update_rule(
            tenant=request.tenant, rule_id=rule.pk, changes=values, actor=request.actor, now=now
        )  # fmt: skip
        messages.success(request, f"“{saved.name}” is saved.")
    return HttpResponseRedirect(rule_address(saved.pk), status=303)
