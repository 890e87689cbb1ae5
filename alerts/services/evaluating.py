"""Evaluate many rules at once: read outside the transaction, then lock, decide and write in a short one.

The number of SQL statements does not depend on the number of rules. A rule whose condition changed between the
reading and the lock is left to the next tick; one that another tick holds is that tick's.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from alerts.decisions import Reading, advance, decide
from alerts.selectors.snapshots import DueRule, LockedRule, lock_rules
from alerts.services.evaluated import Evaluated
from alerts.services.ledger import write_ledger
from kaireon.platform.ids import new_id

LOCK_TIMEOUT = "2s"


@transaction.atomic(durable=True)
def evaluate_rules(*, rules: Sequence[DueRule], readings: dict[uuid.UUID, Reading], now: datetime) -> list[Evaluated]:
    """Decide for each rule that can be locked, and write what follows: state, incidents, ledger, timeline, audit.

    Messages are only rows when this commits; sending is `deliver_due`'s, after it.
    """
    with connection.cursor() as cursor:
        # One tenant's long transaction must not hold up the others; the tick then tries in smaller groups.
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
    by_id = {rule.id: rule for rule in rules}
    locked = [rule for rule in lock_rules(list(by_id), now) if _is_as_read(rule, by_id[rule.id])]
    evaluated = [_evaluate(rule, readings[rule.id], now) for rule in locked]
    write_ledger(evaluated, now)
    return evaluated


def _is_as_read(rule: LockedRule, read: DueRule) -> bool:
    return (rule.metric, rule.window_minutes) == (read.metric, read.window_minutes)


def _evaluate(rule: LockedRule, reading: Reading, now: datetime) -> Evaluated:
    decision = decide(rule.snapshot, reading, now)
    after = advance(rule.snapshot, decision, now, has_destinations=bool(rule.provider_ids))
    incident_id = new_id() if decision.opens else rule.open_incident_id
    return Evaluated(rule, reading, decision, after, incident_id)
