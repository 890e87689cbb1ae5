"""What is said when a rule fires or resolves: words first, then the facts a machine needs."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from alerts.decisions.explanation import describe_condition, format_number
from alerts.decisions.vocabulary import Operator, Severity, TransitionKind
from kaireon.platform.notifications.decisions import Message


class Told(NamedTuple):
    """A transition as a message tells it."""

    kind: TransitionKind
    number: int
    rule_id: uuid.UUID
    incident_id: uuid.UUID
    name: str
    metric: str
    operator: Operator
    threshold: float
    window_minutes: int
    observed: float | None
    baseline: float | None
    severity: Severity | None
    at: datetime


def compose(told: Told, public_url: str) -> Message:
    """Return the message of a transition, with a link to the rule's page.

    Every number in it is one of the evaluation; nothing is computed anew for the text.
    """
    is_fired = told.kind is TransitionKind.FIRED
    severity = (told.severity or Severity.INFO) if is_fired else Severity.INFO
    label = severity.upper() if is_fired else "RESOLVED"
    condition = describe_condition(told.metric, told.operator, told.threshold, told.window_minutes)
    observed = "no data" if told.observed is None else format_number(told.observed)
    baseline = "no data" if told.baseline is None else format_number(told.baseline)
    verb = "breaches" if is_fired else "no longer breaches"
    return Message(
        event_type=f"alert.{told.kind}",
        subject=f"[{label}] {told.name}: {told.metric} {observed}",
        message=(
            f"{told.metric} is {observed}, which {verb} the rule “{told.name}” ({condition}). "
            f"The {told.window_minutes} minutes before: {baseline}."
        ),
        timestamp=told.at,
        severity=severity,
        link=f"{public_url}/settings/alerts/{told.rule_id}",
        data=_data(told),
    )


def _data(told: Told) -> dict[str, Any]:
    return {
        "ruleId": str(told.rule_id),
        "incidentId": str(told.incident_id),
        "number": told.number,
        "name": told.name,
        "metric": told.metric,
        "operator": told.operator.value,
        "threshold": told.threshold,
        "windowMinutes": told.window_minutes,
        "observed": told.observed,
        "baseline": told.baseline,
    }


def dedupe_key(incident_id: uuid.UUID, number: int, kind: TransitionKind, provider_id: uuid.UUID) -> str:
    """Return the unique key of a delivery: one per incident, transition and destination, whatever happens."""
    return f"alert:{incident_id}:{number}:{kind}:{provider_id}"
