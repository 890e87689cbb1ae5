"""A tick, end to end in one process: real decisions, real rows, real webhooks."""

import json
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import AlertRule, Evaluation, Transition
from alerts.selectors.readings import read_rules
from alerts.selectors.snapshots import due_rules
from alerts.services import acknowledge_rule, mute_rule, update_rule
from alerts.services.evaluating import evaluate_rules
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.notifications.services import delete_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import (
    HOUR,
    MINUTE,
    NOW,
    breach,
    calm,
    fresh,
    make_rule,
    make_webhook,
    open_incident,
    record_traces,
    statuses,
    tick,
    told,
    transitions,
)
from tests.servers import Receiver, Reply


def test_a_breach_fires_and_tells_the_destination(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    result = tick()

    assert (result.evaluated, result.fired, result.remaining, result.errors) == (1, 1, 0, [])
    (entry,) = result.entries
    assert (entry.status, entry.observed, entry.threshold, entry.severity) == ("fired", 0.3, 0.2, "warning")
    assert [(line.kind, line.state, line.error) for line in entry.deliveries] == [("webhook", "delivered", "")]
    assert told(pager.got) == [("alert.fired", str(rule.pk), 1)]
    after = fresh(rule)
    assert (after.status, after.last_fired_at, after.last_observed, after.last_evaluated_at) == ("fired", NOW, 0.3, NOW)


def test_the_message_says_what_was_seen_and_where_to_look(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    tick()

    body = json.loads(pager.got[0].body)
    assert body["severity"] == "warning"
    assert body["subject"] == "[WARNING] Degraded scoring: degraded_scoring_rate 0.3"
    assert "0.3" in body["message"]
    assert body["link"].endswith(f"/settings/alerts/{rule.pk}")
    assert body["data"]["observed"] == 0.3
    assert body["data"]["incidentId"] == str(fresh(rule).open_incident_id)


def test_a_calm_rule_is_counted_and_not_listed(acme: Tenant) -> None:
    rule = make_rule(acme)
    calm(acme, NOW)

    result = tick()

    assert (result.evaluated, result.entries) == (1, [])
    assert (fresh(rule).status, fresh(rule).last_observed) == ("ok", 0.0)


def test_a_disabled_rule_is_not_evaluated(acme: Tenant) -> None:
    make_rule(acme, enabled=False)

    assert tick().evaluated == 0


def test_a_rule_without_destinations_fires_and_tells_nobody(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)

    result = tick()

    assert (statuses(result), result.entries[0].deliveries) == (["fired"], [])
    assert fresh(rule).last_fired_at == NOW
    assert SystemHealthAlert.objects.for_tenant(acme).filter(resolved_at=None).count() == 1


def test_a_second_tick_within_the_cooldown_tells_nobody(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()

    result = tick(NOW + MINUTE)

    assert (statuses(result), result.in_cooldown, result.fired) == (["cooldown"], 1, 0)
    assert len(pager.got) == 1
    assert (fresh(rule).status, fresh(rule).last_fired_at) == ("cooldown", NOW)


def test_a_tick_at_the_same_instant_evaluates_nothing_again(acme: Tenant) -> None:
    make_rule(acme)
    breach(acme)
    tick()

    result = tick()

    assert (result.evaluated, result.fired) == (0, 0)


def test_a_breach_that_lasts_fires_again_after_the_cooldown_with_the_next_number(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=10)
    breach(acme)
    tick()
    breach(acme, NOW + 10 * MINUTE)

    tick(NOW + 10 * MINUTE)

    assert [number for _, _, number in told(pager.got)] == [1, 2]
    assert fresh(rule).last_fired_at == NOW + 10 * MINUTE
    assert transitions(rule) == [("fired", 1, "told"), ("fired", 2, "told")]


def test_the_end_of_a_breach_is_told_once_to_those_who_were_told_of_it(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    calm(acme, NOW + 10 * MINUTE)

    result = tick(NOW + 10 * MINUTE)
    tick(NOW + 11 * MINUTE)

    assert statuses(result) == ["resolved"]
    assert [kind for kind, _, _ in told(pager.got)] == ["alert.fired", "alert.resolved"]
    assert (fresh(rule).status, fresh(rule).open_incident_id) == ("ok", None)
    assert not SystemHealthAlert.objects.for_tenant(acme).filter(resolved_at=None).exists()


def test_a_destination_added_later_is_not_told_of_an_end_whose_beginning_it_missed(
    acme: Tenant, pager: Receiver, other_pager: Receiver
) -> None:
    first, second = make_webhook(acme, pager), make_webhook(acme, other_pager, "Late")
    rule = make_rule(acme, channels=[str(first.pk)])
    breach(acme)
    tick()
    update_rule(
        tenant=acme, rule_id=rule.pk, changes={"channels": [str(first.pk), str(second.pk)]}, actor=SYSTEM, now=NOW
    )  # fmt: skip
    calm(acme, NOW + 10 * MINUTE)

    tick(NOW + 10 * MINUTE)

    assert (len(pager.got), len(other_pager.got)) == (2, 0)


def test_a_rule_without_resolve_notices_ends_quietly(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], notify_resolved=False)
    breach(acme)
    tick()

    tick(NOW + 10 * MINUTE)

    assert len(pager.got) == 1
    assert open_incident(rule) is None


def test_a_breach_shorter_than_pending_is_told_to_nobody(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], pending_minutes=5)
    breach(acme)

    first = tick()
    second = tick(NOW + 10 * MINUTE)

    assert (statuses(first), statuses(second)) == (["pending"], ["no_data"])
    assert pager.got == []
    assert fresh(rule).pending_since is None


def test_a_breach_that_outlasts_pending_fires(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], pending_minutes=3)
    breach(acme)
    tick()
    breach(acme, NOW + 3 * MINUTE)

    result = tick(NOW + 3 * MINUTE)

    assert statuses(result) == ["fired"]
    assert fresh(rule).pending_since == NOW
    assert len(pager.got) == 1


def test_a_muted_rule_tracks_its_incident_and_tells_nobody(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    mute_rule(tenant=acme, rule_id=rule.pk, until=NOW + HOUR, actor=SYSTEM, now=NOW - MINUTE)
    breach(acme)

    result = tick()

    assert statuses(result) == ["muted"]
    assert open_incident(rule) is not None
    assert (pager.got, fresh(rule).last_fired_at) == ([], None)


def test_an_acknowledged_incident_is_not_repeated_and_its_end_is_told(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=1)
    breach(acme)
    tick()
    acknowledge_rule(tenant=acme, rule_id=rule.pk, actor=SYSTEM, now=NOW + MINUTE)

    during = tick(NOW + 2 * MINUTE)
    calm(acme, NOW + 10 * MINUTE)
    tick(NOW + 10 * MINUTE)

    assert statuses(during) == ["muted"]
    assert [kind for kind, _, _ in told(pager.got)] == ["alert.fired", "alert.resolved"]


def test_an_unknown_metric_is_visible_and_changes_nothing_else(acme: Tenant) -> None:
    rule = make_rule(acme, metric="outbox_pending_of_tomorrow")

    result = tick()

    assert statuses(result) == ["unsupported_metric"]
    assert fresh(rule).status == "unsupported_metric"


def test_no_data_is_neither_zero_nor_a_breach(acme: Tenant) -> None:
    rule = make_rule(acme, operator="lt")

    result = tick()

    assert (statuses(result), result.entries[0].observed) == (["no_data"], None)
    assert fresh(rule).status == "no_data"


def test_a_count_without_data_is_zero(acme: Tenant) -> None:
    make_rule(acme, metric="decision_count", operator="lt", threshold=5)

    result = tick()

    assert (statuses(result), result.entries[0].observed) == (["fired"], 0.0)


def test_the_baseline_is_the_window_before(acme: Tenant, pager: Receiver) -> None:
    make_rule(acme, metric="decision_count", operator="gt", threshold=0, channels=[str(make_webhook(acme, pager).pk)])
    record_traces(acme, NOW - 5 * MINUTE, fine=10)
    record_traces(acme, NOW, fine=12)

    result = tick()

    data = json.loads(pager.got[0].body)["data"]
    assert (data["observed"], data["baseline"], result.entries[0].severity) == (12.0, 10.0, "info")


# --- deliveries that go wrong


def test_a_destination_that_refuses_leaves_last_fired_alone(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=400)
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    result = tick()

    assert (statuses(result), result.fired) == (["delivery_failed"], 0)
    assert "400" in result.entries[0].deliveries[0].error
    after = fresh(rule)
    assert (after.status, after.last_fired_at, after.last_outcome) == ("delivery_failed", None, "failed")


def test_a_firing_that_nobody_got_is_made_again_at_the_next_tick(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=400)
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    pager.script = lambda got: Reply()

    too_soon = tick(NOW + MINUTE / 3)
    result = tick(NOW + MINUTE)

    assert (statuses(too_soon), statuses(result)) == (["delivery_failed"], ["fired"])
    assert [number for _, _, number in told(pager.got)] == [1, 2]
    assert fresh(rule).last_fired_at == NOW + MINUTE


def test_one_destination_of_two_is_enough_to_have_fired(acme: Tenant, pager: Receiver, other_pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=400)
    channels = [str(make_webhook(acme, pager).pk), str(make_webhook(acme, other_pager, "Other").pk)]
    rule = make_rule(acme, channels=channels)
    breach(acme)

    result = tick()

    assert (statuses(result), fresh(rule).last_fired_at) == (["fired"], NOW)
    assert sorted(line.state for line in result.entries[0].deliveries) == ["delivered", "failed"]


def test_the_end_is_not_told_to_a_destination_that_the_firing_never_reached(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=400)
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    calm(acme, NOW + 10 * MINUTE)

    result = tick(NOW + 10 * MINUTE)

    assert (statuses(result), result.entries[0].deliveries) == (["resolved"], [])
    assert len(pager.got) == 1
    assert transitions(rule) == [("fired", 1, "failed"), ("resolved", 2, "told")]


def test_a_request_without_an_answer_is_unknown_and_counts_as_fired(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: None
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    result = tick()

    assert result.entries[0].deliveries[0].state == "unknown"
    assert (statuses(result), fresh(rule).last_fired_at) == (["fired"], NOW)


def test_a_deleted_destination_leaves_the_rule_working(acme: Tenant, pager: Receiver) -> None:
    destination = make_webhook(acme, pager)
    rule = make_rule(acme, channels=[str(destination.pk)])
    delete_destination(tenant_id=acme.pk, destination_id=destination.pk, actor=SYSTEM, now=NOW)
    breach(acme)

    result = tick()

    assert statuses(result) == ["delivery_failed"]
    assert fresh(rule).status == "delivery_failed"


def test_another_tenants_destination_gets_nothing(acme: Tenant, globex: Tenant, pager: Receiver) -> None:
    foreign = make_webhook(globex, pager)
    rule = make_rule(acme)
    AlertRule.objects.for_tenant(acme).filter(pk=rule.pk).update(provider_ids=[foreign.pk])
    breach(acme)

    result = tick()

    assert (statuses(result), pager.got) == (["delivery_failed"], [])


def test_past_the_budget_nothing_is_sent_and_the_next_tick_takes_over(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    starved = tick(seconds=0)
    result = tick(NOW + MINUTE)

    assert (starved.evaluated, starved.remaining, result.fired) == (0, 1, 1)
    assert fresh(rule).last_fired_at == NOW + MINUTE


def test_more_firings_than_the_storm_limit_become_one_digest(acme: Tenant, pager: Receiver) -> None:
    channel = str(make_webhook(acme, pager).pk)
    rules = [make_rule(acme, name=f"Rule {number}", channels=[channel]) for number in range(25)]
    breach(acme)

    result = tick()

    assert (result.fired, len(pager.got)) == (25, 1)
    body = json.loads(pager.got[0].body)
    assert all(rule.name in body["message"] for rule in rules)
    assert {line.state for entry in result.entries for line in entry.deliveries} == {"delivered"}
    assert all(fresh(rule).last_fired_at == NOW for rule in rules)


# --- what is left behind


def test_every_evaluation_is_one_line_of_the_timeline(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)

    for minutes in (0, 1, 10):
        tick(NOW + minutes * MINUTE)

    rows = Evaluation.objects.for_tenant(acme).filter(rule=rule).order_by("at")
    assert [row.reason for row in rows] == ["fired", "cooldown", "resolved"]
    assert {row.incident_id for row in rows} == {Transition.objects.for_tenant(acme)[0].incident_id}


def test_firings_and_resolves_are_audited_and_chained(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    tick()
    tick(NOW + 10 * MINUTE)

    actions = AuditEntry.objects.for_tenant(acme).filter(entity_id=str(rule.pk)).order_by("sequence")

    assert list(actions.values_list("action", flat=True)) == ["create", "alert_fired", "alert_resolved"]


def test_a_firing_raises_system_health_without_telling_the_destinations_twice(acme: Tenant, pager: Receiver) -> None:
    make_rule(acme, threshold=0.01, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    tick()

    alert = SystemHealthAlert.objects.for_tenant(acme).get()
    assert (alert.severity, alert.source) == ("critical", "alerts")
    assert Delivery.objects.for_tenant(acme).count() == len(pager.got) == 1


def test_a_tick_of_one_tenant_leaves_the_others_alone(acme: Tenant, globex: Tenant) -> None:
    make_rule(acme)
    theirs = make_rule(globex)

    result = tick(tenant=acme)

    assert result.evaluated == 1
    assert fresh(theirs).last_evaluated_at is None


def test_rules_of_a_clock_that_was_ahead_are_not_parked(acme: Tenant) -> None:
    rule = make_rule(acme)
    AlertRule.objects.for_tenant(acme).filter(pk=rule.pk).update(last_evaluated_at=NOW + HOUR)

    assert tick().evaluated == 1


# --- the whole tick in a fixed number of statements


def queries_of_a_tick(at: datetime) -> int:
    """Return how many statements a tick takes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        tick(at)
    return len(captured)


def test_the_deciding_transaction_takes_as_many_statements_for_forty_messages_as_for_two(
    acme: Tenant, pager: Receiver, other_pager: Receiver
) -> None:
    channels = [str(make_webhook(acme, each, each.place).pk) for each in (pager, other_pager)]

    def evaluate(at: datetime) -> int:
        record_traces(acme, at, degraded=3, fine=7)
        due = due_rules(now=at, tenant_id=None, limit=100)
        readings = read_rules(due, at)
        with CaptureQueriesContext(connection) as captured:
            evaluated = evaluate_rules(rules=due, readings=readings, now=at)
        assert all(item.decision.fires for item in evaluated)
        return len(captured)

    make_rule(acme, channels=channels, cooldown_minutes=0)
    few = evaluate(NOW)
    tick(NOW + MINUTE / 60)
    for number in range(19):
        make_rule(acme, name=f"Rule {number}", channels=channels, cooldown_minutes=0)

    assert evaluate(NOW + HOUR) <= few
    assert Delivery.objects.for_tenant(acme).filter(state="pending").count() == 40


@pytest.mark.parametrize("is_breaching", [False, True], ids=["calm", "all fire"])
def test_the_number_of_statements_does_not_depend_on_the_number_of_rules(
    acme: Tenant, globex: Tenant, is_breaching: bool
) -> None:
    for tenant in (acme, globex):
        make_rule(tenant)
        record_traces(tenant, NOW, degraded=3 if is_breaching else 0, fine=7)
    few = queries_of_a_tick(NOW)
    for tenant in (acme, globex):
        for number in range(60):
            make_rule(tenant, name=f"Rule {number}", window_minutes=5 + number % 7)
        record_traces(tenant, NOW + HOUR, degraded=3 if is_breaching else 0, fine=7)

    many = queries_of_a_tick(NOW + HOUR)

    assert many <= few
    assert AlertRule.objects.across_tenants().filter(last_evaluated_at=NOW + HOUR).count() == 122
