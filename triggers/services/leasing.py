"""Whose turn a folder is: claims under leases, what a look at it came to, and how long a failing one is left alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from kaireon.platform.health.services import raise_many, resolve_many
from triggers.models import WatchedFolder
from triggers.services.telling_folders import folder_alert, folder_alert_key

LEASE: Final = timedelta(seconds=30)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=10)
# So many failures in a row are told.
TOLD_AFTER: Final = 3
_WAITS: Final = """triggers_watchedfolder AS folder
    WHERE (%(tenant)s::uuid IS NULL OR folder.tenant_id = %(tenant)s::uuid)
      AND (folder.lease_until IS NULL OR folder.lease_until <= %(now)s OR folder.lease_until > %(beyond)s)
      AND (folder.next_look_at IS NULL OR folder.next_look_at <= %(now)s)
      AND (folder.looked_at IS NULL OR folder.looked_at <= %(before)s OR folder.looked_at > %(after)s)
      AND EXISTS (SELECT FROM triggers_filetrigger AS trigger
                  WHERE trigger.folder_id = folder.id AND trigger.state = 'active')"""
_CLAIM: Final = f"""
WITH first AS (
    SELECT folder.id FROM {_WAITS}
    ORDER BY folder.looked_at NULLS FIRST, folder.id LIMIT %(most)s FOR UPDATE OF folder SKIP LOCKED
)
UPDATE triggers_watchedfolder AS folder SET lease_token = %(token)s, lease_until = %(lease)s
FROM first WHERE folder.id = first.id RETURNING folder.*"""  # noqa: S608 - constants
_COUNT: Final = f"SELECT count(*) FROM {_WAITS}"  # noqa: S608 - constants
_NOTE: Final = """
UPDATE triggers_watchedfolder AS folder
SET lease_token = NULL, lease_until = NULL, looked_at = coalesce(new.looked_at, folder.looked_at),
    next_look_at = new.next_look_at, failures = new.failures, error = new.error,
    files_seen = coalesce(new.files_seen, folder.files_seen), took_ms = coalesce(new.took_ms, folder.took_ms)
FROM unnest(%(id)s::uuid[], %(token)s::uuid[], %(looked_at)s::timestamptz[], %(next_look_at)s::timestamptz[],
            %(failures)s::int[], %(error)s::text[], %(files_seen)s::int[], %(took_ms)s::int[])
     AS new (id, token, looked_at, next_look_at, failures, error, files_seen, took_ms)
WHERE folder.id = new.id AND folder.lease_token = new.token"""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What a look came to: how many files, or an error; neither for a folder that was not begun."""

    folder: WatchedFolder
    files: int | None
    took_ms: int | None = None
    error: str = ""

    @property
    def is_begun(self) -> bool:
        """Tell whether it was looked at, or tried to."""
        return self.files is not None or bool(self.error)


def claim_folders(*, now: datetime, tenant_id: uuid.UUID | None, is_eager: bool, most: int) -> list[WatchedFolder]:
    """Take folders whose turn it is under a lease, longest unseen first; one statement."""
    given = _given(now, tenant_id, is_eager=is_eager) | {"token": uuid.uuid4(), "lease": now + LEASE, "most": most}
    return list(WatchedFolder.objects.across_tenants().raw(_CLAIM, given))


def count_waiting(*, now: datetime, tenant_id: uuid.UUID | None, is_eager: bool) -> int:
    """Return how many folders' turn it is."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _given(now, tenant_id, is_eager=is_eager))
        return int(cursor.fetchone()[0])


def pause_after(failures: int) -> timedelta:
    """Return how long a folder is left alone that has failed so often in a row."""
    return min(FIRST_PAUSE * (1 << min(failures - 1, 10)), LONGEST_PAUSE)


@transaction.atomic(durable=True)
def note_looks(looks: Sequence[LookedAt], *, now: datetime) -> None:
    """Write what looks came to, for those whose lease is still ours; tell of folders that fail, and of recovery."""
    recovered = [look for look in looks if look.files is not None and look.folder.failures >= TOLD_AFTER]
    for look in looks:
        _apply(look, now)
    folders = [look.folder for look in looks]
    with connection.cursor() as cursor:
        names = ("looked_at", "next_look_at", "failures", "error", "files_seen", "took_ms")
        cursor.execute(_NOTE, {
            "id": [folder.pk for folder in folders], "token": [folder.lease_token for folder in folders],
            **{name: [getattr(folder, name) for folder in folders] for name in names},
        })  # fmt: skip
    raise_many([folder_alert(folder) for folder in folders if folder.failures >= TOLD_AFTER], now=now)
    resolve_many([(look.folder.tenant_id, folder_alert_key(look.folder.pk)) for look in recovered], now=now)


def _apply(look: LookedAt, now: datetime) -> None:
    """Write into a folder's row what a look came to."""
    folder = look.folder
    if not look.is_begun:
        return
    # When it was last listed: who asks since when nothing has come must not take a failure for that.
    folder.looked_at = folder.looked_at if look.error else now
    folder.took_ms, folder.error = look.took_ms, look.error
    folder.failures = folder.failures + 1 if look.error else 0
    folder.next_look_at = now + pause_after(folder.failures) if look.error else None
    folder.files_seen = look.files if look.files is not None else folder.files_seen


def _given(now: datetime, tenant_id: uuid.UUID | None, *, is_eager: bool) -> dict[str, Any]:
    interval = timedelta(milliseconds=settings.FLOW_SCHEDULER_INTERVAL_MS)
    # An eager tick lists all but what it has just listed itself; of several tickers one is enough. A look in a future
    # that no clock of ours can reach was noted by one that was ahead.
    just, beyond = timedelta(microseconds=1), interval + LEASE
    return {
        "now": now, "tenant": tenant_id, "beyond": now + 2 * LEASE,
        "before": now - (just if is_eager else interval / 2), "after": now if is_eager else now + beyond,
    }  # fmt: skip
