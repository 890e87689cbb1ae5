"""What was published lately: hour partitions without a log, made hours ahead and dropped whole.

Whoever reads the history for long (a dump, a report) must not make publishers wait. A partition is made as a table of
its own and then attached, which waits for no reader and no writer. Dropping one waits for both, and everybody would
wait behind it: so it waits a moment only and is tried again later.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from kaireon.platform.locks import lock_key, xact_lock

# Partitions are there so many hours ahead: as long as that they may fail to be made before anybody notices.
HOURS_AHEAD: Final = 6

_HOUR: Final = timedelta(hours=1)
_PREFIX: Final = "outbox_history_"
_NAME: Final = f"{_PREFIX}%Y%m%d%H"
_LOCK: Final = lock_key("outbox-history")
# While a drop waits, whoever publishes waits too; while a partition is made, nobody does but who makes it.
_MOMENT: Final = "100ms"
_NEEDED_NOW: Final = "5s"
_PARTITIONS: Final = (
    "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'outbox_history'::regclass"
)


def keep_history(*, hours: int, now: datetime) -> None:
    """Make the partitions of this hour and the next, and drop those older than `hours`; 0 drops all of them.

    Times are UTC. Raises what `make_partitions` and `drop_partitions` raise.
    """
    if hours:
        make_partitions(now=now, ahead=1)
    drop_partitions(before=now - hours * _HOUR if hours else None)


def make_partitions(*, now: datetime, ahead: int = HOURS_AHEAD) -> None:
    """Make what is missing of the partitions of this hour and of `ahead` after it; a look alone when nothing is.

    Several publishers may do it at once. Raises django.db.OperationalError when a lock cannot be had in time.
    """
    first = _hour_of(now)
    wanted = [first + number * _HOUR for number in range(ahead + 1)]
    names = _partitions()
    for start in wanted:
        if start.strftime(_NAME) not in names:
            _make(start, _NEEDED_NOW if start == first else _MOMENT)


def drop_partitions(*, before: datetime | None) -> None:
    """Drop the partitions of the hours before that of `before`, the oldest first; without it all of them.

    Several publishers may do it at once. Raises django.db.OperationalError when somebody reads for long.
    """
    oldest = _hour_of(before).strftime(_NAME) if before else "~"
    for name in sorted(_partitions()):
        if name.startswith(_PREFIX) and name < oldest:
            _drop(name)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        return {name for (name,) in cursor.fetchall()}


@transaction.atomic
def _make(start: datetime, longest_wait: str) -> None:
    """Make one partition, unless somebody else has made it meanwhile; a table that was detached by hand comes back."""
    name = start.strftime(_NAME)
    _wait_at_most(longest_wait)
    xact_lock(_LOCK)
    if name in _partitions():
        return
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE IF NOT EXISTS {name} (LIKE outbox_history INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE outbox_history ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [start, start + _HOUR]
        )


@transaction.atomic
def _drop(name: str) -> None:
    _wait_at_most(_MOMENT)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _wait_at_most(span: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [span])
