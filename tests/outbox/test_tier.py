"""The publisher, step by step: order, holds, dead letters, a back end that is away, faults, fairness."""

import logging
import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction

from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.loops import StopSignal
from kaireon.platform.tenancy.models import Tenant
from outbox.decisions import Failed, Outcome, Sent
from outbox.models import DeadLetter, OutboxEvent, PublishedEvent, PublisherClaim
from outbox.publishers.base import BackendDown, Event
from outbox.selectors.dead_letters import depth_by_slug
from outbox.services.claim_sql import MOST_TENANTS
from tests.outbox.world import Clock, ScriptedBackend, line, make_tier, number_of, put, run_out
from tests.people import make_tenant

BUSY, BAD = Failed("Throttled.", is_transient=True), Failed("Too large.", is_transient=False)
pytestmark = pytest.mark.django_db


class Refusing:
    """Refuse the events with these numbers so many times, then take them."""

    def __init__(self, outcome: Outcome, **times: int) -> None:
        self.outcome = outcome
        self.left = {int(name.removeprefix("n")): count for name, count in times.items()}

    def __call__(self, event: Event) -> Outcome:
        """Answer for the event."""
        number = number_of(event)
        if self.left.get(number, 0) > 0:
            self.left[number] -= 1
            return self.outcome
        return Sent()


def test_what_waits_is_sent_once_in_its_order_and_is_gone(acme: Tenant) -> None:
    ids = put(acme.pk, *"abab")
    backend = ScriptedBackend()

    run_out(make_tier(backend))

    assert [uuid.UUID(event.id) for event in backend.sent] == ids
    assert line() == []


def test_an_event_leaves_with_all_it_was_written_with(acme: Tenant) -> None:
    (event_id,) = put(acme.pk, "a")
    backend = ScriptedBackend()

    run_out(make_tier(backend))

    assert backend.sent == [
        Event(str(event_id), str(acme.pk), "order.paid.v1", "a", '{"number":0}', "2026-03-02T08:00:00.000Z")
    ]
    assert backend.sent[0].body == (
        '{"type":"order.paid.v1","timestamp":"2026-03-02T08:00:00.000Z","payload":{"number":0}}'
    )


def test_a_batch_is_no_larger_than_it_may_be(acme: Tenant) -> None:
    put(acme.pk, *"abcdefgh")
    backend = ScriptedBackend()

    run_out(make_tier(backend, batch_size=3))

    assert max(map(len, backend.batches)) <= 3
    assert len(backend.sent) == 8


def test_a_claim_is_marked_while_the_back_end_is_asked(acme: Tenant) -> None:
    put(acme.pk, "a")
    backend = ScriptedBackend()
    tier = make_tier(backend, lease_seconds=30)
    seen: list[OutboxEvent] = []
    backend.during = lambda: seen.extend(line())

    tier.step()

    assert [(row.status, row.claim_token is not None, row.lease_until) for row in seen] == [
        ("processing", True, Clock()() + timedelta(seconds=30))
    ]


# --- Holds


def test_a_failed_event_holds_its_key_alone(acme: Tenant) -> None:
    put(acme.pk, *"abaab")
    backend = ScriptedBackend(Refusing(BUSY, n0=1))

    run_out(make_tier(backend))

    assert (backend.numbers("a"), backend.numbers("b")) == ([], [1, 4])
    assert [(row.key, row.is_held, row.attempts, row.status) for row in line()] == [
        ("a", True, 1, "pending"), ("a", True, 0, "pending"), ("a", True, 0, "pending"),
    ]  # fmt: skip


def test_a_failed_event_says_why_and_when_it_is_tried_again(acme: Tenant) -> None:
    put(acme.pk, *"aa")
    clock = Clock()

    run_out(make_tier(ScriptedBackend(Refusing(BUSY, n0=1)), clock))

    first, behind = line()
    assert (first.last_error, first.error_id is not None, behind.last_error) == ("Throttled.", True, "")
    assert first.next_attempt_at is not None
    assert timedelta(seconds=0.8) <= first.next_attempt_at - clock.now <= timedelta(seconds=1.2)
    assert behind.next_attempt_at is None


