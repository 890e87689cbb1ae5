"""Wire shapes of alerting; the only place where its names are camelCase."""

from alerts.serializers.evaluations import (
    BacktestInput,
    BacktestShape,
    EmptyInput,
    TimelineLineShape,
    TrialShape,
    backtest_json,
    delivery_json,
    timeline_json,
    trial_json,
)
from alerts.serializers.rules import (
    AlertRuleInput,
    AlertRuleShape,
    IncidentShape,
    MuteInput,
    incident_json,
    rule_json,
)

__all__ = [
    "AlertRuleInput",
    "AlertRuleShape",
    "BacktestInput",
    "BacktestShape",
    "EmptyInput",
    "IncidentShape",
    "MuteInput",
    "TimelineLineShape",
    "TrialShape",
    "backtest_json",
    "delivery_json",
    "incident_json",
    "rule_json",
    "timeline_json",
    "trial_json",
]
