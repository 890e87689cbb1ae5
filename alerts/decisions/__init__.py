"""Pure rules of alerting: no Django, no database, no clock; every answer is a function of its arguments."""

from alerts.decisions.evaluation import Decision, OpenIncident, Reading, RuleSnapshot, advance, decide, next_possible_at
from alerts.decisions.explanation import Explained, describe_condition, explain, format_number, hint_for
from alerts.decisions.messages import Told, compose, dedupe_key
from alerts.decisions.settlement import Settlement, settle
from alerts.decisions.severity import derive_severity
from alerts.decisions.simulation import Simulation, SimulationStep, cadence_minutes, simulate
from alerts.decisions.vocabulary import (
    FLOOR,
    CloseReason,
    NoDataPolicy,
    Operator,
    Outcome,
    Reason,
    Severity,
    Status,
    TransitionKind,
)

__all__ = [
    "FLOOR",
    "CloseReason",
    "Decision",
    "Explained",
    "NoDataPolicy",
    "OpenIncident",
    "Operator",
    "Outcome",
    "Reading",
    "Reason",
    "RuleSnapshot",
    "Settlement",
    "Severity",
    "Simulation",
    "SimulationStep",
    "Status",
    "Told",
    "TransitionKind",
    "advance",
    "cadence_minutes",
    "compose",
    "decide",
    "dedupe_key",
    "derive_severity",
    "describe_condition",
    "explain",
    "format_number",
    "hint_for",
    "next_possible_at",
    "settle",
    "simulate",
]
