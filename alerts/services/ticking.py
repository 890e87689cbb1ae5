"""One tick of alerting: settle, evaluate, deliver, settle. One tenant's or rule's failure never stops the others."""

import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from alerts.decisions import Severity, Status
from alerts.selectors.deliveries import DeliveryLine, deliveries_of_tick
from alerts.selectors.readings import read_rules
from alerts.selectors.snapshots import DueRule, count_due, due_rules
from alerts.services.evaluated import Evaluated
from alerts.services.evaluating import evaluate_rules
from alerts.services.purging import purge_evaluations
from alerts.services.settling import settle_isolated
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.services import deliver_due

logger = logging.getLogger(__name__)

BATCH_SIZE = 5000
# A tenant that fails as a whole is given up for this tick instead of being tried rule by rule.
MAX_FAILURES_PER_TENANT = 20
# A worker may have claimed a message of this tick first; how long the answer waits to say how that one ended.
PATIENCE_STEP_SECONDS = 0.1
PATIENCE_STEPS = 30


@dataclass(frozen=True, slots=True)
class TickEntry:
    """A rule that is not simply well."""

    tenant_id: uuid.UUID
    rule_id: uuid.UUID
    name: str
    status: Status
    observed: float | None
    threshold: float
    severity: Severity | None
    deliveries: Sequence[DeliveryLine] = ()


@dataclass(frozen=True, slots=True)
class TickError:
    """What failed; `tenant_id` is None where it was not one tenant's."""

    tenant_id: uuid.UUID | None
    error: str


@dataclass(slots=True)
class AlertTick:
    """What one tick did; `remaining` counts rules not evaluated and deliveries not sent within the budget."""

    evaluated: int = 0
    fired: int = 0
    in_cooldown: int = 0
    entries: list[TickEntry] = field(default_factory=list)
    errors: list[TickError] = field(default_factory=list)
    remaining: int = 0


def run_tick(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None, wait: Callable[[float], None] = time.sleep
) -> AlertTick:
    """Evaluate every enabled rule once, send what fired, and say what happened.

    Past the budget nothing new is started: what is left is counted in `remaining` and is the worker's, or the next
    tick's. Two ticks at once share the rules between them; a delivery is made once whoever opened it.
    """
    tick = AlertTick()
    _settle(tick, now, tenant_id)
    evaluated = _evaluate_all(tick, now, budget, tenant_id)
    told = [item.rule.id for item in evaluated if item.decision.fires or item.decision.resolves]
    tick.remaining += deliver_due(now=now, budget=budget, tenant_id=tenant_id).remaining
    _await_others(told, now, budget, wait)
    _settle(tick, now, tenant_id)
    _report(tick, evaluated, deliveries_of_tick(told, now))
    purge_evaluations(now=now)
    return tick


def _await_others(told: Sequence[uuid.UUID], now: datetime, budget: Budget, wait: Callable[[float], None]) -> None:
    """Wait a little for messages of this tick that a worker took first, so that the answer can say how they ended."""
    for _ in range(PATIENCE_STEPS):
        lines = [line for group in deliveries_of_tick(told, now).values() for line in group]
        if budget.is_spent or not any(line.state is State.SENDING for line in lines):
            return
        wait(PATIENCE_STEP_SECONDS)


def _settle(tick: AlertTick, now: datetime, tenant_id: uuid.UUID | None) -> None:
    for each, error in settle_isolated(now=now, tenant_id=tenant_id):
        tick.errors.append(TickError(each, in_one_line(error)))


