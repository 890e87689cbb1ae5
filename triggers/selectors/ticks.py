"""The history of ticks: who ticked last, how it went, who holds the lock."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Q

from kaireon.platform.tenancy.models import Tenant
from triggers.models import SchedulerTick

LOCK: Final = 0x666C6F77
_HELD: Final = """
SELECT activity.pid, activity.xact_start
FROM pg_locks AS locks JOIN pg_stat_activity AS activity ON activity.pid = locks.pid
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.classid = 0 AND locks.objid = %s AND locks.objsubid = 1
  AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class HeldLock(NamedTuple):
    """Who holds the scheduler's lock, and since when."""

    process: int
    since: datetime | None


def tick_interval() -> timedelta:
    """Return how often the in-process ticker ticks."""
    return timedelta(milliseconds=settings.FLOW_SCHEDULER_INTERVAL_MS)


def last_tick() -> SchedulerTick | None:
    """Return the newest tick of all tenants that got the lock; None when none is remembered."""
    rows = SchedulerTick.objects.filter(was_locked=False, tenant=None)
    return rows.order_by("-at", "-pk").first()


def recent_ticks(tenant: Tenant, *, since: datetime, limit: int) -> list[SchedulerTick]:
    """Return ticks of all tenants and of this one since a moment, newest first."""
    rows = SchedulerTick.objects.filter(Q(tenant=None) | Q(tenant=tenant), at__gte=since)
    return list(rows.order_by("-at", "-pk")[:limit])


def held_locks() -> list[HeldLock]:
    """Return who decides just now: the holder of the advisory lock, for milliseconds when all is well."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [LOCK])
        return [HeldLock(process, since) for process, since in cursor.fetchall()]
