"""Try a rule: what it would do now, and what it would have done, with the production decisions; nothing is sent."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.decisions import (
    Decision,
    Explained,
    NoDataPolicy,
    Operator,
    Reading,
    RuleSnapshot,
    SimulationStep,
    cadence_minutes,
    decide,
    explain,
    simulate,
)
from alerts.models import AlertRule
from alerts.selectors.readings import read_rules
from alerts.selectors.snapshots import DueRule, snapshot_of
from interactions.selectors import find_metric, read_series
from kaireon.platform.notifications.selectors import list_destinations

MAX_EVALUATIONS = 12_000
MAX_LINES = 1000


class Destination(NamedTuple):
    """A destination that a rule names; kind and name are empty where it has been deleted."""

    provider_id: uuid.UUID
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rule would do if a tick ran now."""

    reading: Reading
    decision: Decision
    threshold: float
    reason: str
    would_notify: list[Destination]


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule that need not be saved: what a backtest plays."""

    tenant_id: uuid.UUID
    metric: str
    window_minutes: int
    snapshot: RuleSnapshot
    provider_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """An evaluation of the past that differs from the one before, in words."""

    step: SimulationStep
    text: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the rule would have done. `messages` counts per destination, firings and resolve notices together.

    `points` are the values it would have seen, oldest first.
    """

    start: datetime
    end: datetime
    step_minutes: int
    evaluations: int
    breaches: int
    fires: int
    resolves: int
    messages: list[tuple[Destination, int]]
    lines: list[BacktestLine]
    is_truncated: bool
    points: list[tuple[datetime, float | None]]


def try_rule(rule: AlertRule, now: datetime) -> Trial:
    """Evaluate a rule now, from its present state, and send nothing."""
    reading = read_rules([DueRule(rule.pk, rule.tenant_id, rule.metric, rule.window_minutes)], now)[rule.pk]
    snapshot = snapshot_of(rule)
    decision = decide(snapshot, reading, now)
    told = _destinations(rule.tenant_id, rule.provider_ids) if decision.fires else []
    return Trial(reading, decision, rule.threshold, _explain(snapshot, reading, decision), told)


def draft_of(rule: AlertRule) -> RuleDraft:
    """Return a saved rule as a draft."""
    return RuleDraft(rule.tenant_id, rule.metric, rule.window_minutes, snapshot_of(rule), rule.provider_ids)


def backtest_rule(rule: AlertRule, *, days: int, now: datetime) -> Backtest:
    """Play a saved rule over the last days; see `backtest_draft`."""
    return backtest_draft(draft_of(rule), days=days, now=now)


def backtest_draft(draft: RuleDraft, *, days: int, now: datetime) -> Backtest:
    """Play a rule over the last days at the cadence recommended for its window.

    Over a long span the cadence is widened so that at most MAX_EVALUATIONS are played. The rule starts without
    history and every message arrives at once. Raises TooMuchHistory for more data than one answer may read.
    """
    minutes = days * 24 * 60
    cadence = cadence_minutes(draft.window_minutes)
    step = cadence * -(-minutes // (cadence * MAX_EVALUATIONS))
    end = now.replace(second=0, microsecond=0)
    count = minutes // step
    instants = [end - timedelta(minutes=step * back) for back in reversed(range(count))]
    readings = list(_readings(draft, instants))
    played = simulate(draft.snapshot, readings)
    lines = [
        BacktestLine(each, _explain(draft.snapshot, each.reading, each.decision)) for each in played.steps[-MAX_LINES:]
    ]
    sent = played.fires + played.resolves
    return Backtest(
        start=instants[0], end=end, step_minutes=step, evaluations=played.evaluations, breaches=played.breaches,
        fires=played.fires, resolves=played.resolves, lines=lines, is_truncated=len(played.steps) > MAX_LINES,
        messages=[(each, sent) for each in _destinations(draft.tenant_id, draft.provider_ids)],
        points=[(at, reading.observed) for at, reading in readings],
    )  # fmt: skip


def _readings(draft: RuleDraft, instants: Sequence[datetime]) -> Iterator[tuple[datetime, Reading]]:
    if find_metric(draft.metric) is None:
        yield from ((at, Reading(None, None, is_supported=False)) for at in instants)
        return
    width = timedelta(minutes=draft.window_minutes)
    # The baseline decides nothing but the severity at a threshold of 0: elsewhere it need not be read.
    needs_baseline = draft.snapshot.threshold == 0
    wanted = [*instants, *(at - width for at in instants)] if needs_baseline else instants
    values = read_series(tenant_id=draft.tenant_id, metric=draft.metric, width=width, instants=wanted)
    for at in instants:
        yield at, Reading(values[at], values[at - width] if needs_baseline else None)


def _explain(rule: RuleSnapshot, reading: Reading, decision: Decision) -> str:
    return explain(
        Explained(
            decision.reason, rule.operator, rule.threshold, reading.observed, decision.severity, decision.until,
            decision.number,
        )
    )  # fmt: skip


def _destinations(tenant_id: uuid.UUID, provider_ids: Sequence[uuid.UUID]) -> list[Destination]:
    if not provider_ids:
        return []
    known = {row.destination.pk: row.destination for row in list_destinations(tenant_id)}
    return [
        Destination(each, known[each].kind, known[each].name) if each in known else Destination(each, "", "")
        for each in provider_ids
    ]


def make_draft(
    *, tenant_id: uuid.UUID, metric: str, operator: Operator, threshold: float, window_minutes: int,
    cooldown_minutes: int, pending_minutes: int, no_data_policy: NoDataPolicy, notify_resolved: bool,
    provider_ids: Sequence[uuid.UUID] = (),
) -> RuleDraft:  # fmt: skip
    """Return a draft of the settings that a form holds."""
    snapshot = RuleSnapshot(
        operator=operator, threshold=threshold, cooldown_minutes=cooldown_minutes, pending_minutes=pending_minutes,
        no_data_policy=no_data_policy, notify_resolved=notify_resolved,
    )  # fmt: skip
    return RuleDraft(tenant_id, metric, window_minutes, snapshot, provider_ids)
