"""Raise and resolve alerts in bulk: one row per open problem, however often it is raised."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from kaireon.platform.audit.decisions import plain
from kaireon.platform.health.decisions import BY_RANK, HealthAlert, Severity, Source, is_worse
from kaireon.platform.health.models import ReadReceipt, SystemHealthAlert
from kaireon.platform.health.services.fan_out import News, tell_outside
from kaireon.platform.ids import new_id
from kaireon.platform.telemetry.decisions import redact, scrub_text

MAX_TITLE: Final = 255
MAX_MESSAGE: Final = 4000
Key = tuple[uuid.UUID, str]
# An alert's place in a batch: its tenant and key, or without a key its number.
Slot = tuple[uuid.UUID, str | int]
_COLUMNS: Final = (
    "id", "tenant_id", "user_id", "severity", "source", "title", "message", "link", "metadata", "dedupe_key",
    "occurrences",
)  # fmt: skip

# The arbiter is the partial unique index: while one is open the same key finds it, once it is resolved a new one opens.
_UPSERT: Final = """
INSERT INTO health_systemhealthalert (id, tenant_id, user_id, severity, source, title, message, link, metadata, pinned,
       dedupe_key, occurrences, last_raised_at, resolved_by, created_at)
SELECT new.id, new.tenant_id, new.user_id, new.severity, new.source, new.title, new.message, new.link,
       new.metadata::jsonb, false, new.dedupe_key, new.occurrences, %(now)s, '', %(now)s
FROM unnest(%(id)s::uuid[], %(tenant_id)s::uuid[], %(user_id)s::uuid[], %(severity)s::text[], %(source)s::text[],
            %(title)s::text[], %(message)s::text[], %(link)s::text[], %(metadata)s::text[], %(dedupe_key)s::text[],
            %(occurrences)s::int[])
     AS new (id, tenant_id, user_id, severity, source, title, message, link, metadata, dedupe_key, occurrences)
ON CONFLICT (tenant_id, dedupe_key) WHERE resolved_at IS NULL DO UPDATE SET
    occurrences = health_systemhealthalert.occurrences + excluded.occurrences,
    last_raised_at = excluded.last_raised_at, title = excluded.title, message = excluded.message,
    link = excluded.link, metadata = excluded.metadata,
    severity = CASE WHEN array_position(%(ranks)s::text[], excluded.severity)
                       > array_position(%(ranks)s::text[], health_systemhealthalert.severity)
                    THEN excluded.severity ELSE health_systemhealthalert.severity END
