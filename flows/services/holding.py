"""A load's hold on the database: known by a lock of its transaction, and ended by whoever takes the run over.

A worker that is frozen in its COPY keeps its tables locked for as long as it is frozen: the server sees a client that
is slow. Whoever has the run now need not wait for it, since nothing of it can be committed any more.
"""

from typing import Final

from django.db import connection

from flows.models import PipelineRun
from kaireon.platform.locks import lock_key, xact_lock

# The server ends a transaction that says nothing for so long between two statements which follow each other at once.
SILENT_MS: Final = 30_000
_HALF: Final = 0xFFFFFFFF
_END: Final = """
SELECT count(pg_terminate_backend(held.pid)) FROM pg_catalog.pg_locks AS held
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1 AND held.pid <> pg_backend_pid()
  AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND held.classid = %s::bigint::oid AND held.objid = %s::bigint::oid"""


def hold_load(run: PipelineRun) -> None:
    """Mark the caller's transaction as the load of this run; it waits for one of the same run that is ending."""
    xact_lock(_key(run))


def end_load(run: PipelineRun) -> int:
    """End what another session still loads for a run that the caller has taken over; return how many there were."""
    key = _key(run)
    with connection.cursor() as cursor:
        cursor.execute(_END, [(key >> 32) & _HALF, key & _HALF])
        return int(cursor.fetchone()[0])


def end_when_silent(*, milliseconds: int = SILENT_MS) -> None:
    """Have the server end the caller's transaction when its process says nothing for so long, being frozen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [str(milliseconds)])


def _key(run: PipelineRun) -> int:
    return lock_key("flows.load", run.pk)
