"""Decide what one evaluation of one rule does: a pure function of the rule's snapshot, the reading and `now`.

Order of the questions, first answer wins:
is the metric known · is there data · does it breach · has it breached long enough · is the rule muted ·
is the incident acknowledged · is the last firing still on its way · cooldown · the 30-second floor · fire.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.decisions.severity import derive_severity
from alerts.decisions.vocabulary import (
    FLOOR,
    CloseReason,
    NoDataPolicy,
    Operator,
    Outcome,
    Reason,
    Severity,
    Status,
)


class OpenIncident(NamedTuple):
    """The incident that is open: how many times it has fired, and whether a person has taken it."""

    number: int = 0
    is_acknowledged: bool = False


class RuleSnapshot(NamedTuple):
    """What a decision needs to know of a rule. Named tuples, because a tick makes thousands of them."""

    operator: Operator
    threshold: float
    cooldown_minutes: int = 60
    pending_minutes: int = 0
    no_data_policy: NoDataPolicy = NoDataPolicy.OK
    notify_resolved: bool = True
    muted_until: datetime | None = None
    status: Status = Status.OK
    pending_since: datetime | None = None
    incident: OpenIncident | None = None
    last_fired_at: datetime | None = None
    last_transition_at: datetime | None = None
    last_outcome: Outcome | None = None


class Reading(NamedTuple):
    """What was measured; None is "no data", which is neither zero nor a breach."""

    observed: float | None
    baseline: float | None = None
    is_supported: bool = True


class Decision(NamedTuple):
    """What one evaluation does to its rule, and why.

    `number` is the transition's number within its incident, for a firing and for a resolve notice.
    `until` is when the reason for silence ends, where that is known.
    """

    status: Status
    reason: Reason
    severity: Severity | None = None
    opens: bool = False
    closes: CloseReason | None = None
    fires: bool = False
    resolves: bool = False
    number: int = 0
    pending_since: datetime | None = None
    until: datetime | None = None

    @property
    def tick_status(self) -> Status:
        """Return the status a tick's answer shows: `resolved` where a firing incident has just ended."""
        return Status.RESOLVED if self.reason is Reason.RESOLVED else self.status


Held = tuple[Status, Reason, datetime | None]


def _equals(observed: float, threshold: float) -> bool:
    # Rates are quotients: 3/10 must equal a threshold typed as 0.3.
    return math.isclose(observed, threshold, rel_tol=1e-9, abs_tol=1e-12)


_COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    Operator.GT: float.__gt__,
    Operator.LT: float.__lt__,
    Operator.GTE: float.__ge__,
    Operator.LTE: float.__le__,
    Operator.EQ: _equals,
}


def decide(rule: RuleSnapshot, reading: Reading, now: datetime) -> Decision:
    """Return what this evaluation does: opens or closes the incident, fires, resolves, or stays silent for a reason."""
    if not reading.is_supported:
        return Decision(Status.UNSUPPORTED_METRIC, Reason.UNSUPPORTED_METRIC, pending_since=rule.pending_since)
    observed = reading.observed
    if observed is None:
        if rule.no_data_policy is NoDataPolicy.KEEP:
            return Decision(Status.NO_DATA, Reason.NO_DATA_KEPT, pending_since=rule.pending_since)
        if rule.no_data_policy is NoDataPolicy.OK:
            return _calm(rule, Status.NO_DATA, Reason.NO_DATA_IS_OK, CloseReason.NO_DATA)
    elif not _COMPARE[rule.operator](float(observed), float(rule.threshold)):
        return _calm(rule, Status.OK, Reason.NOT_BREACHED, CloseReason.RECOVERED)
    return _breaching(rule, derive_severity(observed, rule.threshold, reading.baseline), now)


def _calm(rule: RuleSnapshot, status: Status, reason: Reason, close_reason: CloseReason) -> Decision:
    """Close the open incident; say so to those whom it was fired to."""
    incident = rule.incident
    if incident is None:
        return Decision(status, reason)
    if incident.number and rule.notify_resolved:
        return Decision(status, Reason.RESOLVED, closes=close_reason, resolves=True, number=incident.number + 1)
    return Decision(status, Reason.CLOSED_QUIETLY, closes=close_reason)


