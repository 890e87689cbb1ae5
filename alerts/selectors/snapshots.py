"""Rules as a tick reads them: plain tuples, thousands at a time, locked in one statement."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Q

from alerts.decisions import NoDataPolicy, OpenIncident, Operator, Outcome, RuleSnapshot, Status
from alerts.models import AlertRule

# An evaluation time in the future was written under a clock that was ahead; it must not park the rule.
CLOCK_SKEW = timedelta(minutes=5)


# Looked up a thousand times per tick, where calling the enumeration takes four times as long.
_OPERATORS = {item.value: item for item in Operator}
_POLICIES = {item.value: item for item in NoDataPolicy}
_STATUSES = {item.value: item for item in Status}


class DueRule(NamedTuple):
    """What a reading needs to know of a rule."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    metric: str
    window_minutes: int


class LockedRule(NamedTuple):
    """A rule whose row this transaction holds."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    metric: str
    window_minutes: int
    provider_ids: list[uuid.UUID]
    open_incident_id: uuid.UUID | None
    snapshot: RuleSnapshot


class _Row(NamedTuple):
    """The columns of a rule that evaluating it takes, in the order in which they are read."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    metric: str
    window_minutes: int
    provider_ids: list[uuid.UUID]
    open_incident_id: uuid.UUID | None
    incident_number: int
    is_acknowledged: bool
    operator: str
    threshold: float
    cooldown_minutes: int
    pending_minutes: int
    no_data_policy: str
    notify_resolved: bool
    muted_until: datetime | None
    status: str
    pending_since: datetime | None
    last_fired_at: datetime | None
    last_transition_at: datetime | None
    last_outcome: str | None


# The order of the locks is that of the ids, so that two ticks cannot deadlock; what one of them holds the other skips.
_LOCK = f"""
SELECT {", ".join(_Row._fields)} FROM {AlertRule._meta.db_table}
WHERE id = ANY(%s::uuid[]) AND enabled
  AND (last_evaluated_at IS NULL OR last_evaluated_at < %s OR last_evaluated_at > %s)
ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - the names are constants


def _not_evaluated_at(now: datetime) -> Q:
    at = Q(last_evaluated_at=None) | Q(last_evaluated_at__lt=now) | Q(last_evaluated_at__gt=now + CLOCK_SKEW)
    return Q(enabled=True) & at


def due_rules(
    *, now: datetime, tenant_id: uuid.UUID | None, limit: int, excluded: Collection[uuid.UUID] = ()
) -> list[DueRule]:
    """Return enabled rules that this tick has not evaluated, those that waited longest first."""
    rules = AlertRule.objects.across_tenants() if tenant_id is None else AlertRule.objects.for_tenant(tenant_id)
    rules = rules.filter(_not_evaluated_at(now)).exclude(pk__in=list(excluded))
    oldest_first = rules.order_by(F("last_evaluated_at").asc(nulls_first=True), "id")
    rows = oldest_first.values_list("id", "tenant_id", "metric", "window_minutes")[:limit]
    return [DueRule(*row) for row in rows]


def count_due(*, now: datetime, tenant_id: uuid.UUID | None) -> int:
    """Count the enabled rules that this tick has not evaluated."""
    rules = AlertRule.objects.across_tenants() if tenant_id is None else AlertRule.objects.for_tenant(tenant_id)
    return rules.filter(_not_evaluated_at(now)).count()


def lock_rules(rule_ids: list[uuid.UUID], now: datetime) -> list[LockedRule]:
    """Lock the rules that are still to be evaluated and that nobody else holds; return them as they are now."""
    ids = "{" + ",".join(map(str, rule_ids)) + "}"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids, now, now + CLOCK_SKEW])
        rows = [_Row(*row) for row in cursor.fetchall()]
    return [LockedRule(*row[:7], snapshot=_snapshot(row)) for row in rows]


def _snapshot(row: _Row) -> RuleSnapshot:
    return RuleSnapshot(
        operator=_OPERATORS[row.operator], threshold=row.threshold, cooldown_minutes=row.cooldown_minutes,
        pending_minutes=row.pending_minutes, no_data_policy=_POLICIES[row.no_data_policy],
        notify_resolved=row.notify_resolved, muted_until=row.muted_until, status=_STATUSES[row.status],
        pending_since=row.pending_since,
        incident=OpenIncident(row.incident_number, row.is_acknowledged) if row.open_incident_id else None,
        last_fired_at=row.last_fired_at, last_transition_at=row.last_transition_at,
        last_outcome=Outcome(row.last_outcome) if row.last_outcome else None,
    )  # fmt: skip


def snapshot_of(rule: AlertRule) -> RuleSnapshot:
    """Return the snapshot of a rule that was read as a model."""
    return _snapshot(_Row(*(getattr(rule, column) for column in _Row._fields)))
