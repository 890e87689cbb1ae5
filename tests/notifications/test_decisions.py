"""The rules of delivery, as tables: each row deviates in one thing."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaireon.platform.notifications.decisions import (
    DIGEST_LINES,
    DISABLED,
    FIRST_RETRY,
    LONGEST_RETRY_AFTER,
    MAX_ATTEMPTS,
    NO_DESTINATION,
    STORM_LIMIT,
    TEST_EVENT,
    AttemptResult,
    DestinationSnapshot,
    DestinationState,
    Message,
    State,
    back_off,
    decide_after_attempt,
    decide_opening,
    destination_state_after,
    digest_of,
    max_attempts,
    may_resend,
    parse_retry_after,
    storming,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FINE = DestinationSnapshot(True, DestinationState.OK, "", NOW)
REFUSED = AttemptResult(is_delivered=False, error="Connection refused.")


@pytest.mark.parametrize(
    ("destination", "is_test", "sent", "state", "reason"),
    [
        (FINE, False, 0, State.PENDING, ""),
        (FINE, False, 9, State.PENDING, ""),
        (FINE, False, 10, State.CAPPED, "Over the guardrail of 10 messages an hour for this tenant."),
        (FINE, True, 10, State.CAPPED, "Over the guardrail of 10 messages an hour for this tenant."),
        (None, False, 0, State.FAILED, NO_DESTINATION),
        (None, True, 0, State.FAILED, NO_DESTINATION),
        (replace(FINE, is_enabled=False), False, 0, State.FAILED, DISABLED),
        (replace(FINE, is_enabled=False), True, 0, State.PENDING, ""),
        (replace(FINE, state=DestinationState.FAILING), False, 0, State.PENDING, ""),
        (
            replace(FINE, state=DestinationState.BROKEN, state_reason="Answered HTTP 410 Gone."),
            False,
            0,
            State.FAILED,
            "The destination is marked broken since 2026-03-01 12:00 UTC (Answered HTTP 410 Gone.); press Test.",
        ),
        (replace(FINE, state=DestinationState.BROKEN), True, 0, State.PENDING, ""),
    ],
)
def test_a_delivery_opens_waiting_or_ends_at_once_with_the_reason(
    destination: DestinationSnapshot | None, is_test: bool, sent: int, state: State, reason: str
) -> None:
    opening = decide_opening(destination, is_test=is_test, sent_this_hour=sent, cap=10)

    assert (opening.state, opening.reason) == (state, reason)


@pytest.mark.parametrize(
    ("result", "attempts", "state", "wait"),
    [
        (AttemptResult(is_delivered=True, status_code=200), 1, State.DELIVERED, None),
        (REFUSED, 1, State.PENDING, timedelta(seconds=1)),
        (REFUSED, 2, State.PENDING, timedelta(seconds=30)),
        (REFUSED, 3, State.PENDING, timedelta(minutes=2)),
        (REFUSED, 4, State.PENDING, timedelta(minutes=10)),
        (REFUSED, 5, State.FAILED, None),
        (replace(REFUSED, is_permanent=True), 1, State.FAILED, None),
        (replace(REFUSED, is_sent=True), 1, State.UNKNOWN, None),
        (replace(REFUSED, is_sent=True), 5, State.UNKNOWN, None),
        (replace(REFUSED, is_sent=True, status_code=503), 1, State.PENDING, timedelta(seconds=1)),
        (replace(REFUSED, is_sent=True, status_code=400, is_permanent=True), 1, State.FAILED, None),
        (replace(REFUSED, is_sent=True, status_code=410, is_gone=True), 1, State.FAILED, None),
        (
            replace(REFUSED, is_sent=True, status_code=429, retry_after=timedelta(seconds=17)),
            1,
            State.PENDING,
            timedelta(seconds=17),
        ),
        (
            replace(REFUSED, is_sent=True, status_code=429, retry_after=timedelta(days=9)),
            1,
            State.PENDING,
            LONGEST_RETRY_AFTER,
        ),
    ],
)
def test_what_follows_an_attempt(
    result: AttemptResult, attempts: int, state: State, wait: timedelta | None
) -> None:  # fmt: skip
    verdict = decide_after_attempt(result, attempts=attempts, event_type="alert.fired", now=NOW, jitter=0)

    assert verdict.state is state
    assert verdict.next_attempt_at == (None if wait is None else NOW + wait)


def test_giving_up_says_after_how_many_attempts() -> None:
    verdict = decide_after_attempt(REFUSED, attempts=5, event_type="alert.fired", now=NOW, jitter=0)

    assert verdict.error == "Connection refused. Given up after 5 attempts."


def test_only_an_answer_that_says_gone_breaks_the_destination() -> None:
    gone = replace(REFUSED, is_sent=True, status_code=410, is_gone=True, is_permanent=True)
    wrong = replace(REFUSED, is_sent=True, status_code=400, is_permanent=True)

    assert decide_after_attempt(gone, attempts=1, event_type="x", now=NOW, jitter=0).is_destination_broken
    assert not decide_after_attempt(wrong, attempts=1, event_type="x", now=NOW, jitter=0).is_destination_broken


def test_a_wait_that_the_destination_asks_for_holds_back_all_its_deliveries() -> None:
    busy = replace(REFUSED, is_sent=True, status_code=429, retry_after=timedelta(seconds=17))

    verdict = decide_after_attempt(busy, attempts=1, event_type="x", now=NOW, jitter=0)

    assert verdict.pause_destination_until == NOW + timedelta(seconds=17)


@pytest.mark.parametrize(
    ("result", "attempts", "state"),
    [
        (REFUSED, 1, State.PENDING),
        (REFUSED, 2, State.FAILED),
        (replace(REFUSED, is_sent=True, status_code=429, retry_after=timedelta(seconds=17)), 1, State.FAILED),
        (replace(REFUSED, is_sent=True), 1, State.UNKNOWN),
    ],
)
def test_a_test_is_retried_once_and_only_while_somebody_waits(
    result: AttemptResult, attempts: int, state: State
) -> None:  # fmt: skip
    verdict = decide_after_attempt(result, attempts=attempts, event_type=TEST_EVENT, now=NOW, jitter=0)

    assert verdict.state is state


@given(
    result=st.builds(
        AttemptResult,
        is_delivered=st.booleans(),
        error=st.text(max_size=20),
        status_code=st.none() | st.integers(100, 599),
        is_permanent=st.booleans(),
        is_sent=st.booleans(),
        is_gone=st.booleans(),
        retry_after=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=30)),
    ),
    attempts=st.integers(1, 9),
    event_type=st.sampled_from(["alert.fired", TEST_EVENT]),
    jitter=st.floats(0, 1),
)
def test_whatever_happens_a_delivery_ends_or_waits_and_what_may_have_arrived_is_never_repeated(
    result: AttemptResult, attempts: int, event_type: str, jitter: float
) -> None:
    verdict = decide_after_attempt(result, attempts=attempts, event_type=event_type, now=NOW, jitter=jitter)

    assert verdict.state in {State.PENDING, State.DELIVERED, State.FAILED, State.UNKNOWN}
    assert (verdict.next_attempt_at is not None) == (verdict.state is State.PENDING)
    if verdict.state is State.PENDING:
        assert verdict.next_attempt_at is not None
        assert NOW < verdict.next_attempt_at <= NOW + LONGEST_RETRY_AFTER
        assert attempts < max_attempts(event_type)
        # Without an answer the request must not have left.
        assert not result.is_sent or result.status_code is not None
    if result.is_delivered:
        assert verdict.state is State.DELIVERED


@given(attempts=st.integers(1, MAX_ATTEMPTS), jitter=st.floats(0, 1))
def test_the_back_off_grows_and_is_spread_by_a_fifth_at_most(attempts: int, jitter: float) -> None:
    assert FIRST_RETRY <= back_off(attempts, 0) <= back_off(attempts, jitter) <= back_off(attempts, 0) * 1.2001
    assert back_off(attempts + 1, 0) >= back_off(attempts, 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 1 ", 1),
        ("0", None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("9" * 400, 10**8),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("Sun, 01 Mar 2026 11:59:59 GMT", None),
        ("Sun, 99 Mar 2026 11:59:59 GMT", None),
        ("Sun, 01 Mar 99999 11:59:59 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: int | None) -> None:
    assert parse_retry_after(text, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(max_size=50))
def test_no_retry_after_header_makes_the_reader_fail(text: str) -> None:
    wait = parse_retry_after(text, NOW)

    assert wait is None or wait > timedelta(0)


def test_a_storm_is_more_than_the_limit_for_one_destination() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()

    assert storming([one] * STORM_LIMIT + [two] * (STORM_LIMIT + 1)) == {two}


@pytest.mark.parametrize(
    ("state", "is_broken", "after"),
    [
        (State.DELIVERED, False, DestinationState.OK),
        (State.FAILED, False, DestinationState.FAILING),
        (State.UNKNOWN, False, DestinationState.FAILING),
        (State.FAILED, True, DestinationState.BROKEN),
        (State.PENDING, False, None),
    ],
)
def test_the_end_of_a_delivery_tells_how_its_destination_is(
    state: State, is_broken: bool, after: DestinationState | None
) -> None:
    assert destination_state_after(state, is_broken=is_broken) is after


@pytest.mark.parametrize(
    ("state", "is_open", "may"),
    [
        (State.FAILED, False, True),
        (State.UNKNOWN, False, True),
        (State.CAPPED, False, True),
        (State.DELIVERED, False, False),
        (State.PENDING, False, False),
        (State.SENDING, False, False),
        (State.DIGESTED, False, False),
        (State.UNKNOWN, True, False),
    ],
)
def test_only_what_did_not_surely_arrive_can_be_sent_again(state: State, is_open: bool, may: bool) -> None:
    assert (may_resend(state, has_open_resend=is_open) == "") is may


def message(subject: str = "Rule", severity: str = "info", link: str = "") -> Message:
    return Message(
        event_type="alert.fired", subject=subject, message="m", timestamp=NOW, severity=severity, link=link
    )  # fmt: skip


def test_a_digest_lists_the_worst_first_and_takes_its_severity() -> None:
    digest = digest_of([message("b"), message("[CRITICAL] c", "critical"), message("a", "warning")])

    assert digest.subject == "3 messages at once"
    assert digest.message == "• [CRITICAL] c\n• [warning] a\n• [info] b"
    assert digest.severity == "critical"
    assert [entry["subject"] for entry in digest.data["messages"]] == ["[CRITICAL] c", "a", "b"]


def test_a_long_digest_says_how_many_it_does_not_list() -> None:
    digest = digest_of([message(f"rule {number:03}") for number in range(DIGEST_LINES + 7)])

    assert digest.message.splitlines()[-1] == "… and 7 more"
    assert digest.data["count"] == DIGEST_LINES + 7


def test_a_digest_links_only_where_all_its_messages_link() -> None:
    same, other = message(link="https://k.example/1"), message(link="https://k.example/2")

    assert digest_of([same, same]).link == "https://k.example/1"
    assert digest_of([same, other]).link == ""


def test_a_message_survives_the_ledger() -> None:
    said = replace(message(link="https://k.example/1"), data={"ruleId": "x", "n": 1.5}, extra_payload={"a": [1]})

    assert Message.from_json(said.to_json()) == said


@pytest.mark.parametrize(
    ("subject", "title"), [("Rule", "[warning] Rule"), ("[RESOLVED] Rule", "[RESOLVED] Rule"), ("", "[warning] ")]
)
def test_a_title_says_the_severity_once(subject: str, title: str) -> None:
    assert message(subject, "warning").title == title
