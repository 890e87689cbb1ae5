"""What the overview asks of alerting, and the pictures of rules."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.models import AlertRule, Evaluation
from alerts.selectors import rule_overviews
from alerts.selectors.outlook import happened_since, tally, upcoming
from alerts.selectors.pictures import draw_day, draw_rules
from alerts.services import update_rule
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import HOUR, MINUTE, NOW, breach, calm, fresh, make_rule, tick

pytestmark = pytest.mark.django_db


def soon(tenant: Tenant, now: datetime = NOW) -> list[tuple[float, str]]:
    """Return what may happen within the hour: minutes from now, and what."""
    return [((each.at - now) / MINUTE, each.text) for each in upcoming(tenant, now=now, span=HOUR)]


def changed(rule: AlertRule, **values: Any) -> None:
    AlertRule.objects.for_tenant(rule.tenant_id).filter(pk=rule.pk).update(**values)


def test_a_tenant_without_rules_counts_nothing(acme: Tenant) -> None:
    found = tally(acme)

    assert (found.rules, found.enabled, found.in_breach, found.last_tick_at) == (0, 0, 0, None)


def test_rules_are_counted_and_only_enabled_ones_tell_of_the_last_tick(acme: Tenant, globex: Tenant) -> None:
    make_rule(acme)
    off = make_rule(acme, name="Off")
    make_rule(globex, name="Somebody else's")
    breach(acme)
    tick()
    update_rule(tenant=acme, rule_id=off.pk, changes={"enabled": False}, actor=SYSTEM, now=NOW)
    changed(off, last_evaluated_at=NOW + HOUR)

    found = tally(acme)

    assert (found.rules, found.enabled, found.in_breach, found.last_tick_at) == (2, 1, 1, NOW)


def test_a_rule_in_breach_may_fire_again_when_its_cooldown_ends(acme: Tenant) -> None:
    make_rule(acme, cooldown_minutes=20)
    breach(acme)
    tick()

    assert soon(acme) == [(20.0, "fires again if it is still in breach")]


def test_a_rule_that_waits_may_fire_when_the_wait_is_over(acme: Tenant) -> None:
    make_rule(acme, pending_minutes=10)
    breach(acme)
    tick()

    assert soon(acme) == [(10.0, "fires if it is still in breach")]


def test_a_mute_that_ends_within_the_hour_is_said_and_a_later_one_is_not(acme: Tenant) -> None:
    changed(make_rule(acme, name="Soon"), muted_until=NOW + 30 * MINUTE)
    changed(make_rule(acme, name="Later"), muted_until=NOW + 2 * HOUR)

    assert soon(acme) == [(30.0, "is no longer muted")]


@pytest.mark.parametrize("values", [{"enabled": False}, {"is_acknowledged": True}, {"last_outcome": "in_flight"}])
def test_what_only_a_person_or_a_delivery_can_free_has_no_time(values: dict[str, Any], acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    tick()
    changed(rule, **values)

    assert soon(acme) == []


def test_what_happened_is_newest_first_and_since_the_given_time(acme: Tenant, globex: Tenant) -> None:
    make_rule(acme)
    make_rule(globex)
    breach(acme)
    breach(globex)
    tick()
    calm(acme, NOW + 10 * MINUTE)
    tick(NOW + 10 * MINUTE)

    found = happened_since(acme, NOW, 10)
    later = happened_since(acme, NOW + MINUTE, 10)

    assert [each.transition.kind for each in found] == ["resolved", "fired"]
    assert [each.transition.kind for each in later] == ["resolved"]
    assert len(happened_since(acme, NOW, 1)) == 1


def test_a_new_rule_shows_the_history_of_its_metric(acme: Tenant) -> None:
    rule = make_rule(acme, window_minutes=30)
    for number in range(10):
        breach(acme, NOW - number * timedelta(minutes=30))

    picture = draw_rules(rule_overviews(acme, now=NOW), NOW)[rule.pk]

    assert not picture.is_empty
    assert len(picture.lines) == 1
    assert picture.fired == []


def test_a_rule_that_was_ticked_shows_what_it_saw(acme: Tenant) -> None:
    rule = make_rule(acme)
    Evaluation.objects.bulk_create(
        Evaluation(
            tenant=acme, rule=rule, at=NOW - number * timedelta(minutes=30), status="ok", reason="not_breached",
            operator="gt", threshold=0.2, observed=0.1,
        )
        for number in range(20)
    )  # fmt: skip

    picture = draw_rules(rule_overviews(acme, now=NOW), NOW)[rule.pk]

    assert picture.lines[0].count(",") == 20


def test_a_firing_is_marked_in_the_picture(acme: Tenant) -> None:
    rule = make_rule(acme)
    breach(acme)
    tick()

    small = draw_rules(rule_overviews(acme, now=NOW + HOUR), NOW + HOUR)[rule.pk]
    day = draw_day(fresh(rule), NOW + HOUR)

    assert len(small.fired) == 1
    assert len(day.picture.fired) == 1


def test_pictures_cost_the_same_queries_for_one_rule_and_for_many(
    acme: Tenant, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        make_rule(acme, name=f"R{number}", metric=["ctr", "error_rate", "decision_count"][number % 3])
    overviews = rule_overviews(acme, now=NOW)

    with django_assert_max_num_queries(4):
        pictures = draw_rules(overviews, NOW)

    assert len(pictures) == 30


def test_a_rule_on_an_unknown_metric_has_an_empty_picture(acme: Tenant) -> None:
    rule = make_rule(acme, metric="long_gone")

    assert draw_rules(rule_overviews(acme, now=NOW), NOW)[rule.pk].is_empty
    assert draw_day(rule, NOW).picture.is_empty


def test_no_rules_need_no_pictures(acme: Tenant) -> None:
    assert draw_rules([], NOW) == {}
