"""Deliver what is due. Database work stays in the calling thread; only the network runs in the pool."""

import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from kaireon.platform.budget import Budget
from kaireon.platform.errors import Unprocessable
from kaireon.platform.http import OutboundSession, tenant_session
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import (
    DISABLED,
    MAX_IN_FLIGHT,
    NO_DESTINATION,
    SAME_SEND_PATIENCE,
    STOPPED_BEFORE_ANSWER,
    TEST_EVENT,
    AttemptResult,
    State,
    Verdict,
    decide_after_attempt,
)
from kaireon.platform.notifications.metrics import DELIVERIES, DURATION
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import claims
from kaireon.platform.notifications.services.carrying import ArtifactGone, carried, weight_of
from kaireon.platform.notifications.services.claims import Claim, Scope
from kaireon.platform.notifications.services.destinations import note_delivery, note_lost, parse_config, vault_key
from kaireon.platform.notifications.transports import TRANSPORTS
from kaireon.platform.notifications.transports.base import Dispatch, Transport, TransportConfig, TransportError
from kaireon.platform.vault.services import VaultError, read_secrets

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
# Messages that carry files are held in memory until they have left: so many bytes, and what one claim adds to them.
MOST_BYTES_IN_FLIGHT = 32 * 1024 * 1024
CLAIMED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """What a pass did: ends of deliveries, those that wait for a retry, and those that were due but not started."""

    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    pending: int = 0
    remaining: int = 0

    @property
    def did_work(self) -> bool:
        """Tell whether any delivery moved."""
        return bool(self.delivered or self.failed or self.unknown or self.pending)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claim with everything the network needs; secrets are in `config`, which shows none of them."""

    claim: Claim
    transport: Transport
    config: TransportConfig


@dataclass(frozen=True, slots=True)
class _Sent:
    claim: Claim
    number: int
    started_at: datetime
    weight: int = 0


def running_clock(now: datetime) -> Clock:
    """Return a clock that starts at `now` and goes on with the time that passes."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def deliver_due(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None,
    delivery_ids: Collection[uuid.UUID] | None = None, clock: Clock | None = None,
    session: OutboundSession | None = None,
) -> DeliverySummary:  # fmt: skip
    """Send what is due, of everybody, of one tenant or of these ids (and the digests they were folded into).

    At most MAX_IN_FLIGHT at once and two per destination, round robin among destinations; past the budget nothing
    new is started and the rest is counted. First what dead processes left is settled. Not inside a transaction.
    """
    ids = None if delivery_ids is None else _with_digests(delivery_ids)
    run = _Run(Scope(tenant_id, ids), budget, clock or running_clock(now), session or tenant_session())
    return run.execute()


class _Run:
    """One pass over the queue."""

    def __init__(self, scope: Scope, budget: Budget, clock: Clock, session: OutboundSession) -> None:
        self._scope = scope
        self._budget = budget
        self._clock = clock
        self._session = session
        self._in_flight: dict[Future[AttemptResult], _Sent] = {}
        self._retries: dict[uuid.UUID, datetime] = {}
        self._ends: dict[uuid.UUID, State] = {}

    def execute(self) -> DeliverySummary:
        """Settle what was lost, then send until nothing is due or the budget is spent."""
        self._settle_lost()
        with ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="deliver") as pool:
            while True:
                self._start(pool)
                if self._in_flight:
                    self._collect()
                elif not self._wait_for_retry():
                    break
        counts = Counter(self._ends.values())
        return DeliverySummary(
            delivered=counts[State.DELIVERED],
            failed=counts[State.FAILED],
            unknown=counts[State.UNKNOWN],
            pending=counts[State.PENDING],
            remaining=claims.count_due(now=self._clock(), scope=self._scope),
        )

    def _settle_lost(self) -> None:
        now = self._clock()
        for lost in claims.recover_lost(now=now):
            if lost.state is State.UNKNOWN:
                self._ends[lost.delivery_id] = State.UNKNOWN
                note_lost(
                    tenant_id=lost.tenant_id, destination_id=lost.provider_id, error=STOPPED_BEFORE_ANSWER, now=now
                )
        claims.fail_orphans(now=now)

    def _start(self, pool: ThreadPoolExecutor) -> None:
        free = self._free()
        while free > 0 and not self._budget.is_spent:
            claimed = claims.claim_due(now=self._clock(), limit=min(free, CLAIMED_AT_ONCE), scope=self._scope)
            for item in _prepare(claimed, self._clock):
                if isinstance(item, _Ready):
                    self._leave(pool, item)
                else:
                    self._refuse(*item)
            free = self._free() if claimed else 0

    def _free(self) -> int:
        """Return how many more may leave: none while those on their way carry as much as may be held at once."""
        carried_now = sum(sent.weight for sent in self._in_flight.values())
        return MAX_IN_FLIGHT - len(self._in_flight) if carried_now < MOST_BYTES_IN_FLIGHT else 0

    def _leave(self, pool: ThreadPoolExecutor, ready: _Ready) -> None:
        now = self._clock()
        number = claims.mark_leaving(ready.claim, now=now)
        if number is None:
            return
        dispatch = Dispatch(ready.claim.delivery_id, ready.claim.tenant_id, now, self._session)
        future = pool.submit(_attempt, ready, dispatch, self._clock)
        self._in_flight[future] = _Sent(ready.claim, number, now, weight_of(ready.claim.message))

    def _refuse(self, claim: Claim, reason: str) -> None:
        verdict = Verdict(State.FAILED, reason)
        if claims.record_outcome(claim, verdict, None, now=self._clock()):
            self._ends[claim.delivery_id] = State.FAILED

    def _collect(self) -> None:
        done, _ = wait(self._in_flight, timeout=self._seconds_to_retry(), return_when=FIRST_COMPLETED)
        for future in done:
            self._record(self._in_flight.pop(future), _result_of(future))
        if done:
            claims.fail_orphans(now=self._clock())

    def _record(self, sent: _Sent, result: AttemptResult) -> None:
        now, claim = self._clock(), sent.claim
        jitter = random.random()  # noqa: S311 - spreads retries, protects nothing
        verdict = decide_after_attempt(
            result, attempts=sent.number, event_type=claim.event_type, now=now, jitter=jitter
        )  # fmt: skip
        attempt = claims.new_attempt(claim, number=sent.number, started_at=sent.started_at, finished_at=now)
        attempt.outcome = "retry" if verdict.state is State.PENDING else verdict.state
        attempt.status_code, attempt.error = result.status_code, result.error
        DELIVERIES.labels(claim.provider_kind, verdict.state.value).inc()
        DURATION.labels(claim.provider_kind).observe((now - sent.started_at).total_seconds())
        if not claims.record_outcome(claim, verdict, attempt, now=now):
            return
        self._ends[claim.delivery_id] = verdict.state
        self._retries.pop(claim.delivery_id, None)
        if verdict.next_attempt_at is not None and verdict.next_attempt_at - now <= SAME_SEND_PATIENCE:
            self._retries[claim.delivery_id] = verdict.next_attempt_at
        note_delivery(tenant_id=claim.tenant_id, destination_id=claim.provider_id, verdict=verdict, now=now)

    def _seconds_to_retry(self) -> float | None:
        if not self._retries:
            return None
        return max(0.0, (min(self._retries.values()) - self._clock()).total_seconds())

    def _wait_for_retry(self) -> bool:
        """Sleep until the first of our own retries is due; False when there is none, or no budget for it."""
        seconds = self._seconds_to_retry()
        if seconds is None or seconds >= self._budget.remaining():
            return False
        if seconds == 0:
            # It was due and nobody could claim it: another process has it, or its destination is paused.
            self._retries.clear()
            return False
        time.sleep(seconds)
        return True