def test_events_that_come_meanwhile_stand_behind_the_failed_one(acme: Tenant) -> None:
    put(acme.pk, "a")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1))
    tier = make_tier(backend, clock)
    run_out(tier)

    put(acme.pk, *"ab", start=1)
    run_out(tier)

    assert (backend.numbers("a"), backend.numbers("b")) == ([], [2])
    assert [row.is_held for row in line()] == [True, True]


def test_a_key_goes_on_in_its_order_once_its_first_event_left(acme: Tenant) -> None:
    put(acme.pk, *"aaa")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=2))
    tier = make_tier(backend, clock)
    run_out(tier)
    put(acme.pk, *"aa", start=3)
    run_out(tier)

    for _ in range(12):
        clock.turn(1)
        run_out(tier)

    assert backend.numbers("a") == [0, 1, 2, 3, 4]
    assert line() == []


def test_a_failed_event_is_tried_alone(acme: Tenant) -> None:
    put(acme.pk, *"aaa")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=2))
    tier = make_tier(backend, clock)
    run_out(tier)

    clock.turn(5)
    tier.step()

    assert [number_of(event) for event in backend.batches[-1]] == [0]


def test_after_a_hold_the_rest_leaves_together(acme: Tenant) -> None:
    put(acme.pk, *("a" * 50))
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1))
    tier = make_tier(backend, clock)
    run_out(tier)
    clock.turn(5)

    run_out(tier)

    assert len(backend.batches) == 3
    assert backend.numbers("a") == list(range(50))


def test_a_failure_in_the_middle_of_a_run_holds_what_comes_after(acme: Tenant) -> None:
    put(acme.pk, *("a" * 6))
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1, n3=1))
    tier = make_tier(backend, clock)
    run_out(tier)
    clock.turn(5)
    run_out(tier)
    assert backend.numbers("a") == [0, 1, 2]

    clock.turn(5)
    run_out(tier)

    assert backend.numbers("a") == [0, 1, 2, 3, 4, 5]


def test_the_same_key_of_two_tenants_is_two_keys(acme: Tenant, globex: Tenant) -> None:
    put(acme.pk, "a", start=0)
    put(globex.pk, "a", start=1)
    backend = ScriptedBackend(Refusing(BUSY, n0=1))

    run_out(make_tier(backend))

    assert [number_of(event) for event in backend.sent] == [1]


def test_an_event_whose_key_is_under_way_elsewhere_is_left_alone(acme: Tenant) -> None:
    put(acme.pk, *"ab")
    backend, other = ScriptedBackend(), ScriptedBackend()
    backend.during = lambda: (put(acme.pk, *"ac", start=2), run_out(make_tier(other)))

    make_tier(backend).step()

    assert [number_of(event) for event in other.sent] == [3]
    assert [row.is_held for row in line()] == [False]


def test_held_events_whose_first_was_deleted_by_hand_are_found_and_go_on(acme: Tenant) -> None:
    put(acme.pk, *"aaa")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1))
    tier = make_tier(backend, clock)
    run_out(tier)
    OutboxEvent.objects.across_tenants().filter(pk=line()[0].pk).delete()

    clock.turn(6)
    run_out(tier)

    assert backend.numbers("a") == [1, 2]


# --- Dead letters


def test_what_can_never_leave_is_a_dead_letter_at_once_and_its_key_goes_on(acme: Tenant) -> None:
    ids = put(acme.pk, *"aa")
    backend = ScriptedBackend(Refusing(BAD, n0=1))

    run_out(make_tier(backend))

    letter = DeadLetter.objects.for_tenant(acme).get()
    assert (letter.pk, letter.reason, letter.error, letter.retry_count) == (ids[0], "permanent", "Too large.", 1)
    assert backend.numbers("a") == [1]
    assert line() == []


def test_after_its_attempts_an_event_is_a_dead_letter_and_its_key_goes_on(acme: Tenant) -> None:
    put(acme.pk, *"aab")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=99))
    tier = make_tier(backend, clock, max_attempts=3)

    for _ in range(20):
        run_out(tier)
        clock.turn(3)

    letter = DeadLetter.objects.for_tenant(acme).get()
    assert (letter.reason, letter.retry_count, letter.payload) == ("exhausted", 3, {"number": 0})
    assert [number_of(event) for event in backend.sent] == [2, 1]
    assert line() == []


