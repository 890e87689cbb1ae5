"""Alert pages: make, change and act on rules; what was typed stays, what is refused says why."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from alerts.models import AlertRule, Incident
from alerts.services import create_rule
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.models import Destination
from kaireon.platform.notifications.services import create_destination, delete_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import record_traces
from tests.architecture.furniture import furnish
from tests.people import Person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def typed(**changes: Any) -> dict[str, Any]:
    """Return a form as a person fills it in."""
    return {
        "name": "Too slow", "metric": "latency_p99", "operator": "gt", "threshold": "250", "window_minutes": "15",
        "pending_minutes": "0", "cooldown_minutes": "30", "no_data_policy": "ok", "enabled": "on", **changes,
    }  # fmt: skip


def mail(tenant: Tenant, name: str = "Operations") -> Destination:
    config = {"fromEmail": "a@example.com", "recipients": ["b@example.com"]}
    return create_destination(
        tenant_id=tenant.pk, kind="ops_email", name=name, config=config, enabled=True, actor=SYSTEM, now=timezone.now()
    )  # fmt: skip


def rule_of(tenant: Tenant, **changes: Any) -> AlertRule:
    values = {"name": "Errors", "metric": "error_rate", "operator": "gte", "threshold": 0.05, "channels": [], **changes}
    return create_rule(tenant=tenant, values=values, actor=SYSTEM, now=timezone.now())


def stored(rule: AlertRule) -> AlertRule:
    return AlertRule.objects.for_tenant(rule.tenant_id).get(pk=rule.pk)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_a_rule_is_made_and_its_page_is_shown(acme: Tenant, eve: Person) -> None:
    destination = mail(acme)

    answer = eve.browser().post("/settings/alerts/new", typed(destinations=[str(destination.pk)]))

    rule = AlertRule.objects.for_tenant(acme).get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/settings/alerts/{rule.pk}"
    assert (rule.name, rule.threshold, rule.window_minutes, rule.notify_resolved) == ("Too slow", 250.0, 15, False)
    assert rule.provider_ids == [destination.pk]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 121), ("name", "a\u202eb"), ("metric", "nonsense"), ("operator", "between"),
        ("threshold", ""), ("threshold", "nan"), ("threshold", "inf"), ("threshold", "much"), ("window_minutes", "0"),
        ("window_minutes", "10081"), ("cooldown_minutes", "-1"), ("pending_minutes", "1441"), ("no_data_policy", "x"),
        ("destinations", [str(new_id())]),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    field: str, value: Any, acme: Tenant, eve: Person
) -> None:
    answer = eve.browser().post("/settings/alerts/new", typed(**{"name": "Kept name", field: value}))

    text = answer.content.decode()
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert f'href="#rule_{field}"' in text or field == "destinations"
    assert "Kept name" in text or field == "name"
    assert not AlertRule.objects.for_tenant(acme).exists()


def test_over_the_cap_the_form_says_so_on_top(acme: Tenant, eve: Person) -> None:
    Tenant.objects.filter(pk=acme.pk).update(settings={"guardrails": {"maxAlertRules": 0}})

    answer = eve.browser().post("/settings/alerts/new", typed())

    assert answer.status_code == 400
    assert "which is its cap" in answer.content.decode()


def test_a_legacy_channel_survives_an_edit_that_does_not_touch_the_destinations(acme: Tenant, eve: Person) -> None:
    rule = rule_of(acme, channels=[{"type": "email", "target": "ops@example.com"}])
    ids = [str(each) for each in rule.provider_ids]

    answer = eve.browser().post(f"/settings/alerts/{rule.pk}/edit", typed(name="Renamed", destinations=ids))

    assert answer.status_code == 303
    assert stored(rule).channels == [{"type": "email", "target": "ops@example.com"}]
    assert stored(rule).name == "Renamed"


def test_a_deleted_destination_can_be_kept_or_unticked(acme: Tenant, eve: Person) -> None:
    destination = mail(acme)
    rule = rule_of(acme, channels=[str(destination.pk)])
    delete_destination(tenant_id=acme.pk, destination_id=destination.pk, actor=SYSTEM, now=timezone.now())
    browser = eve.browser()

    page = browser.get(f"/settings/alerts/{rule.pk}/edit").content.decode()
    kept = browser.post(f"/settings/alerts/{rule.pk}/edit", typed(destinations=[str(destination.pk)]))
    kept_ids = stored(rule).provider_ids
    browser.post(f"/settings/alerts/{rule.pk}/edit", typed())

    assert "A deleted destination" in page
    assert kept.status_code == 303
    assert kept_ids == [destination.pk]
    assert stored(rule).provider_ids == []


def test_a_rule_on_a_metric_that_is_gone_can_still_be_edited(acme: Tenant, eve: Person) -> None:
    rule = rule_of(acme, metric="long_gone")

    page = eve.browser().get(f"/settings/alerts/{rule.pk}/edit").content.decode()

    assert "long_gone (nothing measures it)" in page


def test_the_preview_says_what_the_rule_would_have_done(acme: Tenant, eve: Person) -> None:
    record_traces(acme, timezone.now() - timedelta(hours=3), fine=5, total_latency_ms=900.0)

    answer = eve.browser().post("/settings/alerts/preview", typed(name=""), headers=HTMX)

    text = answer.content.decode()
    assert "It would have fired 1 time in the last 7 days" in text
    assert "<svg" in text
    assert "<html" not in text


def test_the_preview_waits_for_a_threshold_and_saves_nothing(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post("/settings/alerts/preview", typed(threshold=""), headers=HTMX)

    assert answer.status_code == 200
    assert "Fill in metric, comparison and threshold" in answer.content.decode()
    assert not AlertRule.objects.for_tenant(acme).exists()


def test_the_preview_counts_messages_per_destination(acme: Tenant, eve: Person) -> None:
    destination = mail(acme)
    record_traces(acme, timezone.now() - timedelta(hours=3), fine=5, total_latency_ms=900.0)
    form = typed(destinations=[str(destination.pk)], notify_resolved="on")

    text = eve.browser().post("/settings/alerts/preview", form, headers=HTMX).content.decode()

    assert re.search(r"Messages: Operations \d", text)


def test_test_says_what_would_happen_and_sends_nothing(acme: Tenant, eve: Person) -> None:
    rule = rule_of(acme, metric="decision_count", operator="lt", threshold=10)

    text = eve.browser().post(f"/settings/alerts/{rule.pk}/test", headers=HTMX).content.decode()

    assert "It would fire now" in text
    assert "It would tell nobody" in text
    assert stored(rule).last_fired_at is None


@pytest.mark.parametrize("days", ["1", "7", "30", "nonsense", ""])
def test_a_backtest_answers_for_any_days(days: str, acme: Tenant, bob: Person) -> None:
    rule = rule_of(acme)

    answer = bob.browser().get(f"/settings/alerts/{rule.pk}/backtest", {"days": days}, headers=HTMX)

    assert answer.status_code == 200
    assert "It would not have fired" in answer.content.decode()


def test_mute_and_unmute(acme: Tenant, eve: Person) -> None:
    rule, browser = rule_of(acme), eve.browser()

    browser.post(f"/settings/alerts/{rule.pk}/mute", {"minutes": "60"})
    muted_until = stored(rule).muted_until
    page = browser.get(f"/settings/alerts/{rule.pk}").content.decode()
    browser.post(f"/settings/alerts/{rule.pk}/mute", {"minutes": "0"})

    assert muted_until is not None
    assert timedelta(minutes=59) < muted_until - timezone.now() <= timedelta(hours=1)
    assert "Unmute" in page
    assert stored(rule).muted_until is None


@pytest.mark.parametrize("minutes", ["", "61", "-5", "x"])
def test_another_span_than_those_offered_is_refused(minutes: str, acme: Tenant, eve: Person) -> None:
    rule = rule_of(acme)

    answer = eve.browser().post(f"/settings/alerts/{rule.pk}/mute", {"minutes": minutes})

    assert answer.status_code == 400
    assert stored(rule).muted_until is None


def test_acknowledge_takes_the_open_incident(acme: Tenant, eve: Person) -> None:
    ids = furnish(acme, timezone.now())
    browser = eve.browser()

    answer = browser.post(f"/settings/alerts/{ids['rule']}/acknowledge")
    page = browser.get(f"/settings/alerts/{ids['rule']}").content.decode()

    assert answer.status_code == 303
    assert Incident.objects.for_tenant(acme).get().acknowledged_by == eve.user.email
    assert "Acknowledged" in page
    assert "after this incident" in page


def test_acknowledging_what_has_ended_says_so(acme: Tenant, eve: Person) -> None:
    rule = rule_of(acme)

    answer = eve.browser().post(f"/settings/alerts/{rule.pk}/acknowledge")

    assert answer.status_code == 303
    assert "no open incident" in said(answer)


def test_switching_a_rule_off_and_on(acme: Tenant, eve: Person) -> None:
    rule, browser = rule_of(acme), eve.browser()

    browser.post(f"/settings/alerts/{rule.pk}/switch", {"enabled": "0"})
    was_enabled = stored(rule).enabled
    page = browser.get(f"/settings/alerts/{rule.pk}").content.decode()
    browser.post(f"/settings/alerts/{rule.pk}/switch", {"enabled": "1"})

    assert not was_enabled
    assert "Switched off" in page
    assert stored(rule).enabled


def test_deleting_asks_with_the_name_and_the_effect_and_leads_back_to_the_list(acme: Tenant, eve: Person) -> None:
    rule, browser = rule_of(acme, name="Old & tired"), eve.browser()

    page = browser.get(f"/settings/alerts/{rule.pk}").content.decode()
    answer = browser.post(f"/settings/alerts/{rule.pk}/delete")

    assert 'data-confirm="Delete the rule “Old &amp; tired”?"' in page
    assert "Deletes its incidents and its timeline too" in page
    assert answer["Location"] == "/settings/alerts"
    assert not AlertRule.objects.for_tenant(acme).exists()


@pytest.mark.parametrize("act", ["mute", "acknowledge", "switch", "delete", "test", "edit"])
def test_a_viewer_cannot_act(act: str, acme: Tenant, bob: Person) -> None:
    rule = rule_of(acme)

    answer = bob.browser().post(f"/settings/alerts/{rule.pk}/{act}", {"minutes": "60"})
    page = bob.browser().get(f"/settings/alerts/{rule.pk}").content.decode()

    assert answer.status_code == 403
    assert f"/settings/alerts/{rule.pk}/{act}" not in page


def test_what_is_firing_stands_first_with_who_was_told(acme: Tenant, bob: Person) -> None:
    rule_of(acme, name="Calm one")
    furnish(acme, timezone.now(), mark="Lima")

    text = bob.browser().get("/settings/alerts").content.decode()

    assert "1 rule in breach" in text
    assert text.index("Lima rule") < text.index("Calm one")
    assert "Lima mail" in text
    assert 'class="k-spark"' in text


def test_the_search_finds_by_name_and_by_metric(acme: Tenant, bob: Person) -> None:
    rule_of(acme, name="Budget watch", metric="revenue")
    rule_of(acme, name="Other")
    browser = bob.browser()

    by_name = browser.get("/settings/alerts", {"q": "budget"}).context["rules"]
    by_metric = browser.get("/settings/alerts", {"q": "REVEN"}).context["rules"]
    nothing = browser.get("/settings/alerts", {"q": "%\x01"}).content.decode()

    assert [row["rule"].name for row in by_name] == ["Budget watch"]
    assert [row["rule"].name for row in by_metric] == ["Budget watch"]
    assert "No rule matches" in nothing


def test_a_long_list_goes_on_by_key_without_gap_or_repeat(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    AlertRule.objects.bulk_create(
        AlertRule(
            tenant=acme, name=f"R{number}", metric="ctr", operator="gt", threshold=1, created_at=now, updated_at=now
        )
        for number in range(120)
    )
    browser, seen, key = bob.browser(), [], ""

    while True:
        page = browser.get("/settings/alerts", {"after": key} if key else {})
        seen += [row["rule"].name for row in page.context["rules"]]
        key = page.context["next_key"]
        if not key:
            break

    assert len(seen) == 120
    assert len(set(seen)) == 120


def test_the_timeline_answers_why_it_fired(acme: Tenant, bob: Person) -> None:
    ids = furnish(acme, timezone.now())

    text = bob.browser().get(f"/settings/alerts/{ids['rule']}").content.decode()

    assert "Fired (message 1" in text
    assert "In breach: it began" in text
