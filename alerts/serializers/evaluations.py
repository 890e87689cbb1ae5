"""Wire shapes of evaluations: the test, the backtest and the timeline."""
# ruff: noqa: N815 - the wire's names

from typing import Any

from rest_framework import serializers

from alerts.models import REASONS, SEVERITIES, STATUSES
from alerts.selectors import Backtest, DeliveryLine, TimelineLine, Trial
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictFloatField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from kaireon.platform.notifications.decisions import State

MAX_BACKTEST_DAYS = 30
STATES = [(state.value, state.value) for state in State]


class BacktestInput(StrictSerializer):
    """The body of a backtest."""

    days = StrictIntegerField(required=False, default=7, min_value=1, max_value=MAX_BACKTEST_DAYS)


class EmptyInput(StrictSerializer):
    """A body without fields."""


class DestinationShape(StrictSerializer):
    """A destination; kind and name are empty where it has been deleted."""

    providerId = StrictUUIDField()
    kind = StrictCharField(allow_blank=True)
    name = StrictCharField(allow_blank=True)


class TrialShape(StrictSerializer):
    """What the rule would do if a tick ran now."""

    status = serializers.ChoiceField(choices=STATUSES)
    observed = StrictFloatField(allow_null=True)
    baseline = StrictFloatField(allow_null=True)
    threshold = StrictFloatField()
    severity = serializers.ChoiceField(choices=SEVERITIES, allow_null=True)
    wouldNotify = DestinationShape(many=True)
    reason = StrictCharField()


class MessageCountShape(DestinationShape):
    """How many messages a destination would have got."""

    messages = StrictIntegerField()


class BacktestLineShape(StrictSerializer):
    """An evaluation of the past that differs from the one before."""

    at = StrictDateTimeField()
    status = serializers.ChoiceField(choices=STATUSES)
    reason = serializers.ChoiceField(choices=REASONS)
    text = StrictCharField()
    observed = StrictFloatField(allow_null=True)
    severity = serializers.ChoiceField(choices=SEVERITIES, allow_null=True)


class BacktestShape(StrictSerializer):
    """What the rule would have done."""

    days = StrictIntegerField()
    start = StrictDateTimeField()
    end = StrictDateTimeField()
    stepMinutes = StrictIntegerField()
    evaluations = StrictIntegerField()
    breaches = StrictIntegerField()
    fires = StrictIntegerField()
    resolved = StrictIntegerField()
    messages = MessageCountShape(many=True)
    timeline = BacktestLineShape(many=True)
    truncated = StrictBooleanField()


class ToldDeliveryShape(StrictSerializer):
    """One destination of a message."""

    deliveryId = StrictUUIDField()
    providerId = StrictUUIDField()
    kind = StrictCharField(allow_blank=True)
    status = serializers.ChoiceField(choices=STATES)
    error = StrictCharField(allow_null=True)


class TimelineLineShape(BacktestLineShape):
    """One evaluation, in words, with what became of its messages."""

    id = StrictUUIDField()
    baseline = StrictFloatField(allow_null=True)
    threshold = StrictFloatField()
    until = StrictDateTimeField(allow_null=True)
    incidentId = StrictUUIDField(allow_null=True)
    deliveries = ToldDeliveryShape(many=True)


def trial_json(trial: Trial) -> dict[str, Any]:
    """Return a trial."""
    return {
        "status": trial.decision.status,
        "observed": trial.reading.observed,
        "baseline": trial.reading.baseline,
        "threshold": trial.threshold,
        "severity": trial.decision.severity,
        "wouldNotify": [
            {"providerId": str(each.provider_id), "kind": each.kind, "name": each.name} for each in trial.would_notify
        ],
        "reason": trial.reason,
    }


def backtest_json(backtest: Backtest, days: int) -> dict[str, Any]:
    """Return a backtest."""
    return {
        "days": days,
        "start": format_time(backtest.start),
        "end": format_time(backtest.end),
        "stepMinutes": backtest.step_minutes,
        "evaluations": backtest.evaluations,
        "breaches": backtest.breaches,
        "fires": backtest.fires,
        "resolved": backtest.resolves,
        "messages": [
            {"providerId": str(each.provider_id), "kind": each.kind, "name": each.name, "messages": count}
            for each, count in backtest.messages
        ],
        "timeline": [
            {
                "at": format_time(line.step.at),
                "status": line.step.decision.status,
                "reason": line.step.decision.reason,
                "text": line.text,
                "observed": line.step.reading.observed,
                "severity": line.step.decision.severity,
            }
            for line in backtest.lines
        ],
        "truncated": backtest.is_truncated,
    }


def delivery_json(line: DeliveryLine) -> dict[str, Any]:
    """Return one destination of a message; `error` is null when there is nothing to say."""
    return {
        "deliveryId": str(line.delivery_id),
        "providerId": str(line.provider_id),
        "kind": line.kind,
        "status": line.state,
        "error": line.error or None,
    }


def timeline_json(line: TimelineLine) -> dict[str, Any]:
    """Return one line of a timeline."""
    return {
        "id": str(line.id),
        "at": format_time(line.at),
        "status": line.status,
        "reason": line.reason,
        "text": line.text,
        "observed": line.observed,
        "baseline": line.baseline,
        "threshold": line.threshold,
        "severity": line.severity,
        "until": line.until and format_time(line.until),
        "incidentId": line.incident_id and str(line.incident_id),
        "deliveries": [delivery_json(each) for each in line.deliveries],
    }
