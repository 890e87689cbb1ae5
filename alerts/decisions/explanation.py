"""Say in words why an evaluation did, or did not, tell anyone."""

from datetime import UTC, datetime
from typing import NamedTuple

from alerts.decisions.vocabulary import Operator, Reason, Severity


class Explained(NamedTuple):
    """What an explanation needs of one evaluation; `until` ends the reason for silence, where that is known."""

    reason: Reason
    operator: Operator
    threshold: float
    observed: float | None
    severity: Severity | None = None
    until: datetime | None = None
    number: int = 0


_SIGNS = {Operator.GT: ">", Operator.LT: "<", Operator.GTE: "≥", Operator.LTE: "≤", Operator.EQ: "="}
_OPPOSITES = {Operator.GT: "≤", Operator.LT: "≥", Operator.GTE: "<", Operator.LTE: ">", Operator.EQ: "≠"}
_SENTENCES = {
    Reason.FIRED: "Fired (message {number}, {severity}): {breach}.",
    Reason.RESOLVED: "Resolved: {calm}; everyone who was told of the incident was told.",
    Reason.CLOSED_QUIETLY: "The incident ended: {calm}; nobody had been told of it, or resolve notices are off.",
    Reason.NOT_BREACHED: "Not breached: {calm}.",
    Reason.NO_DATA_IS_OK: "No data in the window; the rule takes that for well.",
    Reason.NO_DATA_KEPT: "No data in the window; the rule keeps the state it was in.",
    Reason.UNSUPPORTED_METRIC: "Not evaluated: nothing here measures this metric.",
    Reason.PENDING: "Breached ({breach}), but it has to last until {until} before anyone is told.",
    Reason.MUTED: "Breached ({breach}), but the rule is muted until {until}.",
    Reason.ACKNOWLEDGED: "Breached ({breach}), but somebody has acknowledged the incident.",
    Reason.IN_FLIGHT: "Breached ({breach}), but the last message is still on its way.",
    Reason.COOLDOWN: "Breached ({breach}), but in cooldown until {until}.",
    Reason.JUST_FIRED: "Breached ({breach}), but it fired seconds ago; the earliest repeat is {until}.",
    Reason.RETRY_SOON: "Breached ({breach}); every destination failed, and it fires again after {until}.",
}
_HINTS = {
    Reason.UNSUPPORTED_METRIC: "Choose a metric of the catalogue.",
    Reason.RETRY_SOON: "Open the deliveries to see why each destination failed, and press Test on the destination.",
    Reason.MUTED: "Unmute the rule to be told again.",
    Reason.ACKNOWLEDGED: "The next incident tells again by itself.",
    Reason.IN_FLIGHT: "The worker, or the next tick, takes it further.",
}


def explain(evaluation: Explained) -> str:
    """Return one sentence that answers "why did it fire?" or "why did it not?"; times are UTC."""
    return _SENTENCES[evaluation.reason].format(
        number=evaluation.number,
        severity=evaluation.severity,
        breach=_comparison(evaluation, _SIGNS),
        calm=_comparison(evaluation, _OPPOSITES),
        until=f"{evaluation.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if evaluation.until else "further notice",
    )


def hint_for(reason: Reason) -> str:
    """Return what a person can do about it, or an empty string when there is nothing to do."""
    return _HINTS.get(reason, "")


def _comparison(evaluation: Explained, signs: dict[Operator, str]) -> str:
    if evaluation.observed is None:
        return "no data in the window"
    return f"{format_number(evaluation.observed)} {signs[evaluation.operator]} {format_number(evaluation.threshold)}"


def format_number(value: float) -> str:
    """Return a number as people write it: thousands separators, two decimals when large, no trailing zeros."""
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:.6g}"


def describe_condition(metric: str, operator: Operator, threshold: float, window_minutes: int) -> str:
    """Return a rule's condition in words: `ctr < 0.02 over 5 min`."""
    return f"{metric} {_SIGNS[operator]} {format_number(threshold)} over {window_minutes} min"
