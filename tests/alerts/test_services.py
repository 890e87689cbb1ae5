"""What the services of rules do beyond what the API shows."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.models import AlertRule, Evaluation, Incident
from alerts.selectors.readings import read_rules
from alerts.selectors.snapshots import due_rules
from alerts.services import (
    add_default_rules,
    create_rule,
    delete_rule,
    mute_rule,
    purge_evaluations,
    settle_transitions,
    update_rule,
)
from alerts.services.evaluating import evaluate_rules
from kaireon.platform.errors import NotFound
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.services import create_tenant
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
    statuses,
    stranger_id,
    tick,
    told,
    transitions,
)
from tests.servers import Receiver, Reply


def change(rule: AlertRule, **changes: Any) -> AlertRule:
    """Change a rule a minute after NOW."""
    return update_rule(
        tenant=rule.tenant, rule_id=rule.pk, changes=changes, actor=SYSTEM, now=NOW + MINUTE
    )  # fmt: skip


def open_health_alerts(tenant: Tenant) -> int:
    """Count the tenant's open system-health alerts."""
    return SystemHealthAlert.objects.for_tenant(tenant).filter(resolved_at=None).count()


# --- a new tenant


def test_a_new_tenant_gets_the_four_rules_that_watch_its_decisions(db: None) -> None:
    tenant = create_tenant(name="Initech", now=NOW)

    rows = AlertRule.objects.for_tenant(tenant).order_by("threshold")

    assert list(rows.values_list("metric", "operator", "threshold", "window_minutes", "channels", "enabled")) == [
        ("error_rate", "gte", 0.05, 60, [], True),
        ("degraded_scoring_rate", "gte", 0.1, 60, [], True),
        ("empty_candidate_rate", "gte", 0.3, 60, [], True),
        ("suppression_rate", "gte", 0.8, 60, [], True),
    ]


def test_default_rules_are_evaluated_and_quiet_without_traffic(acme: Tenant) -> None:
    add_default_rules(acme, NOW)

    result = tick()

    assert (result.evaluated, statuses(result)) == (4, ["no_data"] * 4)


# --- switching off, deleting, changing