def _evaluate_all(tick: AlertTick, now: datetime, budget: Budget, tenant_id: uuid.UUID | None) -> list[Evaluated]:
    done: list[Evaluated] = []
    given_up: set[uuid.UUID] = set()
    while not budget.is_spent:
        due = due_rules(now=now, tenant_id=tenant_id, limit=BATCH_SIZE, excluded=given_up)
        if not due:
            return done
        evaluated = _evaluate_isolated(due, tick, now, budget)
        done += evaluated
        # Failed, held by another tick, or changed under our hands: not this tick's any more.
        given_up |= {rule.id for rule in due} - {item.rule.id for item in evaluated}
        if len(due) < BATCH_SIZE:
            return done
    tick.remaining += count_due(now=now, tenant_id=tenant_id)
    return done


def _evaluate_isolated(due: Sequence[DueRule], tick: AlertTick, now: datetime, budget: Budget) -> list[Evaluated]:
    """Evaluate all at once; where that fails, halve by tenant and then by rule until the failure stands alone.

    Halves wait at the end of the queue, so that whoever is well is evaluated before a failure is narrowed further.
    """
    queue = deque([list(due)])
    failures: Counter[uuid.UUID] = Counter()
    done: list[Evaluated] = []
    while queue:
        group = queue.popleft()
        tenants = sorted({rule.tenant_id for rule in group})
        if budget.is_spent:
            tick.remaining += len(group)
            continue
        try:
            done += evaluate_rules(rules=group, readings=read_rules(group, now), now=now)
        except Exception as error:  # noqa: BLE001 - one tenant's failure, whatever it is, is that tenant's alone
            _require_database()
            halves = _halve(group, tenants)
            if len(tenants) == 1:
                failures[tenants[0]] += 1
            if len(tenants) > 1 or (halves and failures[tenants[0]] < MAX_FAILURES_PER_TENANT):
                queue.extend(halves)
            else:
                _record_failure(tick, group, error)
    return done


def _halve(group: list[DueRule], tenants: Sequence[uuid.UUID]) -> list[list[DueRule]]:
    if len(tenants) > 1:
        first = set(tenants[: len(tenants) // 2])
        return [[rule for rule in group if (rule.tenant_id in first) is side] for side in (True, False)]
    middle = len(group) // 2
    return [group[:middle], group[middle:]] if middle else []


def _require_database() -> None:
    """Stop narrowing when it is the database itself that is gone: re-raises the failure that is being handled."""
    if not connection.is_usable():
        raise  # noqa: PLE0704 - called while an exception is being handled


def _record_failure(tick: AlertTick, group: Sequence[DueRule], error: Exception) -> None:
    tenant_id = group[0].tenant_id
    rules = ", ".join(str(rule.id) for rule in group[:5]) + (f" and {len(group) - 5} more" if len(group) > 5 else "")
    logger.error(
        "alert rules could not be evaluated",
        exc_info=error,
        extra={"event": "alerts.evaluation_failed", "tenantId": str(tenant_id), "rules": len(group)},
    )
    tick.errors.append(TickError(tenant_id, f"{in_one_line(error)} (rules {rules})"))


def in_one_line(error: Exception) -> str:
    """Return an error's kind and the first line of its text."""
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:300]}"


def _report(
    tick: AlertTick, evaluated: Sequence[Evaluated], deliveries: Mapping[uuid.UUID, Sequence[DeliveryLine]]
) -> None:
    """Fill in the counters and the entries, with what became of the messages of this tick."""
    tick.evaluated = len(evaluated)
    for item in evaluated:
        lines = deliveries.get(item.rule.id, ())
        status = _status(item, lines)
        tick.fired += status is Status.FIRED
        tick.in_cooldown += status is Status.COOLDOWN
        if status is not Status.OK:
            tick.entries.append(
                TickEntry(
                    item.rule.tenant_id, item.rule.id, item.rule.name, status, item.reading.observed,
                    item.rule.snapshot.threshold, item.decision.severity, lines,
                )
            )  # fmt: skip


def _status(item: Evaluated, lines: Sequence[DeliveryLine]) -> Status:
    if item.decision.fires and lines and all(line.is_failed for line in lines):
        return Status.DELIVERY_FAILED
    return item.decision.tick_status
