"""What one evaluation decides: tables of named rows, each one deviation from a plain breach, then properties."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decisions import (
    FLOOR,
    CloseReason,
    Decision,
    NoDataPolicy,
    OpenIncident,
    Operator,
    Outcome,
    Reading,
    Reason,
    RuleSnapshot,
    Severity,
    Status,
    advance,
    decide,
    next_possible_at,
)

NOW = datetime(2026, 4, 17, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
LONG_AGO = NOW - timedelta(days=1)
BREACH = Reading(observed=0.31, baseline=0.1)
CALM = Reading(observed=0.1, baseline=0.31)
NOTHING = Reading(observed=None)
FIRED_ONCE = OpenIncident(number=1)


def ago(**units: float) -> datetime:
    """Return an instant before NOW."""
    return NOW - timedelta(**units)


def a_rule(**deviations: Any) -> RuleSnapshot:
    """Return the plain rule (`> 0.2`, cooldown 60, no history) with the deviations of one row."""
    return RuleSnapshot(operator=Operator.GT, threshold=0.2)._replace(**deviations)


@dataclass(frozen=True)
class Row:
    """One named case: how the rule and the reading differ from a plain breach, and what must be decided."""

    name: str
    decision: Decision
    reading: Reading = BREACH
    rule: dict[str, Any] = field(default_factory=dict)


def fired(number: int = 1, *, opens: bool = False, since: datetime = NOW) -> Decision:
    """Return the decision of a firing."""
    return Decision(
        Status.FIRED, Reason.FIRED, Severity.WARNING, opens=opens, fires=True, number=number, pending_since=since
    )  # fmt: skip


def silent(
    status: Status, reason: Reason, *, until: datetime | None = None, opens: bool = False, since: datetime = NOW
) -> Decision:
    """Return the decision of a breach that tells nobody."""
    return Decision(status, reason, Severity.WARNING, opens=opens, pending_since=since, until=until)


ROWS = [
    Row("a plain breach opens the incident and fires", fired(opens=True)),
    Row("a value on the calm side is ok", Decision(Status.OK, Reason.NOT_BREACHED), CALM),
    Row(
        "an unknown metric is unsupported and keeps the rule as it is",
        Decision(Status.UNSUPPORTED_METRIC, Reason.UNSUPPORTED_METRIC, pending_since=LONG_AGO),
        Reading(None, is_supported=False),
        {"pending_since": LONG_AGO, "incident": FIRED_ONCE},
    ),
    Row("no data is no breach", Decision(Status.NO_DATA, Reason.NO_DATA_IS_OK), NOTHING),
    Row(
        "no data closes the incident where no data means well",
        Decision(Status.NO_DATA, Reason.RESOLVED, closes=CloseReason.NO_DATA, resolves=True, number=2),
        NOTHING,
        {"incident": FIRED_ONCE},
    ),
    Row(
        "no data leaves the incident open where the rule keeps its state",
        Decision(Status.NO_DATA, Reason.NO_DATA_KEPT, pending_since=LONG_AGO),
        NOTHING,
        {"no_data_policy": NoDataPolicy.KEEP, "incident": FIRED_ONCE, "pending_since": LONG_AGO},
    ),
    Row(
        "no data fires where the rule alerts on it", fired(opens=True), NOTHING, {"no_data_policy": NoDataPolicy.ALERT}
    ),
    Row(
        "a first breach is pending while it has not lasted",
        silent(Status.PENDING, Reason.PENDING, until=NOW + timedelta(minutes=5)),
        rule={"pending_minutes": 5},
    ),
    Row(
        "a breach one second too short is pending",
        silent(Status.PENDING, Reason.PENDING, until=NOW + timedelta(seconds=1), since=ago(minutes=5, seconds=-1)),
        rule={"pending_minutes": 5, "pending_since": ago(minutes=5, seconds=-1)},
    ),
    Row(
        "a breach that has lasted exactly long enough fires",
        fired(opens=True, since=ago(minutes=5)),
        rule={"pending_minutes": 5, "pending_since": ago(minutes=5)},
    ),
    Row(
        "an open incident is not pending again",
        fired(2),
        rule={"pending_minutes": 5, "incident": FIRED_ONCE},
    ),
    Row(
        "a calm value ends the wait",
        Decision(Status.OK, Reason.NOT_BREACHED),
        CALM,
        {"pending_minutes": 5, "pending_since": ago(minutes=4)},
    ),
    Row(
        "a muted rule opens the incident and tells nobody",
        silent(Status.MUTED, Reason.MUTED, until=LATER, opens=True),
        rule={"muted_until": LATER},
    ),
    Row("a mute that ends now holds nothing back", fired(opens=True), rule={"muted_until": NOW}),
    Row(
        "a mute comes before an acknowledgement",
        silent(Status.MUTED, Reason.MUTED, until=LATER),
        rule={"muted_until": LATER, "incident": OpenIncident(1, is_acknowledged=True)},
    ),
    Row(
        "an acknowledged incident is not repeated",
        silent(Status.MUTED, Reason.ACKNOWLEDGED),
        rule={"incident": OpenIncident(1, is_acknowledged=True), "last_fired_at": LONG_AGO},
    ),
    Row(
        "a message on its way holds the next one back, whatever the cooldown",
        silent(Status.COOLDOWN, Reason.IN_FLIGHT),
        rule={"incident": FIRED_ONCE, "last_outcome": Outcome.IN_FLIGHT, "last_transition_at": LONG_AGO},
    ),
    Row(
        "a message of an earlier incident on its way holds back too",
        silent(Status.COOLDOWN, Reason.IN_FLIGHT, opens=True),
        rule={"last_outcome": Outcome.IN_FLIGHT, "last_transition_at": LONG_AGO},
    ),
    Row(
        "inside the cooldown nothing fires",
        silent(Status.COOLDOWN, Reason.COOLDOWN, until=NOW + timedelta(seconds=1)),
        rule={"incident": FIRED_ONCE, "last_fired_at": ago(minutes=60, seconds=-1)},
    ),
    Row(
        "cooldown spans incidents: breaching anew opens one and waits",
        silent(Status.COOLDOWN, Reason.COOLDOWN, until=NOW + timedelta(minutes=30), opens=True),
        rule={"last_fired_at": ago(minutes=30)},
    ),
    Row(
        "when the cooldown ends the incident fires with the next number",
        fired(2),
        rule={"incident": FIRED_ONCE, "last_fired_at": ago(minutes=60), "last_outcome": Outcome.TOLD},
    ),
    Row(
        "cooldown 0 does not fire twice within the floor",
        silent(Status.COOLDOWN, Reason.JUST_FIRED, until=NOW + timedelta(seconds=1)),
        rule={
            "cooldown_minutes": 0,
            "incident": FIRED_ONCE,
            "last_fired_at": ago(seconds=29),
            "last_transition_at": ago(seconds=29),
            "last_outcome": Outcome.TOLD,
        },
    ),
    Row(
        "cooldown 0 fires again after the floor",
        fired(2),
        rule={
            "cooldown_minutes": 0,
            "incident": FIRED_ONCE,
            "last_fired_at": ago(seconds=30),
            "last_transition_at": ago(seconds=30),
            "last_outcome": Outcome.TOLD,
        },
    ),
    Row(
        "a firing that nobody got stays delivery_failed within the floor",
        silent(Status.DELIVERY_FAILED, Reason.RETRY_SOON, until=NOW + timedelta(seconds=20)),
        rule={"incident": FIRED_ONCE, "last_transition_at": ago(seconds=10), "last_outcome": Outcome.FAILED},
    ),
    Row(
        "a firing that nobody got fires again after the floor, without a cooldown",
        fired(2),
        rule={"incident": FIRED_ONCE, "last_transition_at": ago(seconds=31), "last_outcome": Outcome.FAILED},
    ),
    Row(
        "a calm value resolves an incident that was told",
        Decision(Status.OK, Reason.RESOLVED, closes=CloseReason.RECOVERED, resolves=True, number=2),
        CALM,
        {"incident": FIRED_ONCE},
    ),
    Row(
        "a resolve takes the number after the last firing",
        Decision(Status.OK, Reason.RESOLVED, closes=CloseReason.RECOVERED, resolves=True, number=8),
        CALM,
        {"incident": OpenIncident(7)},
    ),
    Row(
        "an incident that was never told ends quietly",
        Decision(Status.OK, Reason.CLOSED_QUIETLY, closes=CloseReason.RECOVERED),
        CALM,
        {"incident": OpenIncident(0)},
    ),
    Row(
        "an incident ends quietly where resolve notices are off",
        Decision(Status.OK, Reason.CLOSED_QUIETLY, closes=CloseReason.RECOVERED),
        CALM,
        {"incident": FIRED_ONCE, "notify_resolved": False},
    ),
    Row(
        "a muted rule still says that what it told of is over",
        Decision(Status.OK, Reason.RESOLVED, closes=CloseReason.RECOVERED, resolves=True, number=2),
        CALM,
        {"incident": FIRED_ONCE, "muted_until": LATER},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_decision_follows_its_row(row: Row) -> None:
    rule = a_rule(**row.rule)

    decision = decide(rule, row.reading, NOW)

    assert decision == row.decision


@pytest.mark.parametrize(
    ("operator", "observed", "breaches"),
    [
        ("gt", 0.2, False),
        ("gt", 0.2000001, True),
        ("lt", 0.2, False),
        ("lt", 0.1999999, True),
        ("gte", 0.2, True),
        ("gte", 0.1999999, False),
        ("lte", 0.2, True),
        ("lte", 0.2000001, False),
        ("eq", 0.2, True),
        ("eq", 0.1 + 0.1, True),
        ("eq", 0.2001, False),
    ],
)
def test_an_operator_compares_at_its_boundary(operator: str, observed: float, breaches: bool) -> None:
    rule = a_rule(operator=Operator(operator))

    decision = decide(rule, Reading(observed), NOW)

    assert decision.fires is breaches


def test_equality_survives_the_rounding_of_quotients() -> None:
    rule = a_rule(operator=Operator.EQ, threshold=0.3)

    decision = decide(rule, Reading(0.1 + 0.2), NOW)

    assert decision.fires


def test_a_whole_number_is_compared_like_any_other() -> None:
    rule = a_rule(operator=Operator.GTE, threshold=5)

    decision = decide(rule, Reading(5), NOW)

    assert decision.fires


def test_a_tick_shows_the_end_of_a_told_incident_as_resolved() -> None:
    decision = decide(a_rule(incident=FIRED_ONCE), CALM, NOW)

    assert (decision.status, decision.tick_status) == (Status.OK, Status.RESOLVED)


def test_a_tick_shows_every_other_decision_by_its_status() -> None:
    decision = decide(a_rule(), BREACH, NOW)

    assert decision.tick_status is Status.FIRED


# --- what is written back


def test_a_firing_with_destinations_is_in_flight_and_does_not_move_last_fired() -> None:
    rule = a_rule()

    after = advance(rule, decide(rule, BREACH, NOW), NOW, has_destinations=True)

    assert after.incident == OpenIncident(1)
    assert (after.last_transition_at, after.last_outcome, after.last_fired_at) == (NOW, Outcome.IN_FLIGHT, None)


def test_a_firing_without_destinations_has_told_everybody_there_is() -> None:
    rule = a_rule()

    after = advance(rule, decide(rule, BREACH, NOW), NOW, has_destinations=False)

    assert (after.last_transition_at, after.last_outcome, after.last_fired_at) == (NOW, Outcome.TOLD, NOW)


def test_a_repeat_counts_up_and_keeps_the_incident() -> None:
    rule = a_rule(incident=OpenIncident(3))

    after = advance(rule, decide(rule, BREACH, NOW), NOW, has_destinations=True)

    assert after.incident == OpenIncident(4)


def test_a_muted_breach_opens_an_incident_without_a_number() -> None:
    rule = a_rule(muted_until=LATER)

    after = advance(rule, decide(rule, BREACH, NOW), NOW, has_destinations=True)

    assert after.incident == OpenIncident(0)
    assert after.last_transition_at is None


def test_a_silent_breach_keeps_the_open_incident() -> None:
    rule = a_rule(incident=FIRED_ONCE, last_fired_at=NOW)

    after = advance(rule, decide(rule, BREACH, NOW), NOW, has_destinations=True)

    assert (after.incident, after.status) == (FIRED_ONCE, Status.COOLDOWN)


def test_a_resolve_closes_the_incident_and_forgets_the_wait() -> None:
    rule = a_rule(incident=FIRED_ONCE, pending_since=LONG_AGO)

    after = advance(rule, decide(rule, CALM, NOW), NOW, has_destinations=True)

    assert (after.incident, after.pending_since, after.status) == (None, None, Status.OK)


# --- next possible


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (a_rule(), NOW),
        (a_rule(muted_until=LATER), LATER),
        (a_rule(muted_until=LONG_AGO), NOW),
        (a_rule(last_fired_at=ago(minutes=20)), NOW + timedelta(minutes=40)),
        (a_rule(last_transition_at=ago(seconds=10)), NOW + timedelta(seconds=20)),
        (a_rule(last_fired_at=ago(minutes=55), muted_until=LATER), LATER),
        (a_rule(incident=OpenIncident(1, is_acknowledged=True)), None),
        (a_rule(last_outcome=Outcome.IN_FLIGHT), None),
    ],
)
def test_the_next_possible_firing_is_the_last_of_what_holds_it_back(
    rule: RuleSnapshot, expected: datetime | None
) -> None:
    assert next_possible_at(rule, NOW) == expected


# --- properties

INSTANTS = st.timedeltas(timedelta(days=-1), timedelta(days=1)).map(lambda offset: NOW + offset)
VALUES = st.floats(allow_nan=False, allow_infinity=False, width=32)
RULES = st.builds(
    RuleSnapshot,
    operator=st.sampled_from(Operator),
    threshold=VALUES,
    cooldown_minutes=st.integers(0, 120),
    pending_minutes=st.integers(0, 30),
    no_data_policy=st.sampled_from(NoDataPolicy),
    notify_resolved=st.booleans(),
    muted_until=st.none() | INSTANTS,
    status=st.sampled_from(Status),
    pending_since=st.none() | INSTANTS,
    incident=st.none() | st.builds(OpenIncident, st.integers(0, 5), st.booleans()),
    last_fired_at=st.none() | INSTANTS,
    last_transition_at=st.none() | INSTANTS,
    last_outcome=st.none() | st.sampled_from(Outcome),
)
READINGS = st.builds(Reading, st.none() | VALUES, st.none() | VALUES, st.booleans())


@given(RULES, READINGS, INSTANTS)
def test_nothing_fires_inside_the_cooldown_or_the_floor(rule: RuleSnapshot, reading: Reading, now: datetime) -> None:
    decision = decide(rule, reading, now)

    if decision.fires:
        cooldown = timedelta(minutes=rule.cooldown_minutes)
        assert rule.last_fired_at is None or now - rule.last_fired_at >= cooldown
        assert rule.last_transition_at is None or now - rule.last_transition_at >= FLOOR


@given(RULES, READINGS, INSTANTS)
def test_nothing_fires_while_muted_acknowledged_or_on_its_way(
    rule: RuleSnapshot, reading: Reading, now: datetime
) -> None:
    decision = decide(rule, reading, now)

    if decision.fires:
        assert rule.muted_until is None or rule.muted_until <= now
        assert rule.incident is None or not rule.incident.is_acknowledged
        assert rule.last_outcome is not Outcome.IN_FLIGHT


@given(RULES, READINGS, INSTANTS)
def test_a_resolve_comes_only_after_a_firing_of_the_same_incident(
    rule: RuleSnapshot, reading: Reading, now: datetime
) -> None:
    decision = decide(rule, reading, now)

    if decision.resolves:
        assert rule.incident is not None
        assert rule.incident.number > 0
        assert rule.notify_resolved
        assert decision.number == rule.incident.number + 1


@given(RULES, READINGS, INSTANTS)
def test_a_decision_never_opens_and_closes_or_fires_and_resolves(
    rule: RuleSnapshot, reading: Reading, now: datetime
) -> None:
    decision = decide(rule, reading, now)

    assert not (decision.opens and decision.closes)
    assert not (decision.fires and decision.resolves)
    assert not (decision.opens and rule.incident is not None)
    assert not (decision.closes and rule.incident is None)
    assert decision.fires == (decision.status is Status.FIRED)


@given(RULES, READINGS, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_what_may_fire_now_may_fire_later(
    rule: RuleSnapshot, reading: Reading, now: datetime, delay: timedelta
) -> None:
    if decide(rule, reading, now).fires:
        assert decide(rule, reading, now + delay).fires


@given(RULES, READINGS, INSTANTS)
def test_the_instant_named_as_next_possible_fires(rule: RuleSnapshot, reading: Reading, now: datetime) -> None:
    immediate = rule._replace(pending_minutes=0)
    at = next_possible_at(immediate, now)

    if at is None:
        assert not decide(immediate, reading, now).fires
    elif decide(immediate, reading, now).severity is not None:
        assert decide(immediate, reading, at).fires


@given(RULES, READINGS, INSTANTS)
def test_silence_with_an_end_ends_then(rule: RuleSnapshot, reading: Reading, now: datetime) -> None:
    decision = decide(rule, reading, now)

    if decision.until is not None:
        after = advance(rule, decision, now, has_destinations=True)
        assert decision.until > now
        assert decide(after, reading, decision.until).reason is not decision.reason


@given(RULES, VALUES, VALUES, INSTANTS)
def test_a_value_further_out_breaches_as_well(rule: RuleSnapshot, value: float, other: float, now: datetime) -> None:
    near, far = sorted([value, other])
    over = rule._replace(operator=Operator.GTE)
    under = rule._replace(operator=Operator.LTE)

    assert decide(over, Reading(far), now).severity is not None or decide(over, Reading(near), now).severity is None
    assert decide(under, Reading(near), now).severity is not None or decide(under, Reading(far), now).severity is None


@given(RULES, READINGS, INSTANTS)
def test_evaluating_again_at_once_changes_nothing_more(rule: RuleSnapshot, reading: Reading, now: datetime) -> None:
    first = decide(rule, reading, now)
    after = advance(rule, first, now, has_destinations=True)

    again = decide(after, reading, now)

    assert not again.fires or not first.fires
    assert not again.resolves
    assert advance(after, again, now, has_destinations=True).incident == after.incident
