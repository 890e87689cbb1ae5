"""Settle transitions: what became of their deliveries decides `lastFiredAt`, the status and what may fire next.

Runs before and after a tick's own work, so that whatever the worker delivered, or a tick that was killed left behind,
is known before the next decision.
"""

import logging
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from alerts.decisions import Outcome, Settlement, TransitionKind, settle
from alerts.models import AlertRule, Transition
from kaireon.platform.notifications.selectors import delivery_standings

logger = logging.getLogger(__name__)

SETTLE_LIMIT = 10_000
LOCK_TIMEOUT = "2s"

_TRANSITIONS = f"""
UPDATE {Transition._meta.db_table} AS t SET outcome = n.outcome, settled_at = %s
FROM unnest(%s::uuid[], %s::text[]) AS n (id, outcome) WHERE t.id = n.id AND t.settled_at IS NULL
"""  # noqa: S608 - the table's name is a constant
# Only what the rule's latest firing says counts for its state; a later evaluation may have closed the incident.
_RULES = f"""
UPDATE {AlertRule._meta.db_table} AS t SET
    last_fired_at = CASE WHEN n.is_told THEN greatest(t.last_fired_at, n.at) ELSE t.last_fired_at END,
    last_outcome = CASE WHEN t.last_transition_at = n.at THEN n.outcome ELSE t.last_outcome END,
    status = CASE
        WHEN t.last_transition_at <> n.at OR t.status NOT IN ('fired', 'cooldown', 'delivery_failed') THEN t.status
        WHEN n.outcome = 'failed' THEN 'delivery_failed'
        WHEN t.status = 'delivery_failed' THEN 'fired'
        ELSE t.status END
FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::bool[]) AS n (id, at, outcome, is_told) WHERE t.id = n.id
"""  # noqa: S608 - the table's name is a constant


def settle_isolated(*, now: datetime, tenant_id: uuid.UUID | None = None) -> list[tuple[uuid.UUID, Exception]]:
    """Settle everybody's transitions at once, or tenant by tenant where that fails; return who failed, and how."""
    try:
        settle_transitions(now=now, tenant_id=tenant_id)
    except Exception:
        if not connection.is_usable():
            raise
        logger.warning("settling tenant by tenant", exc_info=True, extra={"event": "alerts.settling_apart"})
    else:
        return []
    rows = Transition.objects.across_tenants() if tenant_id is None else Transition.objects.for_tenant(tenant_id)
    failed: list[tuple[uuid.UUID, Exception]] = []
    for each in rows.filter(settled_at=None).order_by("tenant_id").values_list("tenant_id", flat=True).distinct():
        try:
            settle_transitions(now=now, tenant_id=each)
        except Exception as error:
            logger.exception(
                "alert transitions could not be settled",
                extra={"event": "alerts.settling_failed", "tenantId": str(each)},
            )
            failed.append((each, error))
    return failed


class _Unsettled(NamedTuple):
    id: uuid.UUID
    rule_id: uuid.UUID
    kind: str
    at: datetime
    delivery_ids: list[uuid.UUID]


@transaction.atomic(durable=True)
def settle_transitions(*, now: datetime, tenant_id: uuid.UUID | None = None) -> int:
    """Write how transitions ended whose deliveries have; return how many were settled.

    `lastFiredAt` moves as soon as one destination has been told, the rest when all have ended. It takes the time of
    the firing, not of the answer, so that a slow destination does not stretch the cooldown.
    """
    rows = Transition.objects.across_tenants() if tenant_id is None else Transition.objects.for_tenant(tenant_id)
    columns = rows.filter(settled_at=None).order_by("at").values_list("id", "rule_id", "kind", "at", "delivery_ids")
    unsettled = [_Unsettled(*row) for row in columns[:SETTLE_LIMIT]]
    if not unsettled:
        return 0
    _lock_rules({row.rule_id for row in unsettled})
    standings = delivery_standings([delivery_id for row in unsettled for delivery_id in row.delivery_ids])
    settled = [
        (row, settle([standings[each].state for each in row.delivery_ids if each in standings])) for row in unsettled
    ]
    ended = [(row, result) for row, result in settled if result.outcome is not Outcome.IN_FLIGHT]
    _execute(_TRANSITIONS, [now], [(row.id, result.outcome) for row, result in ended])
    _execute(_RULES, [], _firings(settled))
    return len(ended)


def _lock_rules(rule_ids: Collection[uuid.UUID]) -> None:
    """Lock the rules, in the order in which everybody does, before their transitions: as deleting a rule does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute(
            f"SELECT id FROM {AlertRule._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR UPDATE",  # noqa: S608
            [list(rule_ids)],
        )


def _firings(settled: Sequence[tuple[_Unsettled, Settlement]]) -> list[tuple[uuid.UUID, datetime, str, bool]]:
    return [
        (row.rule_id, row.at, result.outcome, result.is_told)
        for row, result in settled
        if row.kind == TransitionKind.FIRED and (result.is_told or result.outcome is not Outcome.IN_FLIGHT)
    ]


def _execute(statement: str, parameters: list[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, *(list(column) for column in zip(*rows, strict=True))])
