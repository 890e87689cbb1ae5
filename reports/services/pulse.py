"""Keep a run's lease in the middle of a step: a query of minutes, a large table, a model that thinks.

A thread of its own does, with a connection that it holds only while it writes. It dies with its process, and so does
the lease.
"""

import logging
import threading
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.db import Error, connection

from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services.dispatch import Clock
from reports.decisions.runs import LONGEST_MAKING, SECONDS_TO_RENEW
from reports.services.claims import Claim, prolong

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0


class Pulse:
    """Renews a lease every few seconds for the length of a `with` block; stops when the run is no longer ours."""

    def __init__(
        self, claim: Claim, clock: Clock, *, every_seconds: float = SECONDS_TO_RENEW,
        longest: timedelta = LONGEST_MAKING,
    ) -> None:  # fmt: skip
        self._claim, self._clock, self._every = claim, clock, every_seconds
        self._longest = Budget(longest.total_seconds())
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="report-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        # A beat that waits for a database that does not answer is left behind: its token is worth nothing by then.
        self._thread.join(PATIENCE_SECONDS)

    def _beat(self) -> None:
        while not self._is_over.wait(self._every) and not self._longest.is_spent:
            try:
                if not prolong(self._claim, now=self._clock()):
                    return
            except Error as error:
                fields = {"event": "reports.lease_not_renewed", "runId": str(self._claim.run_id)}
                logger.warning("report lease not renewed", exc_info=error, extra=fields)
            finally:
                connection.close()
