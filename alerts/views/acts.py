"""Act on a rule: mute, acknowledge, switch, delete, test, backtest. Each is one service or selector call."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alerts.forms import BacktestForm, MuteForm
from alerts.selectors import backtest_rule, find_rule, try_rule
from alerts.selectors.pictures import draw_points
from alerts.services import acknowledge_rule, delete_rule, mute_rule, update_rule
from alerts.views.reading import rule_address
from kaireon.platform.api import parse_id
from kaireon.platform.errors import BadRequest, Conflict, DomainError
from kaireon.platform.pages import page
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

WRITES = Role.EDITOR


def _back(rule_id: str) -> HttpResponse:
    return HttpResponseRedirect(rule_address(parse_id(rule_id)), status=303)


@require_http_methods(["POST"])
@page(role=WRITES)
def mute(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Silence a rule for a while, or end the silence."""
    assert request.tenant is not None
    assert request.actor is not None
    form, now = MuteForm(request.POST), timezone.now()
    if not form.is_valid():
        raise BadRequest("minutes: Choose one of the spans offered.")
    minutes = form.cleaned_data["minutes"]
    rule = mute_rule(
        tenant=request.tenant, rule_id=parse_id(rule_id), until=now + timedelta(minutes=minutes) if minutes else None,
        actor=request.actor, now=now,
    )  # fmt: skip
    what = "is muted; its incidents are tracked all the same" if minutes else "speaks again"
    messages.success(request, f"“{rule.name}” {what}.")
    return _back(rule_id)


@require_http_methods(["POST"])
@page(role=WRITES)
def acknowledge(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Take the open incident."""
    assert request.tenant is not None
    assert request.actor is not None
    try:
        acknowledge_rule(tenant=request.tenant, rule_id=parse_id(rule_id), actor=request.actor, now=timezone.now())
        messages.success(request, "Acknowledged: the incident is not repeated; its end will still be told.")
    except Conflict as refusal:
        messages.warning(request, f"{refusal.message} It may have ended a moment ago.")
    return _back(rule_id)


@require_http_methods(["POST"])
@page(role=WRITES)
def switch(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Switch a rule on or off."""
    assert request.tenant is not None
    assert request.actor is not None
    is_on = request.POST.get("enabled") == "1"
    rule = update_rule(
        tenant=request.tenant, rule_id=parse_id(rule_id), changes={"enabled": is_on}, actor=request.actor,
        now=timezone.now(),
    )  # fmt: skip
    messages.success(request, f"“{rule.name}” is switched {'on' if is_on else 'off'}.")
    return _back(rule_id)


@require_http_methods(["POST"])
@page(role=WRITES)
def delete(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Delete a rule with its incidents and timeline."""
    assert request.tenant is not None
    assert request.actor is not None
    rule = find_rule(request.tenant, parse_id(rule_id))
    delete_rule(tenant=request.tenant, rule_id=rule.pk, actor=request.actor, now=timezone.now())
    messages.success(request, f"“{rule.name}” is deleted; its deliveries stay in the ledger.")
    return HttpResponseRedirect(reverse("alerts-page"), status=303)


@require_http_methods(["POST"])
@page(role=WRITES)
def test(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Evaluate the rule now and send nothing; answers with a fragment."""
    assert request.tenant is not None
    rule, now = find_rule(request.tenant, parse_id(rule_id)), timezone.now()
    return render(request, "alerts/_trial.html", {"trial": try_rule(rule, now), "rule": rule, "now": now})


@require_http_methods(["GET"])
@page()
def backtest(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Play the rule over the last days; answers with a fragment."""
    assert request.tenant is not None
    rule, form = find_rule(request.tenant, parse_id(rule_id)), BacktestForm(request.GET)
    days = form.cleaned_data["days"] if form.is_valid() else 7
    try:
        played = backtest_rule(rule, days=days, now=timezone.now())
    except DomainError as refusal:
        return render(request, "alerts/_backtest.html", {"refusal": refusal.message})
    fired = [(line.step.at, line.step.reading.observed) for line in played.lines if line.step.decision.fires]
    chart = draw_points(played.points, threshold=rule.threshold, operator=rule.operator, fired=fired)
    context = {"backtest": played, "chart": chart, "days": days, "threshold": rule.threshold, "is_saved": True}
    return render(request, "alerts/_backtest.html", context)