def test_a_rule_switched_off_closes_its_incident_without_a_message(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()

    changed = change(rule, enabled=False)

    assert (changed.status, changed.open_incident_id) == ("ok", None)
    assert Incident.objects.for_tenant(acme).get().close_reason == "disabled"
    assert (open_health_alerts(acme), len(pager.got)) == (0, 1)


def test_a_rule_switched_on_again_starts_anew_and_keeps_its_cooldown(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    change(rule, enabled=False)
    change(rule, enabled=True)

    result = tick(NOW + 2 * MINUTE)

    assert statuses(result) == ["cooldown"]
    assert Incident.objects.for_tenant(acme).filter(rule=rule).count() == 2


def test_a_deleted_rule_takes_its_timeline_along_and_leaves_the_ledger(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()

    delete_rule(tenant=acme, rule_id=rule.pk, actor=SYSTEM, now=NOW)

    assert not Evaluation.objects.for_tenant(acme).exists()
    assert not Incident.objects.for_tenant(acme).exists()
    assert Delivery.objects.for_tenant(acme).count() == 1
    assert open_health_alerts(acme) == 0


def test_a_new_condition_starts_the_wait_anew(acme: Tenant) -> None:
    rule = make_rule(acme, pending_minutes=5)
    breach(acme)
    tick()

    changed = change(rule, threshold=0.25)

    assert changed.pending_since is None


def test_a_new_name_does_not_start_the_wait_anew(acme: Tenant) -> None:
    rule = make_rule(acme, pending_minutes=5)
    breach(acme)
    tick()

    changed = change(rule, name="Another")

    assert changed.pending_since == NOW


def test_a_rule_changed_between_the_reading_and_the_lock_waits_for_the_next_tick(acme: Tenant) -> None:
    rule = make_rule(acme)
    due = due_rules(now=NOW, tenant_id=None, limit=10)
    readings = read_rules(due, NOW)
    change(rule, window_minutes=10)

    assert evaluate_rules(rules=due, readings=readings, now=NOW) == []
    assert fresh(rule).last_evaluated_at is None


@pytest.mark.parametrize("service", [delete_rule, mute_rule, update_rule])
def test_an_unknown_rule_is_not_found(acme: Tenant, service: Any) -> None:
    extra: dict[Any, dict[str, Any]] = {mute_rule: {"until": None}, update_rule: {"changes": {"channels": []}}}

    with pytest.raises(NotFound):
        service(tenant=acme, rule_id=stranger_id(), actor=SYSTEM, now=NOW, **extra.get(service, {}))


def test_unmuting_lets_the_next_tick_fire(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    mute_rule(tenant=acme, rule_id=rule.pk, until=NOW + HOUR, actor=SYSTEM, now=NOW - MINUTE)
    breach(acme)
    tick()
    mute_rule(tenant=acme, rule_id=rule.pk, until=None, actor=SYSTEM, now=NOW)

    result = tick(NOW + MINUTE)

    assert (statuses(result), len(pager.got)) == (["fired"], 1)
    assert transitions(rule) == [("fired", 1, "told")]


def test_one_destination_named_twice_gets_one_message(acme: Tenant, pager: Receiver) -> None:
    destination = str(make_webhook(acme, pager).pk)
    make_rule(acme, channels=[destination, {"providerId": destination}, destination])
    breach(acme)

    tick()

    assert len(pager.got) == 1


# --- settling


def test_a_message_that_a_retry_delivers_moves_last_fired_to_the_firing(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=503, headers={"Retry-After": "60"})
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    first = tick()
    pager.script = lambda got: Reply()

    during = tick(NOW + MINUTE / 2)
    breach(acme, NOW + 2 * MINUTE)
    later = tick(NOW + 2 * MINUTE)

    assert [line.state for line in first.entries[0].deliveries] == ["pending"]
    assert (statuses(first), statuses(during), statuses(later)) == (["fired"], ["cooldown"], ["cooldown"])
    assert (fresh(rule).last_fired_at, fresh(rule).last_outcome) == (NOW, "told")
    assert len(pager.got) == 2


def test_no_second_firing_while_the_first_is_on_its_way_even_without_a_cooldown(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=503, headers={"Retry-After": "3000"})
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)], cooldown_minutes=0)
    breach(acme)
    tick()

    result = tick(NOW + 2 * MINUTE)

    assert statuses(result) == ["cooldown"]
    assert transitions(rule) == [("fired", 1, "in_flight")]
    assert Evaluation.objects.for_tenant(acme).order_by("-at").first().reason == "in_flight"  # type: ignore[union-attr]


def test_a_resolve_notice_waits_for_its_firing(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=503, headers={"Retry-After": "600"})
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    calm(acme, NOW + 8 * MINUTE)
    tick(NOW + 8 * MINUTE)
    before = len(pager.got)
    pager.script = lambda got: Reply()

    tick(NOW + 11 * MINUTE)

    assert before == 1
    assert [kind for kind, _, _ in told(pager.got)] == ["alert.fired", "alert.fired", "alert.resolved"]
    assert transitions(rule) == [("fired", 1, "told"), ("resolved", 2, "told")]


def test_a_late_failure_does_not_disturb_a_rule_that_is_well_again(acme: Tenant, pager: Receiver) -> None:
    pager.script = lambda got: Reply(status=503, headers={"Retry-After": "600"})
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    calm(acme, NOW + 8 * MINUTE)
    tick(NOW + 8 * MINUTE)
    pager.script = lambda got: Reply(status=400)
    calm(acme, NOW + 11 * MINUTE)

    tick(NOW + 11 * MINUTE)

    assert (fresh(rule).status, fresh(rule).last_outcome, fresh(rule).last_fired_at) == ("ok", "failed", None)
    assert transitions(rule) == [("fired", 1, "failed"), ("resolved", 2, "failed")]


def test_settling_twice_changes_nothing(acme: Tenant, pager: Receiver) -> None:
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)
    tick()
    before = fresh(rule)

    assert settle_transitions(now=NOW + HOUR) == 0
    assert fresh(rule).last_fired_at == before.last_fired_at


def test_a_capped_firing_counts_as_not_delivered(acme: Tenant, pager: Receiver) -> None:
    Tenant.objects.filter(pk=acme.pk).update(settings={"guardrails": {"notificationsPerHour": 0}})
    rule = make_rule(acme, channels=[str(make_webhook(acme, pager).pk)])
    breach(acme)

    result = tick()

    assert (statuses(result), result.entries[0].deliveries[0].state) == (["delivery_failed"], "capped")
    assert (len(pager.got), fresh(rule).last_fired_at) == (0, None)


# --- purging


def test_old_lines_of_the_timeline_are_purged_in_bounded_steps(acme: Tenant) -> None:
    make_rule(acme)
    for days in (40, 35, 31, 29, 0):
        tick(NOW - timedelta(days=days))
    left_by_ticks = Evaluation.objects.for_tenant(acme).count()

    purged = [purge_evaluations(now=NOW + timedelta(days=20), limit=1) for _ in range(3)]

    assert (left_by_ticks, purged) == (2, [1, 0, 0])


def test_the_open_incident_is_found_by_one_rule_only(acme: Tenant) -> None:
    first, second = make_rule(acme, name="one"), make_rule(acme, name="two", threshold=0.9)
    breach(acme)

    tick()

    assert open_incident(first) is not None
    assert open_incident(second) is None


def test_creating_a_rule_needs_no_optional_value(acme: Tenant) -> None:
    rule = create_rule(
        tenant=acme, values={"name": "n", "metric": "ctr", "operator": "lt", "threshold": 1.0, "channels": []},
        actor=SYSTEM, now=NOW,
    )  # fmt: skip

    assert (rule.window_minutes, rule.cooldown_minutes, rule.no_data_policy) == (5, 60, "ok")
