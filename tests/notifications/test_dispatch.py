"""Deliver what is due: claims, retries, fairness, budgets, leases, and what every end writes down."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from kaireon.platform.notifications.decisions import (
    DISABLED,
    FIRING_NEVER_ARRIVED,
    LEASE,
    MAX_IN_FLIGHT,
    NO_DESTINATION,
    STOPPED_BEFORE_ANSWER,
    STORM_LIMIT,
    DestinationState,
    State,
    Verdict,
)
from kaireon.platform.notifications.models import Delivery, DeliveryAttempt, Destination
from kaireon.platform.notifications.services import (
    DeliverySummary,
    claims,
    delete_destination,
    dispatch,
    open_deliveries,
)
from kaireon.platform.notifications.services.claims import Scope
from kaireon.platform.notifications.transports.slack import SlackTransport
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.models import PlatformSetting
from tests.notifications.ledger import (
    NOW,
    deliver,
    make_destination,
    message,
    open_one,
    reload,
    request,
    session_to,
)
from tests.servers import Got, Receiver, Reply, receiving

DELIVERED = Verdict(State.DELIVERED, "")


def attempts_of(row: Delivery) -> list[tuple[int, str, int | None]]:
    rows = DeliveryAttempt.objects.for_tenant(row.tenant_id).filter(delivery=row).order_by("number")
    return list(rows.values_list("number", "outcome", "status_code"))


def state_of(destination: Destination) -> str:
    return Destination.objects.across_tenants().get(pk=destination.pk).state


def test_what_is_due_is_delivered_and_written_down(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver))

    summary = deliver()

    assert summary == DeliverySummary(delivered=1)
    sent = reload(row)
    assert (sent.state, sent.status_code, sent.attempts, sent.error) == (State.DELIVERED, 200, 1, "")
    assert sent.finished_at is not None
    assert (sent.claim_token, sent.lease_until, sent.sending_at) == (None, None, None)
    assert attempts_of(row) == [(1, "delivered", 200)]
    assert receiver.got[0].headers["webhook-id"] == str(row.pk)


def test_with_nothing_due_nothing_happens(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver), now=NOW + timedelta(minutes=1))

    assert deliver() == DeliverySummary()
    assert reload(row).state == State.PENDING
    assert not deliver().did_work


def test_a_delivered_message_is_never_sent_again(acme: Tenant, receiver: Receiver) -> None:
    open_one(make_destination(acme, receiver))

    for _ in range(3):
        deliver()

    assert len(receiver.got) == 1


def test_a_transient_failure_is_tried_again_within_the_same_send(acme: Tenant, receiver: Receiver) -> None:
    answers = iter([Reply(503), Reply(200)])
    receiver.script = lambda got: next(answers)
    row = open_one(make_destination(acme, receiver))
    started = time.monotonic()

    summary = deliver()

    assert summary == DeliverySummary(delivered=1)
    assert attempts_of(row) == [(1, "retry", 503), (2, "delivered", 200)]
    assert 0.9 < time.monotonic() - started < 5
    # The id stays the same, so that a receiver can drop what it has had.
    assert {got.headers["webhook-id"] for got in receiver.got} == {str(row.pk)}


def test_further_failures_wait_on_the_row(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(503)
    row = open_one(make_destination(acme, receiver))

    summary = deliver()

    waiting = reload(row)
    assert summary == DeliverySummary(pending=1)
    assert (waiting.state, waiting.attempts) == (State.PENDING, 2)
    assert waiting.error == "Answered HTTP 503 Service Unavailable."
    assert waiting.next_attempt_at is not None
    assert NOW + timedelta(seconds=30) < waiting.next_attempt_at < NOW + timedelta(seconds=45)


def test_after_five_attempts_a_delivery_is_given_up(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(500)
    destination = make_destination(acme, receiver)
    row = open_one(destination)

    for hour in range(6):
        deliver(now=NOW + timedelta(hours=hour))

    given_up = reload(row)
    assert (given_up.state, given_up.attempts, len(receiver.got)) == (State.FAILED, 5, 5)
    assert given_up.error == "Answered HTTP 500 Internal Server Error. Given up after 5 attempts."
    assert state_of(destination) == DestinationState.FAILING


def test_nobody_listening_is_transient_and_nothing_was_sent(acme: Tenant, settings: Settings) -> None:
    with receiving() as gone:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [gone.place]
        row = open_one(make_destination(acme, gone))

    deliver()

    assert reload(row).state == State.PENDING
    assert "could not be reached: Connection refused" in reload(row).error
    assert [outcome for _, outcome, _ in attempts_of(row)] == ["retry", "retry"]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 302])
def test_a_permanent_refusal_ends_at_once(acme: Tenant, receiver: Receiver, status: int) -> None:
    receiver.script = lambda got: Reply(status)
    destination = make_destination(acme, receiver)
    row = open_one(destination)

    deliver()

    assert (reload(row).state, reload(row).attempts, reload(row).status_code) == (State.FAILED, 1, status)
    assert state_of(destination) == DestinationState.FAILING


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_breaks_the_destination(acme: Tenant, receiver: Receiver, status: int) -> None:
    receiver.script = lambda got: Reply(status)
    destination = make_destination(acme, receiver)
    open_one(destination)

    deliver()
    later = open_one(destination)

    assert state_of(destination) == DestinationState.BROKEN
    assert later.state == State.FAILED
    assert len(receiver.got) == 1


def test_a_request_without_an_answer_is_unknown_and_never_repeated_by_itself(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: None
    destination = make_destination(acme, receiver)
    row = open_one(destination)

    summary = deliver()
    deliver(now=NOW + timedelta(days=1))

    assert summary == DeliverySummary(unknown=1)
    assert reload(row).state == State.UNKNOWN
    assert "cut before an answer came" in reload(row).error
    assert attempts_of(row) == [(1, "unknown", None)]
    assert len(receiver.got) == 1
    assert state_of(destination) == DestinationState.FAILING


def test_a_slow_answer_is_unknown_after_the_deadline(acme: Tenant, receiver: Receiver) -> None:
    release = threading.Event()
    receiver.script = lambda got: Reply(200) if release.wait(5) else None
    row = open_one(make_destination(acme, receiver))
    started = time.monotonic()

    deliver(session=session_to(receiver, seconds=0.4))
    elapsed = time.monotonic() - started
    release.set()

    assert reload(row).state == State.UNKNOWN
    assert "no answer came in time" in reload(row).error
    assert elapsed < 3


def test_retry_after_is_honoured_for_the_whole_destination(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(429, b"", {"Retry-After": "120"})
    destination = make_destination(acme, receiver)
    first = open_one(destination, now=NOW)

    deliver()
    second = open_one(destination, now=NOW + timedelta(seconds=5))
    early = deliver(now=NOW + timedelta(seconds=60))
    receiver.script = lambda got: Reply(200)
    late = deliver(now=NOW + timedelta(seconds=125))

    waiting_until = attempts_of(first)
    assert waiting_until == [(1, "retry", 429), (2, "delivered", 200)]
    assert early == DeliverySummary(remaining=1)
    assert late == DeliverySummary(delivered=2)
    assert reload(second).attempts == 1


def test_a_slow_destination_does_not_delay_the_others(acme: Tenant, settings: Settings) -> None:
    with receiving() as slow, receiving() as quick:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [slow.place, quick.place]
        release = threading.Event()
        slow.script = lambda got: Reply(200) if release.wait(10) else None
        quick.script = counting(quick, release, 30)
        stuck, fine = make_destination(acme, slow), make_destination(acme, quick, name="Quick")
        open_deliveries([request(stuck) for _ in range(10)], NOW)
        rows = open_deliveries([request(fine) for _ in range(15)], NOW)
        rows += open_deliveries([request(fine) for _ in range(15)], NOW)

        summary = deliver()

    assert summary.delivered == 40
    assert {reload(row).state for row in rows} == {State.DELIVERED}
    assert slow.most_concurrent <= 2
    assert quick.most_concurrent <= 2


def counting(receiver: Receiver, release: threading.Event, limit: int) -> Any:
    """Let the slow ones go only when the quick destination has got everything: else this test never ends."""

    def script(got: Got) -> Reply:
        if len(receiver.got) >= limit:
            release.set()
        return Reply(200)

    return script


def test_many_destinations_are_served_at_once_and_within_the_bound(acme: Tenant, receiver: Receiver) -> None:
    together = threading.Barrier(MAX_IN_FLIGHT, timeout=10)
    receiver.script = lambda got: Reply(200) if together.wait() >= 0 else None
    for number in range(MAX_IN_FLIGHT):
        open_one(make_destination(acme, receiver, name=f"Hook {number}"))

    assert deliver().delivered == MAX_IN_FLIGHT
    assert receiver.most_concurrent == MAX_IN_FLIGHT


def test_messages_with_large_files_take_turns_so_that_few_are_in_memory(
    acme: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MOST_BYTES_IN_FLIGHT", 1024 * 1024)
    file = {"format": "csv", "filename": "a.csv", "contentType": "text/csv", "base64": "QUJD" * 256 * 1024}
    receiver.script = slow
    for number in range(MAX_IN_FLIGHT // 2):
        heavy = message(extra_payload={"artifacts": [file]})
        open_one(make_destination(acme, receiver, name=f"Hook {number}"), message=heavy)

    assert deliver().delivered == MAX_IN_FLIGHT // 2
    assert receiver.most_concurrent <= dispatch.CLAIMED_AT_ONCE


def slow(got: Got) -> Reply:
    time.sleep(0.4)
    return Reply(200)


def test_past_the_budget_nothing_new_is_started_and_the_rest_is_counted(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = slow
    destination = make_destination(acme, receiver)
    open_deliveries([request(destination) for _ in range(12)], NOW)

    first = deliver(seconds=0.5)
    nothing = deliver(seconds=0)
    rest = deliver()

    assert 0 < first.delivered < 12
    assert first.remaining == 12 - first.delivered
    assert nothing == DeliverySummary(remaining=first.remaining)
    assert rest == DeliverySummary(delivered=first.remaining)
    assert Delivery.objects.for_tenant(acme).filter(state=State.SENDING).count() == 0


def test_a_pass_can_be_one_tenants_or_for_some_deliveries_only(
    acme: Tenant, globex: Tenant, receiver: Receiver
) -> None:  # fmt: skip
    mine, theirs = make_destination(acme, receiver), make_destination(globex, receiver)
    rows = open_deliveries([request(mine), request(mine), request(theirs)], NOW)

    by_id = deliver(delivery_ids=[rows[0].pk])
    by_tenant = deliver(tenant_id=globex.pk)

    assert (by_id.delivered, by_tenant.delivered) == (1, 1)
    assert [reload(row).state for row in rows] == [State.DELIVERED, State.PENDING, State.DELIVERED]


def test_a_pass_for_folded_deliveries_sends_their_digest(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    rows = open_deliveries([request(destination, message=message(f"Rule {n}")) for n in range(STORM_LIMIT + 1)], NOW)

    summary = deliver(delivery_ids=[row.pk for row in rows])

    assert summary == DeliverySummary(delivered=1)
    assert b"21 messages at once" in receiver.got[0].body
    assert b"Rule 20" in receiver.got[0].body


def test_a_resolve_notice_waits_until_its_firing_has_ended(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(503)
    destination = make_destination(acme, receiver)
    firing = open_one(destination)
    deliver()
    notice = open_one(destination, event_type="alert.resolved", depends_on=firing.pk)

    before = deliver(now=NOW + timedelta(seconds=5))
    receiver.script = lambda got: Reply(200)
    after = deliver(now=NOW + timedelta(minutes=1))

    assert before.delivered == 0
    assert reload(notice).state == State.DELIVERED
    assert after == DeliverySummary(delivered=2)
    assert [b"alert.fired" in got.body for got in receiver.got[-2:]] == [True, False]


@pytest.mark.parametrize("status", [400, 410])
def test_a_resolve_notice_is_not_sent_when_its_firing_never_arrived(
    acme: Tenant, receiver: Receiver, status: int
) -> None:  # fmt: skip
    receiver.script = lambda got: Reply(status)
    destination = make_destination(acme, receiver)
    firing = open_one(destination)
    notice = open_one(destination, event_type="alert.resolved", depends_on=firing.pk)

    deliver()

    assert (reload(notice).state, reload(notice).error) == (State.FAILED, FIRING_NEVER_ARRIVED)
    assert len(receiver.got) == 1


def test_a_notice_waits_for_the_digest_that_its_firing_went_into(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    firing = open_deliveries([request(destination) for _ in range(STORM_LIMIT + 1)], NOW)[0]
    notice = open_one(destination, event_type="alert.resolved", depends_on=firing.pk)

    claimed = claims.claim_due(now=NOW, limit=10, scope=Scope(delivery_ids=[notice.pk]))
    deliver()

    assert claimed == []
    assert reload(notice).state == State.DELIVERED
    assert [b"21 messages at once" in got.body for got in receiver.got] == [True, False]


@pytest.mark.parametrize("how", ["deleted", "disabled", "unreadable", "no secret", "exception taken back"])
def test_what_cannot_be_sent_any_more_fails_with_the_reason_and_holds_up_nobody(
    acme: Tenant, receiver: Receiver, settings: Settings, how: str
) -> None:
    destination = make_destination(acme, receiver)
    other = make_destination(acme, receiver, name="Other", kind="slack", path="/slack")
    row, fine = open_one(destination), open_one(other)
    allowed = settings.NOTIFICATIONS_ALLOWED_HOSTS
    secret = PlatformSetting.objects.for_tenant(acme).filter(key__endswith=str(destination.pk))
    if how == "deleted":
        delete_destination(tenant_id=acme.pk, destination_id=destination.pk, actor=SYSTEM, now=NOW)
    elif how == "disabled":
        Destination.objects.for_tenant(acme).filter(pk=destination.pk).update(enabled=False)
    elif how == "unreadable":
        secret.update(ciphertext="v1.x.y.z")
    elif how == "no secret":
        secret.delete()
    else:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = []

    deliver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = allowed

    reasons = {
        "deleted": NO_DESTINATION, "disabled": DISABLED, "unreadable": "Its configuration cannot be read",
        "no secret": NO_DESTINATION, "exception taken back": "Its configuration is no longer valid",
    }  # fmt: skip
    assert reload(row).state == State.FAILED
    assert reasons[how] in reload(row).error
    assert "s3cret" not in reload(row).error
    assert reload(fine).state == (State.FAILED if how == "exception taken back" else State.DELIVERED)


def test_a_claim_is_taken_once(acme: Tenant, receiver: Receiver) -> None:
    open_one(make_destination(acme, receiver))

    first = claims.claim_due(now=NOW, limit=10, scope=Scope())
    second = claims.claim_due(now=NOW, limit=10, scope=Scope())

    assert (len(first), len(second)) == (1, 0)


def test_a_claim_takes_the_oldest_of_every_destination_before_anybodys_second(acme: Tenant, receiver: Receiver) -> None:
    busy, calm = make_destination(acme, receiver), make_destination(acme, receiver, name="Calm")
    open_deliveries([request(busy, f"busy:{number}") for number in range(10)], NOW)
    open_deliveries([request(calm, "calm:0")], NOW + timedelta(seconds=1))

    taken = claims.claim_due(now=NOW + timedelta(seconds=1), limit=2, scope=Scope())

    assert {claim.provider_id for claim in taken} == {busy.pk, calm.pk}


def test_a_destination_has_at_most_two_on_their_way(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    open_deliveries([request(destination) for _ in range(5)], NOW)

    first = claims.claim_due(now=NOW, limit=10, scope=Scope())
    second = claims.claim_due(now=NOW, limit=10, scope=Scope())

    assert (len(first), len(second)) == (2, 0)


def test_a_lease_that_ran_out_before_anything_left_is_sent_again(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver))
    claims.claim_due(now=NOW, limit=10, scope=Scope())

    early = deliver(now=NOW + LEASE - timedelta(seconds=1))
    late = deliver(now=NOW + LEASE)

    assert early == DeliverySummary()
    assert late == DeliverySummary(delivered=1)
    assert attempts_of(row) == [(1, "delivered", 200)]


def test_a_lease_that_ran_out_after_the_request_left_is_unknown(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    row = open_one(destination)
    claim = claims.claim_due(now=NOW, limit=10, scope=Scope())[0]
    claims.mark_leaving(claim, now=NOW)

    summary = deliver(now=NOW + LEASE)

    assert summary == DeliverySummary(unknown=1)
    assert (reload(row).state, reload(row).error) == (State.UNKNOWN, STOPPED_BEFORE_ANSWER)
    assert attempts_of(row) == [(1, "unknown", None)]
    assert state_of(destination) == DestinationState.FAILING
    assert receiver.got == []


def test_a_slow_process_that_lost_its_lease_learns_it_before_it_sends(acme: Tenant, receiver: Receiver) -> None:
    open_one(make_destination(acme, receiver))
    claim = claims.claim_due(now=NOW, limit=10, scope=Scope())[0]
    claims.recover_lost(now=NOW + LEASE)

    assert claims.mark_leaving(claim, now=NOW + LEASE) is None


def test_a_token_that_is_not_the_rows_writes_nothing(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver))
    old = claims.claim_due(now=NOW, limit=10, scope=Scope())[0]
    claims.recover_lost(now=NOW + LEASE)
    claims.claim_due(now=NOW + LEASE, limit=10, scope=Scope())

    from_old = claims.record_outcome(old, DELIVERED, None, now=NOW + LEASE)

    assert from_old is False
    assert reload(row).state == State.SENDING


def test_a_late_answer_still_replaces_unknown(acme: Tenant, receiver: Receiver) -> None:
    row = open_one(make_destination(acme, receiver))
    claim = claims.claim_due(now=NOW, limit=10, scope=Scope())[0]
    number = claims.mark_leaving(claim, now=NOW)
    claims.recover_lost(now=NOW + LEASE)
    assert number is not None
    attempt = claims.new_attempt(claim, number=number, started_at=NOW, finished_at=NOW + LEASE)
    attempt.outcome, attempt.status_code = State.DELIVERED, 200

    assert claims.record_outcome(claim, DELIVERED, attempt, now=NOW + LEASE)

    assert reload(row).state == State.DELIVERED
    assert attempts_of(row) == [(1, "delivered", 200)]


def test_a_fault_of_ours_is_unknown_and_logged_and_stops_nobody(
    acme: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Any, *args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SlackTransport, "send", broken)
    row = open_one(make_destination(acme, receiver, kind="slack"))
    fine = open_one(make_destination(acme, receiver, name="Fine"))

    deliver()

    assert reload(row).state == State.UNKNOWN
    assert "Something failed on our side; error" in reload(row).error
    assert reload(fine).state == State.DELIVERED
    assert "delivery crashed" in caplog.text


def test_no_address_reaches_the_ledger_or_the_log(
    acme: Tenant, receiver: Receiver, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    caplog.set_level("DEBUG")
    destination = make_destination(acme, receiver, secret="s3cret-key", headers={"X-Token": "s3cret-token"})
    for script in (
        lambda got: Reply(410, b"s3cret"),
        lambda got: None,
        lambda got: Reply(302, b"", {"Location": "/s3cret"}),
    ):
        receiver.script = script
        open_one(destination, event_type="test")
        deliver()

    kept = str(list(Delivery.objects.for_tenant(acme).values())) + str(
        list(DeliveryAttempt.objects.for_tenant(acme).values())
    )
    kept += str(list(Destination.objects.for_tenant(acme).values()))
    assert "s3cret" not in kept
    assert "s3cret" not in caplog.text


def test_a_claim_costs_the_same_however_long_the_queue_is(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    template = open_one(destination)
    Delivery.objects.bulk_create(
        Delivery(
            tenant=acme, provider_id=uuid.uuid4() if number % 50 == 0 else destination.pk, event_type="x", subject="s",
            message=template.message, dedupe_key=f"k{number}", state=State.PENDING, next_attempt_at=NOW, created_at=NOW,
        )
        for number in range(5000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_delivery")

    started = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        taken = claims.claim_due(now=NOW, limit=16, scope=Scope())

    assert len(taken) == 16
    assert len(queries) == 1
    assert time.monotonic() - started < 1


def test_the_clock_goes_on_during_a_pass(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = slow
    row = open_one(make_destination(acme, receiver))

    deliver()

    attempt = DeliveryAttempt.objects.for_tenant(acme).get(delivery=row)
    assert timedelta(seconds=0.3) <= attempt.finished_at - attempt.started_at < timedelta(seconds=5)


def test_a_clock_can_be_given(acme: Tenant, receiver: Receiver) -> None:
    moment = datetime(2031, 1, 1, tzinfo=UTC)
    row = open_one(make_destination(acme, receiver))

    deliver(clock=lambda: moment)

    assert reload(row).finished_at == moment