@pytest.mark.django_db(transaction=True)
def test_a_dead_letter_of_a_tenant_that_is_gone_is_buried_and_stops_nobody(
    acme: Tenant, globex: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    gone = globex.pk
    with transaction.atomic():
        put(acme.pk, *"aa")
    globex.delete()
    with transaction.atomic():
        put(gone, *"aa", start=2)
    backend = ScriptedBackend(Refusing(BAD, n1=1, n2=1))

    run_out(make_tier(backend))

    letters = DeadLetter.objects.across_tenants().values_list("tenant_id", flat=True)
    assert ({number_of(event) for event in backend.sent}, line()) == ({0, 3}, [])
    assert sorted(letters) == sorted([acme.pk, gone])
    assert depth_by_slug() == [(acme.slug, 1)]
    assert SystemHealthAlert.objects.for_tenant(acme).count() == 1
    assert "outbox.telling_failed" in [getattr(record, "event", "") for record in caplog.records]


def test_a_dead_letter_is_told_to_system_health_and_logged_under_its_error_id(
    acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    put(acme.pk, *"ab")

    run_out(make_tier(ScriptedBackend(Refusing(BAD, n0=1, n1=1))))

    letters = list(DeadLetter.objects.for_tenant(acme))
    assert {str(letter.error_id) for letter in letters} == {
        record.__dict__["errorId"] for record in caplog.records if getattr(record, "event", "") == "outbox.dead"
    }
    assert SystemHealthAlert.objects.for_tenant(acme).get().title == "Dead letters: order.paid.v1"


def test_a_retry_is_a_warning_with_the_rows_error_id(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    put(acme.pk, "a")

    run_out(make_tier(ScriptedBackend(Refusing(BUSY, n0=1))))

    (record,) = [record for record in caplog.records if getattr(record, "event", "") == "outbox.retried"]
    assert (record.levelno, record.__dict__["errorId"]) == (logging.WARNING, str(line()[0].error_id))


# --- The back end is away


def test_while_the_back_end_is_down_nothing_is_lost_and_no_attempt_is_burnt(acme: Tenant) -> None:
    put(acme.pk, *"ab")
    tier = make_tier(ScriptedBackend(is_down=True))

    with pytest.raises(BackendDown):
        tier.step()

    assert [(row.status, row.attempts, row.claim_token, row.is_held) for row in line()] == [
        ("pending", 0, None, False)
    ] * 2


def test_a_back_end_that_is_down_is_left_alone_for_a_while(acme: Tenant) -> None:
    put(acme.pk, "a")
    backend = ScriptedBackend(is_down=True)
    tier = make_tier(backend)
    with pytest.raises(BackendDown):
        tier.step()

    assert [tier.step() for _ in range(50)] == [None] * 50
    assert len(backend.batches) == 1


def test_a_back_end_that_was_down_is_asked_with_one_event(acme: Tenant) -> None:
    put(acme.pk, *"abc")
    clock, backend = Clock(), ScriptedBackend(is_down=True)
    tier = make_tier(backend, clock)
    with pytest.raises(BackendDown):
        tier.step()
    backend.is_down = False

    clock.turn(2)
    run_out(tier)

    assert [len(batch) for batch in backend.batches] == [3, 1, 2]
    assert line() == []


def test_a_held_event_stays_due_when_the_back_end_goes_down(acme: Tenant) -> None:
    put(acme.pk, *"aa")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1))
    tier = make_tier(backend, clock)
    run_out(tier)
    clock.turn(2)
    backend.is_down = True
    with pytest.raises(BackendDown):
        tier.step()
    backend.is_down = False

    clock.turn(2)
    run_out(tier)

    assert backend.numbers("a") == [0, 1]


def test_an_hour_without_a_broker_ends_with_every_event_sent_in_order(acme: Tenant) -> None:
    clock, backend = Clock(), ScriptedBackend(is_down=True)
    tier = make_tier(backend, clock)
    tries = 0
    for minute in range(60):
        put(acme.pk, "a", "b", start=minute * 2, now=clock.now)
        for _ in range(30):
            clock.turn(2)
            try:
                tier.step()
            except BackendDown:
                tries += 1
    backend.is_down = False

    clock.turn(10)
    run_out(tier)

    assert backend.numbers("a") == [minute * 2 for minute in range(60)]
    assert backend.numbers("b") == [minute * 2 + 1 for minute in range(60)]
    assert (line(), DeadLetter.objects.for_tenant(acme).count()) == ([], 0)
    assert 300 <= tries <= 460


# --- Faults


def test_an_event_that_a_publisher_trips_over_is_found_and_holds_its_own_key(acme: Tenant) -> None:
    put(acme.pk, *"abcb")
    backend = ScriptedBackend()

    def trip(event: Event) -> Outcome:
        if number_of(event) == 1:
            raise ValueError("a fault")
        return Sent()

    backend.script = trip
    clock = Clock()
    tier = make_tier(backend, clock)

    for _ in range(20):
        try:
            tier.step()
        except ValueError:
            clock.turn(0.1)

    assert sorted({number_of(event) for event in backend.sent}) == [0, 2]
    assert [(row.key, row.attempts, row.last_error) for row in line()] == [
        ("b", 1, "The publisher failed: ValueError."), ("b", 0, ""),
    ]  # fmt: skip


def test_what_was_sent_is_not_sent_again_when_the_settlement_failed_once(acme: Tenant) -> None:
    put(acme.pk, *"ab")
    failures = iter([True])

    def reached(boundary: str) -> None:
        if boundary == "settling" and next(failures, False):
            raise ConnectionError("the database went away")

    backend = ScriptedBackend()
    tier = make_tier(backend, reached=reached)
    with pytest.raises(ConnectionError):
        tier.step()

    run_out(tier)

    assert len(backend.sent) == 2
    assert line() == []


def test_a_publisher_that_lost_its_lease_settles_nothing(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    put(acme.pk, *"ab")
    slow, quick, clock = ScriptedBackend(), ScriptedBackend(), Clock()

    def oversleep() -> None:
        clock.turn(31)
        quick_tier = make_tier(quick, clock)
        quick.is_down = True
        with pytest.raises(BackendDown):
            quick_tier.step()

    slow.during = oversleep
    tier = make_tier(slow, clock)

    tier.step()

    assert len(line()) == 2
    assert "outbox.lease_lost" in [getattr(record, "event", "") for record in caplog.records]


def test_a_dead_publishers_events_are_taken_over_when_its_lease_ends(acme: Tenant) -> None:
    put(acme.pk, *"aa")
    clock, backend = Clock(), ScriptedBackend()

    class Died(Exception):
        """The process is gone."""

    def die(boundary: str) -> None:
        if boundary == "claimed":
            raise Died

    with pytest.raises(Died):
        make_tier(ScriptedBackend(), clock, reached=die).step()
    other = make_tier(backend, clock)
    run_out(other)
    assert backend.sent == []

    clock.turn(31)
    run_out(other)

    assert backend.numbers("a") == [0, 1]
    assert PublisherClaim.objects.exclude(keys=[]).count() == 0


# --- Fairness


def test_ten_events_are_not_behind_anothers_thousands(acme: Tenant, globex: Tenant) -> None:
    put(acme.pk, *(f"k{number % 300}" for number in range(3000)))
    put(globex.pk, *(f"g{number}" for number in range(10)))
    backend = ScriptedBackend()
    tier = make_tier(backend, batch_size=100)

    tier.step()

    assert Counter(event.tenant_id for event in backend.sent)[str(globex.pk)] == 10


def test_a_backlog_gets_what_the_others_leave(acme: Tenant, globex: Tenant) -> None:
    put(acme.pk, *(f"k{number}" for number in range(500)))
    put(globex.pk, *(f"g{number}" for number in range(3)))
    backend = ScriptedBackend()

    run_out(make_tier(backend, batch_size=100))

    assert [len(batch) for batch in backend.batches[1:-1]] == [100] * (len(backend.batches) - 2)


def test_more_tenants_than_a_claim_sees_all_have_their_turn(db: None) -> None:
    tenants = [make_tenant(f"T{number}") for number in range(MOST_TENANTS + 10)]
    for tenant in tenants:
        put(tenant.pk, *"abcdefghij")
    backend = ScriptedBackend()
    tier = make_tier(backend, batch_size=100)

    for _ in range(3):
        tier.step()

    assert {event.tenant_id for event in backend.sent} == {str(tenant.pk) for tenant in tenants}


def test_a_publisher_of_one_tenant_takes_nothing_of_the_others(acme: Tenant, globex: Tenant) -> None:
    put(acme.pk, "a")
    put(globex.pk, "a", start=1)
    backend = ScriptedBackend()

    run_out(make_tier(backend, only_tenant=globex.pk))

    assert [number_of(event) for event in backend.sent] == [1]


# --- History, rate and the end


def test_published_events_stay_visible_with_their_receipts(acme: Tenant) -> None:
    (event_id,) = put(acme.pk, "a")
    backend = ScriptedBackend(lambda _: Sent("partition 3, offset 17"))
    tier = make_tier(backend, history_hours=24)

    run_out(tier)

    row = PublishedEvent.objects.for_tenant(acme).get()
    assert (row.pk, row.receipt, row.attempts, row.publisher, row.payload) == (
        event_id, "partition 3, offset 17", 1, tier.id, {"number": 0},
    )  # fmt: skip


def test_the_history_can_be_off(acme: Tenant) -> None:
    put(acme.pk, "a")

    run_out(make_tier(ScriptedBackend(), history_hours=0))

    assert PublishedEvent.objects.for_tenant(acme).count() == 0


def test_the_history_goes_on_over_the_hour(acme: Tenant) -> None:
    clock = Clock()
    tier = make_tier(ScriptedBackend(), clock, history_hours=2)
    for hour in range(5):
        put(acme.pk, "a", start=hour)
        run_out(tier)
        clock.turn(3600)

    kept = PublishedEvent.objects.for_tenant(acme).order_by("published_at")
    assert [row.payload["number"] for row in kept] == [2, 3, 4]


def test_a_stop_in_the_middle_of_a_batch_gives_back_what_was_not_sent(acme: Tenant) -> None:
    put(acme.pk, *"abc")
    stopping = StopSignal()
    backend = ScriptedBackend()
    backend.during = stopping.set
    tier = make_tier(backend, stopping=stopping, drain_seconds=0)

    tier.step()
    tier.drain()

    assert backend.sent == []
    assert [(row.status, row.attempts) for row in line()] == [("pending", 0)] * 3
    assert backend.closed == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_whenever_each_key_keeps_its_order(acme: Tenant, globex: Tenant, seed: int) -> None:
    chance = random.Random(seed)
    clock = Clock()
    backend = ScriptedBackend(lambda _: BUSY if chance.random() < 0.2 else Sent())
    tiers = [make_tier(backend, clock, batch_size=chance.choice([3, 7, 50])) for _ in range(3)]
    numbers = Counter[tuple[uuid.UUID, str]]()

    for turn in range(400):
        if turn < 60:
            for tenant in chance.sample([acme, globex], 1):
                key = chance.choice("abcd")
                put(tenant.pk, key, start=numbers[tenant.pk, key])
                numbers[tenant.pk, key] += 1
        backend.is_down = turn < 300 and chance.random() < 0.1
        clock.turn(chance.choice([0.1, 1, 5]))
        try:
            chance.choice(tiers).step()
        except BackendDown:
            continue
    clock.turn(600)
    for _ in range(300):
        clock.turn(60)
        if not line():
            break
        run_out(tiers[0])

    for (tenant_id, key), count in numbers.items():
        sent = [number_of(e) for e in backend.sent if (e.tenant_id, e.key) == (str(tenant_id), key)]
        dead = DeadLetter.objects.for_tenant(tenant_id).filter(key=key).count()
        assert sent == sorted(sent)
        assert len(sent) + dead == count


def test_an_event_behind_a_hold_that_a_publisher_trips_over_is_found_too(acme: Tenant) -> None:
    put(acme.pk, *"aaaab")
    clock, backend = Clock(), ScriptedBackend(Refusing(BUSY, n0=1))
    tier = make_tier(backend, clock)
    run_out(tier)
    refuse = backend.script

    def trip(event: Event) -> Outcome:
        if number_of(event) == 2:
            raise ValueError("a fault")
        return refuse(event)

    backend.script = trip
    for _ in range(40):
        clock.turn(0.4)
        try:
            tier.step()
        except ValueError:
            continue

    assert sorted({number_of(event) for event in backend.sent}) == [0, 1, 4]
    assert line()[0].attempts > 0
