"""The publisher: claim, publish, settle, over and over; one object per process, one thread."""

import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kaireon.platform.ids import new_id
from kaireon.platform.loops import StopSignal, is_database_away
from outbox.decisions import Outcome, Sent
from outbox.decisions.breaker import breaker_seconds
from outbox.decisions.outcomes import NOT_SENT, Failed
from outbox.decisions.settlement import settle
from outbox.publishers.base import BackendDown, Publisher
from outbox.services.claiming import Claim, claim_due, claim_ready
from outbox.services.settling import release_claim, settle_mixed, settle_sent
from outbox.tier.failures import report_failures
from outbox.tier.housekeeping import Housekeeping
from outbox.tier.metering import Meter
from outbox.tier.server_clock import ServerClock
from outbox.tier.settings import TierSettings
from outbox.tier.timing import PublishTime
from outbox.tier.turns import DueTurns, TenantTurns
from outbox.tier.wakeup import Bell

logger = logging.getLogger(__name__)

# How long claims leave locked rows at once, after they met some.
SKIP_LOCKED_SECONDS: Final = 10.0
# From this many events in one claim on, writers are spared the bell.
BUSY: Final = 64


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A claim with what the back end said of it, which the database does not know yet."""

    claim: Claim
    outcomes: Sequence[Outcome]


class PublisherTier:
    """Claim, publish and settle one batch per `step`; `pause` waits, `drain` gives back what is left.

    `clock` is the time that leases and back-offs go by, the server's unless given; `reached` is called at every
    boundary with its name, for those who test what happens when the process dies there.
    """

    def __init__(
        self,
        *,
        publisher: Publisher,
        settings: TierSettings,
        bell: Bell | None = None,
        stopping: StopSignal | None = None,
        only_tenant: uuid.UUID | None = None,
        clock: Callable[[], datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        reached: Callable[[str], None] | None = None,
    ) -> None:
        self.id = new_id()
        self.publisher = publisher
        self.settings = settings
        self.bell = bell
        self.stopping = stopping or StopSignal()
        self.meter = Meter(monotonic=monotonic)
        self.monotonic = monotonic
        self._clock = clock or ServerClock(monotonic)
        self.housekeeping = Housekeeping(self, self._clock(), monotonic())
        self._only_tenant = only_tenant
        self._reached = reached or _nobody
        self._claimant = self.id
        self._tenants = TenantTurns(settings.batch_size)
        self._dues = DueTurns()
        self._limit = settings.batch_size
        self._unsettled: Unsettled | None = None
        self._skip_locked_until = float("-inf")
        self._refusals = 0
        self._careful_for = 0
        self._retry_at = float("-inf")

    @property
    def is_backing_off(self) -> bool:
        """Tell whether the back end is being left alone."""
        return self.monotonic() < self._retry_at

    def step(self) -> bool | None:
        """Publish one batch; return whether there may be more to do at once, None while the back end is left alone.

        Raises BackendDown when the back end does not take anything: nobody's attempt was burnt. Whatever else it
        raises, what is known of the last batch is kept and settled by the next step.
        """
        self.housekeeping.beat(self._clock())
        if self._unsettled is not None:
            self._settle(self._unsettled)
        self.housekeeping.reap(self._clock())
        if self.is_backing_off:
            return None
        began = self.monotonic()
        time_left = PublishTime(
            self.settings.publish_seconds, drain_seconds=self.settings.drain_seconds, stopping=self.stopping,
            monotonic=self.monotonic,
        )  # fmt: skip
        claim = self._claim()
        self._reached("claimed")
        if claim.missed or (claim.events and not time_left.remaining()):
            # Not in the order of its keys, or so late that the lease may end before the back end has answered.
            self._release(claim)
            return True
        if not claim.events:
            has_others = claim.aside > 0 or self._tenants.has_others
            # A back end that is doubted was not asked.
            return None if self._refusals and not has_others else has_others
        self._unsettled = Unsettled(claim, self._publish(claim, time_left))
        self._reached("published")
        self._settle(self._unsettled)
        self._reached("settled")
        if claim.is_due:
            self._dues.note_spent(began, self.monotonic())
        return self._has_more(claim)

    def pause(self, has_failed: bool) -> None:
        """Wait for the bell, for the poll interval, or until the back end may be asked again."""
        if self.is_backing_off:
            self.stopping.wait(min(self._retry_at - self.monotonic(), self.settings.poll_seconds))
        elif has_failed or self.bell is None:
            self.stopping.wait(self.settings.poll_seconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
        elif not self.bell.close_door():
            self.bell.wait(self.settings.poll_seconds, self.stopping)

    def drain(self) -> None:
        """Settle what was sent, leave the list of publishers and let go of the back end."""
        try:
            if self._unsettled is not None:
                self._settle(self._unsettled)
            self.housekeeping.leave(self._clock())
        finally:
            if self.bell is not None:
                self.bell.close()
            self.publisher.close()

    def _claim(self) -> Claim:
        """Claim held keys that are due, or what is ready, in turns. While the back end is doubted, one event."""
        self._limit = 1 if self._refusals or self._careful_for else self.settings.batch_size
        self._careful_for = max(0, self._careful_for - 1)
        moment = self.monotonic()
        is_their_turn = self._dues.is_turn(moment)
        if is_their_turn and (claim := self._claim_due(moment)).events:
            return claim
        claim = self._claimed(
            lambda token, now: claim_ready(
                claimant=self._claimant, token=token, shares=self._tenants.shares, limit=self._limit,
                after=self._tenants.after, lease_seconds=self.settings.lease_seconds, now=now,
                only_tenant=self._only_tenant, skip_locked=self._skips_locked(),
            )
        )  # fmt: skip
        self._tenants.note(claim, self._limit)
        if claim.events or claim.aside or is_their_turn or not self._dues.may_look(moment):
            return claim
        due = self._claim_due(moment)
        return due if due.events else claim

    def _claim_due(self, moment: float) -> Claim:
        claim = self._claimed(
            lambda token, now: claim_due(
                claimant=self._claimant, token=token, limit=self._limit, lease_seconds=self.settings.lease_seconds,
                now=now, only_tenant=self._only_tenant, skip_locked=self._skips_locked(),
            )
        )  # fmt: skip
        if not claim.events:
            self._dues.note_nothing(moment)
        return claim

    def _claimed(self, make: Callable[[uuid.UUID, datetime], Claim]) -> Claim:
        """Make a claim. If it is not known what became of it, its note keeps its keys until the lease ends."""
        try:
            claim = make(new_id(), self._clock())
        except Exception:
            self._claimant = new_id()
            raise
        if claim.missed or claim.skipped_locked:
            self._skip_locked_until = self.monotonic() + SKIP_LOCKED_SECONDS
        return claim

    def _skips_locked(self) -> bool:
        return self.monotonic() < self._skip_locked_until

    def _release(self, claim: Claim) -> None:
        """Give a claim back, of which nothing was sent; no attempt is burnt."""
        self._unsettled = Unsettled(claim, [NOT_SENT] * len(claim.events))
        self._note_lost(release_claim(claim=claim, now=self._clock()).lost)
        self._unsettled = None
        self.meter.count(claim.events, "released")

    def _publish(self, claim: Claim, time_left: PublishTime) -> Sequence[Outcome]:
        try:
            outcomes = self.publisher.publish(claim.events, time_left)
        except BackendDown as error:
            self._refuse(claim, error)
            raise
        except Exception as error:
            self._suspect(claim, error)
            raise
        if any(isinstance(outcome, Sent) for outcome in outcomes):
            self._refusals = 0
        return outcomes

    def _refuse(self, claim: Claim, error: BackendDown) -> None:
        """Give the claim back and leave the back end alone for a while."""
        self._refusals += 1
        wait = breaker_seconds(self._refusals, random.uniform(-1, 1))  # noqa: S311 - no secret
        self._retry_at = self.monotonic() + wait
        self.housekeeping.note_error(str(error), self._clock())
        self._release(claim)

    def _suspect(self, claim: Claim, error: Exception) -> None:
        """Find out which event a publisher trips over: go on one by one, and hold the key of the one that it is.

        What left is not known, so nothing counts as sent. A tier that trips over everything ends after its budget.
        """
        count = len(claim.events)
        if count == 1:
            outcome: Outcome = Failed(f"The publisher failed: {type(error).__name__}.", is_transient=True)
        else:
            outcome, self._careful_for = NOT_SENT, count
        self._unsettled = Unsettled(claim, [outcome] * count)

    def _settle(self, unsettled: Unsettled) -> None:
        claim, outcomes, now = unsettled.claim, unsettled.outcomes, self._clock()
        keep = self.settings.history_hours > 0
        self._reached("settling")
        if all(isinstance(outcome, Sent) for outcome in outcomes) and not any(mark.is_held for mark in claim.marks):
            found = settle_sent(publisher=self.id, claim=claim, outcomes=outcomes, keep=keep, now=now)
            self._unsettled = None
            self._note_lost(len(claim.events) - found)
            self.meter.published(claim.events, claim.marks, now.timestamp())
            return
        attempts = [mark.attempts for mark in claim.marks]
        plan = settle(claim.events, attempts, outcomes, max_attempts=self.settings.max_attempts)
        failures = report_failures(claim.events, plan)
        settled = settle_mixed(
            publisher=self.id, claim=claim, outcomes=outcomes, plan=plan, error_ids=failures.error_ids, keep=keep,
            now=now,
        )  # fmt: skip
        self._unsettled = None
        self._note_lost(settled.lost)
        sent = [claim.events[place] for place in plan.sent]
        self.meter.published(sent, [claim.marks[place] for place in plan.sent], now.timestamp())
        for result, places in failures.places.items():
            self.meter.count([claim.events[place] for place in places], result)
        failures.tell(now)

    def _note_lost(self, lost: int) -> None:
        if lost:
            logger.warning(
                "outbox lease lost before the settlement; the events are published again",
                extra={"event": "outbox.lease_lost", "events": lost, "publisherId": str(self.id)},
            )

    def _has_more(self, claim: Claim) -> bool:
        """Tell whether to look again at once: something was left, or nobody would ring for what came meanwhile."""
        if self.bell is None:
            return True
        if len(claim.events) >= self.settings.batch_size:
            self.bell.call_the_others()
        if len(claim.events) >= BUSY:
            self.bell.open_door()
        was_cut = bool(self._tenants.shares.of_tenant) or self._tenants.has_others or len(claim.events) >= self._limit
        return was_cut or not self.bell.rings or claim.aside > 0 or any(mark.is_held for mark in claim.marks)


def _nobody(boundary: str) -> None:
    """Tell nobody."""


def is_transient(error: Exception) -> bool:
    """Tell whether a failed step is waited out: the database or the back end is away."""
    return is_database_away(error) or (isinstance(error, BackendDown) and error.is_transient)