def _breaching(rule: RuleSnapshot, severity: Severity, now: datetime) -> Decision:
    """Open the incident when the breach has lasted, then fire unless something holds it back."""
    # A wait that seems to begin in the future began under a clock that was ahead.
    since = min(rule.pending_since or now, now)
    if rule.incident is None:
        lasts_until = since + timedelta(minutes=rule.pending_minutes)
        if now < lasts_until:
            return Decision(Status.PENDING, Reason.PENDING, severity, pending_since=since, until=lasts_until)
    opens = rule.incident is None
    if held := _held_back(rule, now):
        status, reason, until = held
        return Decision(status, reason, severity, opens=opens, pending_since=since, until=until)
    number = (rule.incident.number if rule.incident else 0) + 1
    return Decision(
        Status.FIRED, Reason.FIRED, severity, opens=opens, fires=True, number=number, pending_since=since
    )  # fmt: skip


def _held_back(rule: RuleSnapshot, now: datetime) -> Held | None:
    """Return why a breaching rule stays silent now, or None when it may fire."""
    return _held_by_person(rule, now) or _held_by_message(rule, now)


def _held_by_person(rule: RuleSnapshot, now: datetime) -> Held | None:
    if rule.muted_until is not None and now < rule.muted_until:
        return Status.MUTED, Reason.MUTED, rule.muted_until
    if rule.incident is not None and rule.incident.is_acknowledged:
        return Status.MUTED, Reason.ACKNOWLEDGED, None
    return None


def _held_by_message(rule: RuleSnapshot, now: datetime) -> Held | None:
    if rule.last_outcome is Outcome.IN_FLIGHT:
        return Status.COOLDOWN, Reason.IN_FLIGHT, None
    cooldown_ends, floor_ends = _cooldown_ends(rule), _floor_ends(rule)
    if cooldown_ends is not None and now < cooldown_ends:
        return Status.COOLDOWN, Reason.COOLDOWN, cooldown_ends
    if floor_ends is not None and now < floor_ends:
        if rule.last_outcome is Outcome.FAILED:
            return Status.DELIVERY_FAILED, Reason.RETRY_SOON, floor_ends
        return Status.COOLDOWN, Reason.JUST_FIRED, floor_ends
    return None


def _cooldown_ends(rule: RuleSnapshot) -> datetime | None:
    return rule.last_fired_at and rule.last_fired_at + timedelta(minutes=rule.cooldown_minutes)


def _floor_ends(rule: RuleSnapshot) -> datetime | None:
    return rule.last_transition_at and rule.last_transition_at + FLOOR


def next_possible_at(rule: RuleSnapshot, now: datetime) -> datetime | None:
    """Return the first instant at which a breach could fire: `now` when at once, None while only a person can free it.

    None stands for an acknowledged incident and for a firing that is still on its way.
    """
    is_taken = rule.incident is not None and rule.incident.is_acknowledged
    if is_taken or rule.last_outcome is Outcome.IN_FLIGHT:
        return None
    ends = (rule.muted_until, _cooldown_ends(rule), _floor_ends(rule))
    return max([now, *(at for at in ends if at is not None)])


def advance(rule: RuleSnapshot, decision: Decision, now: datetime, *, has_destinations: bool) -> RuleSnapshot:
    """Return the rule's snapshot after the decision; production writes it, backtests carry it on.

    A firing with destinations is on its way until `settle` says how it ended; one without has told all there are.
    """
    incident = rule.incident
    if decision.closes:
        incident = None
    elif decision.opens:
        incident = OpenIncident(number=decision.number)
    elif decision.fires and incident is not None:
        incident = incident._replace(number=decision.number)
    after = rule._replace(status=decision.status, pending_since=decision.pending_since, incident=incident)
    if not decision.fires:
        return after
    if has_destinations:
        return after._replace(last_transition_at=now, last_outcome=Outcome.IN_FLIGHT)
    return after._replace(last_transition_at=now, last_outcome=Outcome.TOLD, last_fired_at=now)
