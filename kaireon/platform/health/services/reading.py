"""What people do with alerts: read, pin, resolve, delete; and what time does: purge."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from kaireon.platform.audit.services import record
from kaireon.platform.errors import Forbidden
from kaireon.platform.health.decisions import Severity
from kaireon.platform.health.models import ReadReceipt, SystemHealthAlert
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant

ENTITY_TYPE: Final = "system_health_alert"
KEEP: Final = timedelta(days=90)
PURGE_BATCH: Final = 5000
NOBODY: Final = "An API key reads for nobody: read receipts belong to people."

_READ_ALL: Final = """
INSERT INTO health_readreceipt (id, alert_id, user_id, read_at)
SELECT gen_random_uuid(), alert.id, %(user)s, %(now)s FROM health_systemhealthalert AS alert
WHERE alert.tenant_id = %(tenant)s AND (alert.user_id IS NULL OR alert.user_id = %(user)s)
  AND NOT EXISTS (SELECT 1 FROM health_readreceipt AS seen WHERE seen.alert_id = alert.id AND seen.user_id = %(user)s)
ON CONFLICT (alert_id, user_id) DO NOTHING"""


@transaction.atomic(durable=True)
def mark_read(*, alert: SystemHealthAlert, actor: Actor, now: datetime) -> None:
    """Note that a person has read an alert; again changes nothing. Raises Forbidden for an API key."""
    if actor.user_id is None:
        raise Forbidden(NOBODY)
    receipt = ReadReceipt(alert=alert, user_id=actor.user_id, read_at=now)
    ReadReceipt.objects.bulk_create([receipt], ignore_conflicts=True)


@transaction.atomic(durable=True)
def mark_all_read(*, tenant: Tenant, actor: Actor, now: datetime) -> int:
    """Note that a person has read all they can see; return how many were unread. Raises Forbidden for an API key."""
    if actor.user_id is None:
        raise Forbidden(NOBODY)
    with connection.cursor() as cursor:
        cursor.execute(_READ_ALL, {"tenant": tenant.pk, "user": actor.user_id, "now": now})
        return int(cursor.rowcount)


@transaction.atomic(durable=True)
def pin_alert(*, alert: SystemHealthAlert, is_pinned: bool, actor: Actor, now: datetime) -> None:
    """Pin or unpin an alert: a pinned one stands on top and is never purged."""
    changed = _rows(alert).exclude(pinned=is_pinned).update(pinned=is_pinned)
    if changed:
        _record(alert, "pin" if is_pinned else "unpin", actor, now)


@transaction.atomic(durable=True)
def resolve_alert(*, alert: SystemHealthAlert, actor: Actor, now: datetime) -> None:
    """Mark an alert as dealt with; if the problem is raised again, it opens anew. Again changes nothing."""
    changed = _rows(alert).filter(resolved_at=None).update(resolved_at=now, resolved_by=actor.name)
    if changed:
        _record(alert, "resolve", actor, now)


@transaction.atomic(durable=True)
def delete_alert(*, alert: SystemHealthAlert, actor: Actor, now: datetime) -> None:
    """Delete an alert for everybody who saw it; the audit log keeps what it said."""
    _rows(alert).delete()
    kept = {"severity": alert.severity, "source": alert.source, "title": alert.title, "message": alert.message}
    _record(alert, "delete", actor, now, before=kept)


@transaction.atomic(durable=True)
def purge_alerts(*, now: datetime, keep: timedelta = KEEP, limit: int = PURGE_BATCH) -> int:
    """Delete at most `limit` alerts older than `keep`, the oldest first; critical, pinned and open errors stay."""
    old = SystemHealthAlert.objects.across_tenants().filter(created_at__lt=now - keep, pinned=False)
    old = old.exclude(severity=Severity.CRITICAL).exclude(severity=Severity.ERROR, resolved_at=None)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:limit])
    SystemHealthAlert.objects.across_tenants().filter(pk__in=ids).delete()
    return len(ids)


def _rows(alert: SystemHealthAlert) -> Any:
    return SystemHealthAlert.objects.for_tenant(alert.tenant_id).filter(pk=alert.pk)


def _record(
    alert: SystemHealthAlert, action: str, actor: Actor, now: datetime, before: dict[str, Any] | None = None
) -> None:
    record(
        tenant_id=alert.tenant_id, actor=actor, action=action, entity_type=ENTITY_TYPE, entity_id=str(alert.pk),
        entity_name=alert.title, before=before, now=now,
    )  # fmt: skip