def _with_digests(delivery_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    folded = Delivery.objects.across_tenants().filter(pk__in=delivery_ids, digest__isnull=False)
    return {*delivery_ids, *folded.values_list("digest_id", flat=True)}


def _prepare(claimed: Collection[Claim], clock: Clock) -> Iterator[_Ready | tuple[Claim, str]]:
    """Give each claim its transport and config, in two queries for all; or the reason why it cannot be sent."""
    rows = Destination.objects.across_tenants().filter(pk__in={claim.provider_id for claim in claimed})
    destinations = {(row.tenant_id, row.pk): row for row in rows}
    secrets = read_secrets(places={(claim.tenant_id, vault_key(claim.provider_id)) for claim in claimed})
    for claim in claimed:
        destination = destinations.get((claim.tenant_id, claim.provider_id))
        kept = secrets.get((claim.tenant_id, vault_key(claim.provider_id)))
        if destination is None or kept is None:
            yield claim, NO_DESTINATION
        elif not destination.enabled and claim.event_type != TEST_EVENT:
            yield claim, DISABLED
        elif isinstance(kept, VaultError):
            yield claim, f"Its configuration cannot be read: {kept.message}"
        else:
            yield _ready(claim, TRANSPORTS[destination.kind], kept, clock())


def _ready(claim: Claim, transport: Transport, kept: Mapping[str, Any], now: datetime) -> _Ready | tuple[Claim, str]:
    """Give one claim its config and the files that its message names."""
    try:
        config = parse_config(transport, kept)
        message = carried(claim.message, tenant_id=claim.tenant_id, kind=transport.kind, now=now)
    except Unprocessable as refusal:
        return claim, f"Its configuration is no longer valid. {refusal.message}"
    except ArtifactGone as gone:
        return claim, str(gone)
    return _Ready(replace(claim, message=message), transport, config)


def _attempt(ready: _Ready, dispatch: Dispatch, clock: Clock) -> AttemptResult:
    """Run in the pool: one send, no database."""
    try:
        receipt = ready.transport.send(ready.config, ready.claim.message, dispatch)
    except TransportError as error:
        return AttemptResult(
            is_delivered=False,
            error=error.message,
            status_code=error.status_code,
            is_permanent=error.is_permanent,
            is_sent=error.is_sent,
            is_gone=error.is_gone,
            retry_after=error.retry_after,
        )
    return AttemptResult(is_delivered=True, error=receipt.note, status_code=receipt.status_code)


def _result_of(future: Future[AttemptResult]) -> AttemptResult:
    error = future.exception()
    if error is None:
        return future.result()
    # A fault of ours: nobody knows how far the request came.
    error_id = str(new_id())
    logger.error("delivery crashed", exc_info=error, extra={"event": "delivery.crashed", "errorId": error_id})
    return AttemptResult(is_delivered=False, is_sent=True, error=f"Something failed on our side; error {error_id}.")
