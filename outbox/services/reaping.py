"""Take events back from publishers that died, or are too slow to be told apart from dead ones.

Fencing: the claim token goes with the claim, so a slow publisher's later acknowledgement (`WHERE claim_token = mine`)
matches nothing, and its events are published again under the same ids.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from kaireon.platform.errors import DomainError
from kaireon.platform.telemetry.services import log_failure
from outbox.decisions.staleness import DEFAULT_STALENESS_SECONDS, read_staleness
from outbox.services.reap_sql import FRONT_OF_LOST, REAP_EXPIRED, REAP_STALE

logger = logging.getLogger(__name__)


class ReaperFailed(DomainError):
    """The database did not let the reaper work; the trace is logged under `error_id`."""

    code, status = "REAPER_FAILED", 500

    def __init__(self, error_id: str) -> None:
        super().__init__(f"The reaper failed; nothing was changed. See error {error_id} in the log.")
        self.error_id = error_id


@dataclass(frozen=True, slots=True)
class ReaperReport:
    """What one run of the reaper did."""

    staleness_seconds: int
    reset_count: int


class _LastFailure:
    """The error id of this process's last failed run: the next attempt's log line carries it."""

    error_id = ""


def run_reaper(*, now: datetime, staleness_seconds: int | None = None) -> ReaperReport:
    """Reap once, for the cron route and the command; raise ReaperFailed, whose trace is logged.

    Without `staleness_seconds` it is OUTBOX_REAPER_STALENESS_SECONDS, and 300 when that is no positive number.
    """
    staleness = staleness_seconds or configured_staleness()
    fields: dict[str, Any] = {"stalenessSeconds": staleness, "previousErrorId": _LastFailure.error_id}
    try:
        count = reap_stale(now=now, staleness_seconds=staleness)
    except (DatabaseError, InterfaceError) as error:
        _LastFailure.error_id = log_failure(
            logger, "outbox reaper failed", error, event="outbox.reaper_failed", **fields
        )
        raise ReaperFailed(_LastFailure.error_id) from error
    _LastFailure.error_id = ""
    logger.info("outbox reaper", extra={"event": "outbox.reaped", "resetCount": count, **fields})
    return ReaperReport(staleness, count)


def configured_staleness() -> int:
    """Return OUTBOX_REAPER_STALENESS_SECONDS; warn and return the default for what is no positive whole number."""
    text: str = settings.OUTBOX_REAPER_STALENESS_SECONDS
    seconds = read_staleness(text)
    if seconds is None:
        logger.warning(
            "OUTBOX_REAPER_STALENESS_SECONDS is no positive whole number; the default counts",
            extra={"event": "outbox.staleness_invalid", "value": text, "stalenessSeconds": DEFAULT_STALENESS_SECONDS},
        )
    return seconds or DEFAULT_STALENESS_SECONDS


def reap_stale(*, now: datetime, staleness_seconds: int) -> int:
    """Return every event that was claimed and not touched for so long to `pending`, and return how many there were.

    One whose lease still runs is left alone: its publisher may take that long. One statement, atomic by itself; again
    it is 0. No attempt is burnt: nobody knows whether there was one.
    """
    return _reap(REAP_STALE, now=now, limit=now - timedelta(seconds=staleness_seconds))


def reap_expired(*, now: datetime, with_lost: bool = True) -> int:
    """Return the events of claims whose lease has ended to `pending`, and return how many there were.

    Publishers do it themselves. Without `with_lost` it costs nothing while no lease has ended; with it, it finds at
    the front of each tenant's line also those whose claim stands in no note any more.
    """
    return _reap(REAP_EXPIRED, now=now, limit=now, front=FRONT_OF_LOST if with_lost else 0)


def _reap(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.nextset()
        row = cursor.fetchone()
    return int(row[0])
