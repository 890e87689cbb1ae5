"""What EventBridge and Kinesis share: several calls at once, an answer for each entry, the order of a key."""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, ClassVar, Final

import boto3
from botocore.config import Config

from outbox.decisions.outcomes import Failed, Outcome, Sent
from outbox.publishers.aws_calls import THROTTLED, make_call
from outbox.publishers.base import BackendDown, Event, TimeLeft
from outbox.publishers.waves import Waves, keep_order

_CALLS_AT_ONCE: Final = 8
_SLICE_SECONDS: Final = 0.1
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 1.0
# A call that is given up ends by itself, well within a lease. The tier retries, and it knows when.
_CONFIG: Final = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, max_pool_connections=_CALLS_AT_ONCE
)  # fmt: skip

_Entry = Mapping[str, Any]
_Places = list[tuple[int, _Entry]]


class AwsPublisher(ABC):
    """Send entries in calls as large as the service takes, one event of a key at a time.

    A service may take a later entry of a call and refuse an earlier one; so the next event of a key goes when the one
    before it is known to be in.
    """

    name: str
    service: ClassVar[str]
    most_entries: ClassVar[int]
    most_bytes: ClassVar[int]
    most_entry_bytes: ClassVar[int]
    # How long one batch waits for a shard that is too hot before its keys are held.
    throttle_seconds: float = 5.0

    def __init__(self, *, region: str, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._client: Any = None
        self._threads: ThreadPoolExecutor | None = None

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Send the events in waves; raise BackendDown when the service took none and answered for none."""
        outcomes: list[Outcome | None] = [None] * len(events)
        try:
            self._send(events, outcomes, time_left)
        except BackendDown as down:
            if not down.is_transient:
                # The next client reads the credentials anew.
                self.close()
            if not any(isinstance(outcome, Sent | Failed) for outcome in outcomes):
                raise
        return keep_order(events, outcomes)

    def close(self) -> None:
        """Let go of the connections; the next batch opens others."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @abstractmethod
    def entry(self, event: Event) -> tuple[_Entry, int]:
        """Return the service's entry for an event and the bytes that the service counts for it."""

    @abstractmethod
    def call(self, client: Any, entries: Sequence[_Entry]) -> list[Outcome]:
        """Make the call and return an outcome for each entry."""

    def _send(self, events: Sequence[Event], outcomes: list[Outcome | None], time_left: TimeLeft) -> None:
        waves, throttle = Waves(events), Throttle(time_left, self.throttle_seconds)
        while time_left.remaining() > 0 and (wave := waves.take(_CALLS_AT_ONCE * self.most_entries)):
            self._send_wave(wave, events, outcomes, time_left)
            waves.again(_throttled(wave, outcomes, throttle))
            for place in wave:
                if isinstance(outcomes[place], Failed):
                    waves.fail(place)

    def _send_wave(
        self, wave: Sequence[int], events: Sequence[Event], outcomes: list[Outcome | None], time_left: TimeLeft
    ) -> None:
        calls = self._calls(wave, events, outcomes)
        client, threads = self._open()
        futures = [
            threads.submit(make_call, partial(self.call, client), [entry for _, entry in call]) for call in calls
        ]
        _wait(futures, time_left)
        down: BackendDown | None = None
        for call, future in zip(calls, futures, strict=True):
            try:
                answers = _answers(future)
            except BackendDown as error:
                down = error
                continue
            for (place, _), answer in zip(call, answers, strict=True):
                outcomes[place] = answer
        if down is not None:
            raise down

    def _calls(self, wave: Sequence[int], events: Sequence[Event], outcomes: list[Outcome | None]) -> list[_Places]:
        calls: list[_Places] = []
        room = 0
        for place in wave:
            entry, size = self.entry(events[place])
            if size > self.most_entry_bytes:
                # It would take the entries of its call with it.
                reason = f"AWS: {size:,} bytes are more than the {self.most_entry_bytes:,} of an entry"
                outcomes[place] = Failed(reason, is_transient=False)
                continue
            if not calls or len(calls[-1]) == self.most_entries or size > room:
                calls.append([])
                room = self.most_bytes
            calls[-1].append((place, entry))
            room -= size
        return calls

    def _open(self) -> tuple[Any, ThreadPoolExecutor]:
        if self._client is None or self._threads is None:
            # A session of its own: the shared one keeps credentials for the life of the process.
            self._client = boto3.Session().client(
                self.service, region_name=self._region, endpoint_url=self._endpoint_url, config=_CONFIG
            )  # fmt: skip
            self._threads = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix=self.name)
        return self._client, self._threads


class Throttle:
    """How one publish goes on while entries are throttled: slower and slower, for so many seconds in all."""

    def __init__(self, time_left: TimeLeft, seconds: float) -> None:
        self._time_left = time_left
        self._seconds = seconds
        self._ends_at: float | None = None
        self._delay = _FIRST_DELAY
        self.is_of_some = False

    def wait(self, taken: int) -> bool:
        """Wait before the throttled go again; tell whether they may. `taken` is how many others the wave held.

        `is_of_some` tells whether the service took any while it throttled: then it is about their shard.
        """
        self.is_of_some |= taken > 0
        now = time.monotonic()
        if self._ends_at is None:
            self._ends_at = now + self._seconds
        until = now + self._delay * random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        if until > self._ends_at:
            return False
        while (left := min(until - time.monotonic(), self._time_left.remaining())) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
        return True


def _throttled(wave: Sequence[int], outcomes: list[Outcome | None], throttle: Throttle) -> list[int]:
    """Return who goes again; who was throttled to the end stays failed, unless the service throttles everybody.

    Then it counts as down, for nobody's attempt should be burnt by the size of a backlog.
    """
    throttled = [place for place in wave if outcomes[place] is THROTTLED]
    if not throttled:
        return []
    taken = sum(isinstance(outcomes[place], Sent) for place in wave)
    may_go = any(isinstance(outcome, Sent) for outcome in outcomes) and throttle.wait(taken)
    if not may_go and throttle.is_of_some:
        return []
    for place in throttled:
        outcomes[place] = None
    if not may_go:
        raise BackendDown("AWS throttles every call")
    return throttled


def _wait(futures: Sequence[Future[list[Outcome]]], time_left: TimeLeft) -> None:
    while wait(futures, timeout=min(_SLICE_SECONDS, time_left.remaining())).not_done:
        if time_left.remaining() <= 0:
            for future in futures:
                future.cancel()
            return


def _answers(future: Future[list[Outcome]]) -> list[Outcome]:
    if not future.done() or future.cancelled():
        raise BackendDown("AWS did not answer in time")
    return future.result()
