"""`kill -9` at every boundary of a tick, two ticks at once, a tick retried after its answer was lost.

Each test holds a real `manage.py tick` where it can be seen from outside (a webhook that does not answer, a lock that
the test holds), kills it there, and asks afterwards who got what. Nothing may be sent twice; what was cut off in the
middle of a request is `unknown`.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from alerts.models import AlertRule, Evaluation, Incident, Transition
from alerts.services import delete_rule, update_rule
from kaireon.platform.budget import Budget
from kaireon.platform.locks import lock_key
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.notifications.services import deliver_due
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import (
    breach,
    delivery_states,
    fresh,
    make_rule,
    make_webhook,
    statuses,
    tick,
    told,
    transitions,
)
from tests.chaos.processes import advisory_gate, gate_before_update, ticking, wait_until
from tests.chaos.receivers import Hold, allowed_receiver
from tests.people import make_tenant
from tests.servers import Got, Receiver, Reply

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

DELIVERIES = Delivery._meta.db_table
# Long enough for every lease to have run out.
LATER = timedelta(minutes=2)


@pytest.fixture
def acme() -> Tenant:
    """Return a tenant that other processes see."""
    return make_tenant("Acme")


@pytest.fixture
def pager(settings: object) -> Iterator[Receiver]:
    """Run a webhook that answers."""
    yield from allowed_receiver(settings)


@pytest.fixture
def slow_pager(settings: object) -> Iterator[Receiver]:
    """Run a webhook whose answers a test may hold back."""
    yield from allowed_receiver(settings)


def a_breaching_rule(tenant: Tenant, *receivers: Receiver, **changes: object) -> AlertRule:
    """Create a rule that breaches now, with a destination for each receiver."""
    channels = [str(make_webhook(tenant, each, f"Pager {index}").pk) for index, each in enumerate(receivers)]
    rule = make_rule(tenant, channels=channels, window_minutes=60, **changes)
    breach(tenant, timezone.now() - timedelta(seconds=1))
    return rule


def soon() -> datetime:
    """Return a time at which every lease of now has run out."""
    return timezone.now() + LATER


# --- killed before anything was decided


def test_killed_before_the_commit_nothing_has_happened_and_the_next_tick_tells_once(
    acme: Tenant, pager: Receiver
) -> None:
    rule = a_breaching_rule(acme, pager)
    with advisory_gate(lock_key("audit.chain", acme.pk)) as gate, ticking([pager.place]) as process:
        wait_until(gate.is_reached)
        process.kill()
        gate.lift()

    before = (Evaluation.objects.for_tenant(acme).count(), Delivery.objects.for_tenant(acme).count(), len(pager.got))
    result = tick(soon())

    assert before == (0, 0, 0)
    assert (statuses(result), told(pager.got)) == (["fired"], [("alert.fired", str(rule.pk), 1)])


def test_a_tick_that_loses_its_database_stops_and_the_next_one_tells_once(acme: Tenant, pager: Receiver) -> None:
    rule = a_breaching_rule(acme, pager)
    with advisory_gate(lock_key("audit.chain", acme.pk)) as gate, ticking([pager.place]) as process:
        wait_until(gate.is_reached)
        gate.terminate_waiting()
        process.process.communicate(timeout=30)
        gate.lift()

    result = tick(soon())

    assert process.process.returncode == 1
    assert (statuses(result), told(pager.got)) == (["fired"], [("alert.fired", str(rule.pk), 1)])


# --- killed between the commit and the send


def test_killed_after_the_commit_and_before_the_claim_the_next_tick_sends_once(acme: Tenant, pager: Receiver) -> None:
    rule = a_breaching_rule(acme, pager, cooldown_minutes=0)
    with (
        gate_before_update(DELIVERIES, "OLD.state = 'pending' AND NEW.state = 'sending'") as gate,
        ticking([pager.place]) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        at_the_kill = (delivery_states(acme), len(pager.got))
        gate.lift()

    tick(soon())
    tick(soon())

    assert at_the_kill == ([("alert.fired", "pending")], 0)
    assert Counter(told(pager.got))["alert.fired", str(rule.pk), 1] == 1
    assert ("fired", 1, "told") in transitions(rule)


def test_killed_with_the_message_claimed_and_not_yet_leaving_the_next_tick_sends_once(
    acme: Tenant, pager: Receiver
) -> None:
    rule = a_breaching_rule(acme, pager)
    with (
        gate_before_update(DELIVERIES, "OLD.sending_at IS NULL AND NEW.sending_at IS NOT NULL") as gate,
        ticking([pager.place]) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        at_the_kill = (delivery_states(acme), len(pager.got))
        # The server rolls back what waits at the gate: its client is gone.
        gate.terminate_waiting()
        gate.lift()

    result = tick(soon())

    assert at_the_kill == ([("alert.fired", "sending")], 0)
    assert statuses(result) == ["cooldown"]
    assert told(pager.got) == [("alert.fired", str(rule.pk), 1)]
    assert delivery_states(acme) == [("alert.fired", "delivered")]


# --- killed in the middle of a request


def test_killed_in_the_middle_of_a_request_it_is_unknown_and_never_sent_again(acme: Tenant, pager: Receiver) -> None:
    hold = Hold()
    pager.script = hold
    rule = a_breaching_rule(acme, pager)
    with ticking([pager.place]) as process:
        assert hold.arrived.wait(30)
        process.kill()
    hold.let_go.set()
    pager.script = lambda got: Reply()

    result = tick(soon())
    tick(soon() + LATER)

    assert told(pager.got) == [("alert.fired", str(rule.pk), 1)]
    assert delivery_states(acme) == [("alert.fired", "unknown")]
    assert statuses(result) == ["cooldown"]
    assert fresh(rule).last_fired_at is not None


def test_killed_in_the_middle_of_one_request_the_destination_that_answered_got_it_once(
    acme: Tenant, pager: Receiver, slow_pager: Receiver
) -> None:
    hold = Hold()
    slow_pager.script = hold
    a_breaching_rule(acme, pager, slow_pager)
    with ticking([pager.place, slow_pager.place]) as process:
        assert hold.arrived.wait(30)
        wait_until(lambda: ("alert.fired", "delivered") in delivery_states(acme))
        process.kill()
    hold.let_go.set()
    slow_pager.script = lambda got: Reply()

    tick(soon())
    tick(soon() + LATER)

    assert (len(pager.got), len(slow_pager.got)) == (1, 1)
    assert sorted(delivery_states(acme)) == [("alert.fired", "delivered"), ("alert.fired", "unknown")]


def test_killed_between_the_answer_and_the_note_of_it_the_message_is_unknown_and_never_sent_again(
    acme: Tenant, pager: Receiver
) -> None:
    rule = a_breaching_rule(acme, pager)
    with (
        gate_before_update(DELIVERIES, "NEW.state = 'delivered'") as gate,
        ticking([pager.place]) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.lift()

    tick(soon())
    tick(soon() + LATER)

    assert told(pager.got) == [("alert.fired", str(rule.pk), 1)]
    assert delivery_states(acme) == [("alert.fired", "unknown")]


# --- killed after the send


def test_killed_before_the_firing_was_settled_the_next_tick_settles_it_and_sends_nothing(
    acme: Tenant, pager: Receiver
) -> None:
    rule = a_breaching_rule(acme, pager, cooldown_minutes=60)
    with (
        gate_before_update(Transition._meta.db_table, "NEW.settled_at IS NOT NULL") as gate,
        ticking([pager.place]) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.lift()
    unsettled = fresh(rule).last_fired_at

    result = tick(soon())

    assert unsettled is None
    assert fresh(rule).last_fired_at == Transition.objects.for_tenant(acme).get().at
    assert (statuses(result), len(pager.got)) == (["cooldown"], 1)


# --- two at once, and once more


def test_two_ticks_at_once_tell_every_destination_of_every_rule_once(
    acme: Tenant, pager: Receiver, slow_pager: Receiver
) -> None:
    channels = [str(make_webhook(acme, each, f"Pager {index}").pk) for index, each in enumerate((pager, slow_pager))]
    rules = [
        make_rule(acme, name=f"Rule {number}", channels=channels, window_minutes=60, cooldown_minutes=0)
        for number in range(8)
    ]
    breach(acme, timezone.now() - timedelta(seconds=1))
    allowed = [pager.place, slow_pager.place]

    with ticking(allowed) as one, ticking(allowed) as other, ticking(allowed) as third:
        answers = [process.answer() for process in (one, other, third)]

    expected = {("alert.fired", str(rule.pk), 1): 1 for rule in rules}
    assert Counter(told(pager.got)) == expected
    assert Counter(told(slow_pager.got)) == expected
    assert sum(answer["alertsFired"] for answer in answers) == len(rules)
    assert Incident.objects.for_tenant(acme).filter(closed_at=None).count() == len(rules)
    assert [answer["errors"] for answer in answers] == [[], [], []]


@pytest.mark.parametrize("cooldown", [0, 60])
def test_a_tick_retried_after_its_answer_was_lost_tells_nobody_again(
    acme: Tenant, pager: Receiver, cooldown: int
) -> None:
    rule = a_breaching_rule(acme, pager, cooldown_minutes=cooldown)
    with ticking([pager.place]) as first:
        first.answer()

    with ticking([pager.place]) as retried:
        answer = retried.answer()

    assert told(pager.got) == [("alert.fired", str(rule.pk), 1)]
    assert (answer["alertsFired"], answer["alertsInCooldown"]) == (0, 1)


def test_a_destination_that_hangs_does_not_delay_the_others(
    acme: Tenant, pager: Receiver, slow_pager: Receiver
) -> None:
    hold = Hold()
    slow_pager.script = hold
    a_breaching_rule(acme, slow_pager, pager)
    with ticking([pager.place, slow_pager.place]) as process:
        assert hold.arrived.wait(30)
        wait_until(lambda: pager.got, timeout=3)
        hold.let_go.set()
        answer = process.answer()

    assert [line["status"] for line in answer["alerts"][0]["deliveries"]] == ["delivered", "delivered"]


def test_a_resolve_notice_survives_the_death_of_its_tick(acme: Tenant, pager: Receiver) -> None:
    rule = a_breaching_rule(acme, pager)
    tick(timezone.now())
    AlertRule.objects.for_tenant(acme).filter(pk=rule.pk).update(threshold=0.9)
    with (
        gate_before_update(DELIVERIES, "OLD.state = 'pending' AND NEW.state = 'sending'") as gate,
        ticking([pager.place]) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.lift()

    tick(soon())
    tick(soon() + LATER)

    assert [kind for kind, _, _ in told(pager.got)] == ["alert.fired", "alert.resolved"]
    assert transitions(rule) == [("fired", 1, "told"), ("resolved", 2, "told")]


# --- beside a worker, beside a person


def test_beside_a_worker_every_message_goes_once_and_the_answer_says_how_it_ended(
    acme: Tenant, pager: Receiver
) -> None:
    def answer_slowly(got: Got) -> Reply:
        time.sleep(0.3)
        return Reply()

    pager.script = answer_slowly
    rules = [make_rule(acme, name=f"Rule {number}", window_minutes=60) for number in range(4)]
    channel = str(make_webhook(acme, pager).pk)
    for rule in rules:
        update_rule(
            tenant=acme, rule_id=rule.pk, changes={"channels": [channel]}, actor=SYSTEM, now=timezone.now()
        )  # fmt: skip
    breach(acme, timezone.now() - timedelta(seconds=1))
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            deliver_due(now=timezone.now(), budget=Budget(5))
            time.sleep(0.01)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with ticking([pager.place]) as process:
            answer = process.answer()
    finally:
        stop.set()
        worker.join(20)

    assert Counter(told(pager.got)) == {("alert.fired", str(rule.pk), 1): 1 for rule in rules}
    assert [line["status"] for entry in answer["alerts"] for line in entry["deliveries"]] == ["delivered"] * 4


def test_a_rule_deleted_while_a_tick_settles_it_does_not_deadlock(acme: Tenant, pager: Receiver) -> None:
    rule = a_breaching_rule(acme, pager)
    failures: list[BaseException] = []

    def delete() -> None:
        try:
            delete_rule(tenant=acme, rule_id=rule.pk, actor=SYSTEM, now=timezone.now())
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)
        finally:
            connection.close()

    with gate_before_update(Transition._meta.db_table, "NEW.settled_at IS NOT NULL") as gate:
        with ticking([pager.place]) as process:
            wait_until(gate.is_reached)
            deleting = threading.Thread(target=delete)
            deleting.start()
            wait_until(lambda: gate.waiting() == 2)
            gate.lift()
            answer = process.answer()
        deleting.join(20)

    assert (failures, answer["errors"], answer["alertsFired"]) == ([], [], 1)
    assert not AlertRule.objects.for_tenant(acme).exists()
