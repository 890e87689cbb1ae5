"""Keep a run's lease in the middle of a step: a query of minutes, a large table, a model that thinks.

A thread of its own does, with a connection that it holds only while it writes. It dies with its process, and so does
the lease.
"""

import logging
from datetime import timedelta

from django.db import Error, connection

from kaireon.platform.beats import Beats
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services.dispatch import Clock
from reports.decisions.runs import LONGEST_MAKING, SECONDS_TO_RENEW
from reports.services.claims import Claim, prolong

logger = logging.getLogger(__name__)


class Pulse(Beats):
    """Renews a lease every few seconds for the length of a `with` block; stops when the run is no longer ours."""

    def __init__(
        self, claim: Claim, clock: Clock, *, every_seconds: float = SECONDS_TO_RENEW,
        longest: timedelta = LONGEST_MAKING,
    ) -> None:  # fmt: skip
        super().__init__(name="report-lease", every_seconds=every_seconds)
        self._claim, self._clock = claim, clock
        self._longest = Budget(longest.total_seconds())

    def beat(self) -> bool:
        """Renew the lease, unless making has taken too long; return whether it is still ours."""
        if self._longest.is_spent:
            return False
        try:
            return prolong(self._claim, now=self._clock())
        except Error as error:
            fields = {"event": "reports.lease_not_renewed", "runId": str(self._claim.run_id)}
            logger.warning("report lease not renewed", exc_info=error, extra=fields)
            return True
        finally:
            connection.close()
