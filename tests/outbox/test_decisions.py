"""The pure rules of the outbox."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.decisions import DeadReason, EventRefused, Failed, NotSent, Outcome, Sent, backoff_seconds, make_event
from outbox.decisions.breaker import LONGEST_SECONDS, breaker_seconds
from outbox.decisions.events import MAX_KEY, MAX_PAYLOAD_BYTES, MAX_TOPIC
from outbox.decisions.settlement import Retried, settle
from outbox.decisions.sharing import LEAST_SHARE, Shares, first_shares, next_shares

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TENANT = uuid.UUID(int=1)
OTHER = uuid.UUID(int=2)


# --- Back-off


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (8, 128), (9, 256), (10, 300), (11, 300), (4000, 300)]
)
def test_the_back_off_doubles_from_one_second_to_five_minutes(attempts: int, seconds: float) -> None:
    assert backoff_seconds(attempts, 0) == seconds


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 3.2), (1, 4.8), (-7, 3.2), (7, 4.8)])
def test_the_jitter_is_at_most_a_fifth(spread: float, seconds: float) -> None:
    assert backoff_seconds(3, spread) == pytest.approx(seconds)


def test_a_back_off_before_any_failure_is_the_first_one() -> None:
    assert backoff_seconds(0, 0) == 1


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (900, 10)])
def test_a_back_end_that_is_down_is_left_alone_for_ten_seconds_at_most(failures: int, seconds: float) -> None:
    assert breaker_seconds(failures, 0) == seconds


@given(st.integers(0, 10_000), st.floats(-5, 5))
def test_the_breakers_jitter_only_shortens(failures: int, spread: float) -> None:
    assert 0.8 <= breaker_seconds(failures, spread) <= LONGEST_SECONDS


# --- Events


def make(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "event_id": uuid.UUID(int=9), "tenant_id": TENANT, "topic": "order.paid.v1",
        "payload": {"customerId": "c-1", "total": 3}, "key": None, "occurred_at": NOW,
    }  # fmt: skip
    return make_event(**{**values, **changes})


def test_an_event_is_kept_as_json_text_under_the_customers_key() -> None:
    event = make()

    assert (event.key, event.payload, event.occurred_at) == ("c-1", '{"customerId":"c-1","total":3}', NOW)


def test_a_key_that_is_given_counts_before_the_customer() -> None:
    assert make(key="basket-7").key == "basket-7"


def test_the_time_of_an_event_is_kept_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5)))

    assert make(occurred_at=local).occurred_at.utcoffset() == timedelta(0)


def test_text_of_any_script_stays_as_it_is() -> None:
    assert make(payload={"customerId": "客户", "note": "naïve 🙂"}).payload == '{"customerId":"客户","note":"naïve 🙂"}'


class Refusal(NamedTuple):
    """A deviation and the field that is named."""

    changes: dict[str, Any]
    field: str


REFUSALS = {
    "no topic": Refusal({"topic": ""}, "topic"),
    "a topic with capitals": Refusal({"topic": "Order.Paid"}, "topic"),
    "a topic that ends in a dot": Refusal({"topic": "order."}, "topic"),
    "a topic with a line break": Refusal({"topic": "order\n"}, "topic"),
    "a topic with a quotation mark": Refusal({"topic": 'order"paid'}, "topic"),
    "a long topic": Refusal({"topic": "a" * (MAX_TOPIC + 1)}, "topic"),
    "no key and no customer": Refusal({"payload": {}}, "key"),
    "a customer that is a number": Refusal({"payload": {"customerId": 7}}, "key"),
    "an empty key": Refusal({"key": ""}, "key"),
    "a long key": Refusal({"key": "k" * (MAX_KEY + 1)}, "key"),
    "a key with NUL": Refusal({"key": "a\0b"}, "key"),
    "a time without a zone": Refusal({"occurred_at": datetime(2026, 3, 2)}, "occurred_at"),  # noqa: DTZ001
    "a payload that is no JSON": Refusal({"key": "k", "payload": {"x": {1, 2}}}, "payload"),
    "NaN": Refusal({"key": "k", "payload": {"x": float("nan")}}, "payload"),
    "a lone surrogate": Refusal({"key": "k", "payload": {"x": "\ud800"}}, "payload"),
    "NUL in a value": Refusal({"key": "k", "payload": {"x": ["a\0"]}}, "payload"),
    "NUL in a name": Refusal({"key": "k", "payload": {"a\0": 1}}, "payload"),
    "a payload over the limit": Refusal({"key": "k", "payload": {"x": "x" * MAX_PAYLOAD_BYTES}}, "payload"),
    "a payload over the limit in bytes": Refusal({"key": "k", "payload": {"x": "é" * 130_000}}, "payload"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_an_event_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(EventRefused) as refused:
        make(**REFUSALS[name].changes)

    assert refused.value.field == REFUSALS[name].field


def test_the_word_u0000_is_no_nul() -> None:
    assert make(payload={"customerId": "c", "x": "\\u0000"}).payload == '{"customerId":"c","x":"\\\\u0000"}'


def test_a_payload_of_just_the_limit_is_taken() -> None:
    filling = MAX_PAYLOAD_BYTES - len('{"x":""}')

    assert len(make(key="k", payload={"x": "x" * filling}).payload) == MAX_PAYLOAD_BYTES


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.integers()))
def test_every_json_object_comes_back_as_it_was(payload: dict[str, int]) -> None:
    assert json.loads(make(key="k", payload=payload).payload) == payload


# --- Settlement


class Keyed(NamedTuple):
    """An event, as far as its key goes."""

    tenant_id: str
    key: str


A, B = Keyed("t1", "a"), Keyed("t1", "b")
BUSY, BAD = Failed("busy", is_transient=True), Failed("too large", is_transient=False)


class Case(NamedTuple):
    """Outcomes of three events and where each ends."""

    events: list[Keyed]
    attempts: list[int]
    outcomes: list[Outcome]
    words: list[str]


CASES = {
    "all sent": Case([A, B, A], [0, 0, 0], [Sent(), Sent(), Sent()], ["sent", "sent", "sent"]),
    "a failure holds its own key": Case([A, B, A], [0, 0, 0], [BUSY, Sent(), NotSent()], ["retried", "sent", "behind"]),
    "another tenant's key of the same name is another key": Case(
        [A, Keyed("t2", "a"), A], [0, 0, 0], [BUSY, NotSent(), NotSent()], ["retried", "released", "behind"]
    ),
    "a permanent failure is buried at once and holds nobody": Case(
        [A, A, B], [0, 0, 0], [BAD, NotSent(), Sent()], ["buried", "released", "sent"]
    ),
    "the last attempt buries": Case([A, A, B], [9, 0, 0], [BUSY, NotSent(), Sent()], ["buried", "released", "sent"]),
    "the last but one waits": Case([A, A, B], [8, 0, 0], [BUSY, NotSent(), Sent()], ["retried", "behind", "sent"]),
    "time up": Case([A, B, A], [0, 0, 0], [Sent(), NotSent(), NotSent()], ["sent", "released", "released"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_event_ends_in_one_place(name: str) -> None:
    case = CASES[name]

    plan = settle(case.events, case.attempts, case.outcomes, max_attempts=10)

    ends = dict.fromkeys(plan.sent, "sent") | dict.fromkeys(plan.behind, "behind")
    ends |= dict.fromkeys(plan.released, "released")
    ends |= {each.place: "retried" for each in plan.retried} | {each.place: "buried" for each in plan.buried}
    assert [ends[place] for place in range(len(case.events))] == case.words


@pytest.mark.parametrize(
    ("outcome", "before", "why"), [(BAD, 0, DeadReason.PERMANENT), (BUSY, 9, DeadReason.EXHAUSTED)]
)
def test_a_dead_letter_says_why(outcome: Outcome, before: int, why: DeadReason) -> None:
    plan = settle([A], [before], [outcome], max_attempts=10)

    assert (plan.buried[0].why, plan.buried[0].attempts) == (why, before + 1)


@pytest.mark.parametrize(
    ("before", "most", "after"), [(0, 10, 1), (3, 10, 4), (8, 10, 9), (9, 10, 9), (500, 10, 9), (0, 1, 1), (1, 1, 1)]
)
def test_an_outage_never_uses_up_the_last_attempt(before: int, most: int, after: int) -> None:
    away = Failed("Kafka did not acknowledge it in time", is_transient=True, is_outage=True)

    plan = settle([A], [before], [away], max_attempts=most)

    assert plan.retried == [Retried(0, after, away.reason)]
    assert plan.buried == []


# --- Shares


def test_the_first_claim_gives_everybody_up_to_half_a_batch() -> None:
    assert first_shares(500) == Shares({}, 250)


def test_without_a_backlog_nobody_has_a_share_of_his_own() -> None:
    assert next_shares(Shares({}, 250), {TENANT: 3, OTHER: 249}, 500).of_tenant == {}


def test_a_tenant_with_a_backlog_gets_the_batch_and_the_others_their_part() -> None:
    shares = next_shares(Shares({}, 250), {TENANT: 250, OTHER: 10}, 500)

    assert shares.of_tenant == {TENANT: 500}
    assert shares.of_others >= 10


def test_tenants_with_backlogs_share_the_batch_alike() -> None:
    shares = next_shares(Shares({TENANT: 500}, 100), {TENANT: 500, OTHER: 100}, 500)

    assert shares.of_tenant == {TENANT: 250, OTHER: 250}


@given(
    st.dictionaries(st.integers(0, 200).map(lambda number: uuid.UUID(int=number)), st.integers(0, 600), max_size=80),
    st.integers(1, 5000),
)
def test_nobodys_share_is_ever_nothing(taken: dict[uuid.UUID, int], batch_size: int) -> None:
    shares = next_shares(first_shares(batch_size), taken, batch_size)

    assert min([shares.of_others, *shares.of_tenant.values()]) >= LEAST_SHARE
