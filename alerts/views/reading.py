"""Look at rules: what is firing and who was told, every rule with its last day, and one rule with its timeline."""

import uuid
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alerts.decisions import Status
from alerts.forms import BacktestForm, MuteForm
from alerts.models import AlertRule
from alerts.selectors import (
    RuleOverview,
    find_rule,
    firing_now,
    fold_timeline,
    incidents_of,
    rule_overview,
    rule_overviews,
    timeline_lines,
    timeline_of,
    transitions_of,
)
from alerts.selectors.pictures import draw_day, draw_rules
from kaireon.platform.api import parse_id
from kaireon.platform.notifications.selectors import list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first, read_key, write_key
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant

RULES_SHOWN: Final = 30
LINES_READ: Final = 200
SIGNS: Final = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "="}


@require_http_methods(["GET"])
@page()
def rules_page(request: TenantRequest) -> HttpResponse:
    """Show which rules are firing, since when and who was told; then every rule. `?q=` searches, `?after=` goes on."""
    assert request.tenant is not None
    context = _rules(request, request.tenant)
    if request.headers.get("HX-Request"):
        return render(request, "alerts/_live.html", page_fragment(request, **context))
    return render(request, "alerts/rules.html", page_context(request, title="Alerts", **context))


def _rules(request: TenantRequest, tenant: Tenant) -> dict[str, Any]:
    now, text, after = timezone.now(), request.GET.get("q", "").strip()[:120], request.GET.get("after", "")
    text = "".join(character for character in text if character.isprintable())
    found = rule_overviews(tenant, now=now, after=read_key(after), limit=RULES_SHOWN + 1, text=text)
    shown = found[:RULES_SHOWN]
    pictures = draw_rules(shown, now)
    return {
        "firing": firing_now(tenant),
        "rules": [rule_row(each, pictures[each.rule.pk]) for each in shown],
        "next_key": write_key(shown[-1].rule.created_at, shown[-1].rule.pk) if len(found) > RULES_SHOWN else "",
        "query": text,
        "is_first_page": not after,
        "address": request.get_full_path(),
    }


def rule_row(overview: RuleOverview, picture: Any = None) -> dict[str, Any]:
    """Return what a row of the list shows."""
    rule = overview.rule
    return {
        "rule": rule,
        "overview": overview,
        "state": state_of(rule),
        "sign": SIGNS[rule.operator],
        "picture": picture,
        "next_words": next_words(overview),
    }


def state_of(rule: AlertRule) -> str:
    """Return the word of the vocabulary for a rule as it stands."""
    if not rule.enabled:
        return "disabled"
    if rule.last_evaluated_at is None and rule.status == Status.OK:
        return "never"
    return "acknowledged" if rule.is_acknowledged else str(rule.status)


def next_words(overview: RuleOverview) -> str:
    """Say what holds the next firing back, where it is no time."""
    if overview.next_possible_at is not None:
        return ""
    return "after this incident" if overview.rule.is_acknowledged else "when the last message has arrived"


@require_http_methods(["GET"])
@page()
def rule_page(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Show one rule: its state, its day, its timeline, who was told."""
    assert request.tenant is not None
    now = timezone.now()
    overview = rule_overview(request.tenant, parse_id(rule_id), now=now)
    incidents = incidents_of(request.tenant, overview.rule)
    names = {row.destination.pk: row for row in list_destinations(request.tenant.pk)}
    context = {
        **rule_row(overview),
        **_timeline(request, request.tenant, overview.rule),
        "chart": draw_day(overview.rule, now),
        "open_incident": next((each for each in incidents if each.closed_at is None), None),
        "incidents": incidents[:10],
        "transitions": transitions_of(request.tenant, overview.rule),
        "destinations": [(each, names.get(each)) for each in overview.rule.provider_ids],
        "is_muted": overview.rule.muted_until is not None and overview.rule.muted_until > now,
        "mute_choices": MuteForm.CHOICES,
        "backtest_choices": BacktestForm.CHOICES,
        "crumbs": [{"title": "Alerts", "link": reverse("alerts-page")}],
    }
    return render(request, "alerts/rule.html", page_context(request, title=overview.rule.name, **context))


@require_http_methods(["GET"])
@page()
def timeline(request: TenantRequest, rule_id: str) -> HttpResponse:
    """Return older lines of a rule's timeline, as a fragment."""
    assert request.tenant is not None
    rule = find_rule(request.tenant, parse_id(rule_id))
    return render(request, "alerts/_timeline.html", {"rule": rule, **_timeline(request, request.tenant, rule)})


def _timeline(request: TenantRequest, tenant: Tenant, rule: AlertRule) -> dict[str, Any]:
    rows = newest_first(
        timeline_of(tenant, rule), after=request.GET.get("after", ""), limit=LINES_READ, time_field="at"
    )
    return {"folds": fold_timeline(timeline_lines(rows.rows)), "timeline_key": rows.next_key}


def page_fragment(request: TenantRequest, **more: Any) -> dict[str, Any]:
    """Return what a fragment of a page needs of the frame."""
    context = page_context(request, title="", **more)
    return {name: context[name] for name in ("tenant", "actor", "can_edit", "is_admin", *more)}


def rule_address(rule_id: uuid.UUID) -> str:
    """Return the address of a rule's page."""
    return reverse("alert-page", args=[rule_id])