RETURNING id, tenant_id, dedupe_key"""

_RESOLVE: Final = """
UPDATE health_systemhealthalert AS alert SET resolved_at = %(now)s, resolved_by = %(by)s
FROM unnest(%(tenants)s::uuid[], %(keys)s::text[]) AS gone (tenant_id, dedupe_key)
WHERE alert.tenant_id = gone.tenant_id AND alert.dedupe_key = gone.dedupe_key AND alert.resolved_at IS NULL"""


def raise_alert(
    *,
    tenant_id: uuid.UUID,
    severity: Severity | str,
    source: Source | str,
    title: str,
    message: str = "",
    link: str = "",
    metadata: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
    user_id: uuid.UUID | None = None,
    fan_out: bool = True,
    not_through: Collection[uuid.UUID] = (),
    now: datetime,
) -> uuid.UUID:
    """Raise one alert and return its id; see `HealthAlert` and `raise_many`."""
    alert = HealthAlert(
        tenant_id=tenant_id, severity=Severity(severity), source=Source(source), title=title, message=message,
        link=link, metadata=metadata or {}, dedupe_key=dedupe_key, user_id=user_id, fan_out=fan_out,
        not_through=not_through,
    )  # fmt: skip
    return raise_many([alert], now=now)[0]


def raise_many(alerts: Sequence[HealthAlert], *, now: datetime) -> list[uuid.UUID]:
    """Raise the alerts in a few statements and return their ids, in the order given; joins the caller's transaction.

    Error and critical ones also become deliveries to the tenant's Slack, Teams and e-mail destinations, in the same
    transaction; a worker sends them. Raises ValueError for a link that leads out of this site.
    """
    slots = [_slot(alert, index) for index, alert in enumerate(alerts)]
    merged: dict[Slot, HealthAlert] = {}
    for slot, alert in zip(slots, alerts, strict=True):
        merged[slot] = _merge(merged.get(slot), alert)
    if not merged:
        return []
    # One order for everybody: two callers that raise the same keys wait for each other instead of deadlocking.
    ordered = {slot: merged[slot] for slot in sorted(merged, key=str)}
    with transaction.atomic():
        before = _open_severities(ordered)
        ids = _upsert(ordered, now)
        worsened = [slot for slot, was in before.items() if is_worse(ordered[slot].severity, was)]
        ReadReceipt.objects.filter(alert_id__in=[ids[slot] for slot in worsened]).delete()
        fresh = [slot for slot in ordered if slot not in before]
        tell_outside([News(ids[slot], ordered[slot]) for slot in fresh + worsened], now=now)
    return [ids[slot] for slot in slots]


def resolve(*, tenant_id: uuid.UUID, dedupe_key: str, now: datetime) -> int:
    """Resolve the open alert with this key; return 1, or 0 when there is none."""
    return resolve_many([(tenant_id, dedupe_key)], now=now)


def resolve_many(keys: Sequence[Key], *, now: datetime) -> int:
    """Resolve the open alerts with these (tenant, key) pairs in one statement; return how many there were."""
    if not keys:
        return 0
    tenants, names = zip(*sorted(set(keys), key=str), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, {"now": now, "by": "system", "tenants": list(tenants), "keys": list(names)})
        return int(cursor.rowcount)


def _slot(alert: HealthAlert, index: int) -> Slot:
    return (alert.tenant_id, alert.dedupe_key or index)


def _merge(earlier: HealthAlert | None, later: HealthAlert) -> HealthAlert:
    """Fold what one batch raises twice under one key: the later words, the worse severity, both counted."""
    if later.link and (not later.link.startswith("/") or later.link.startswith("//")):
        raise ValueError(f"a health alert links to a path of this site, not to {later.link[:80]!r}")
    if earlier is None:
        return later
    severity = earlier.severity if is_worse(earlier.severity, later.severity) else later.severity
    return replace(later, severity=severity, occurrences=earlier.occurrences + later.occurrences)


def _open_severities(ordered: Mapping[Slot, HealthAlert]) -> dict[Slot, Severity]:
    keys = [alert.dedupe_key for alert in ordered.values() if alert.dedupe_key]
    tenants = {alert.tenant_id for alert in ordered.values()}
    rows = SystemHealthAlert.objects.across_tenants().filter(
        tenant_id__in=tenants, dedupe_key__in=keys, resolved_at=None
    )  # fmt: skip
    found = rows.values_list("tenant_id", "dedupe_key", "severity") if keys else []
    return {(tenant, str(key)): Severity(was) for tenant, key, was in found if (tenant, str(key)) in ordered}


def _upsert(ordered: Mapping[Slot, HealthAlert], now: datetime) -> dict[Slot, uuid.UUID]:
    ids = {slot: new_id() for slot in ordered}
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for slot, alert in ordered.items():
        for name, value in zip(_COLUMNS, _values(ids[slot], alert), strict=True):
            columns[name].append(value)
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, {**columns, "now": now, "ranks": [severity.value for severity in BY_RANK]})
        for row_id, tenant_id, key in cursor.fetchall():
            if key is not None:
                ids[(tenant_id, key)] = row_id
    return ids


def _values(row_id: uuid.UUID, alert: HealthAlert) -> tuple[Any, ...]:
    # Second wall: a message that quotes a library's error may quote a URL, and a webhook's URL is its credential.
    return (
        row_id,
        alert.tenant_id,
        alert.user_id,
        Severity(alert.severity).value,
        Source(alert.source).value,
        _storable(alert.title)[:MAX_TITLE],
        _storable(alert.message)[:MAX_MESSAGE],
        alert.link,
        json.dumps(plain(redact(alert.metadata))),
        alert.dedupe_key,
        alert.occurrences,
    )


def _storable(text: str) -> str:
    return scrub_text(text).replace("\0", "\ufffd")
