"""The web server's own clock: a thread that calls the tick's route, as any other scheduler would."""

import logging
import os
import random
import socket
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from kaireon.platform.http import Answer, OutboundError, OutboundSession
from kaireon.platform.loops import StopSignal
from triggers.decisions.beats import seconds_to_beat

logger = logging.getLogger(__name__)

ROUTE: Final = "/api/v1/cron/flow-scheduler-tick"
# The server that this thread lives in must be serving first.
FIRST_SECONDS: Final = 3.0
# A tick starts nothing new past its budget, but what it has begun may take a while.
PATIENCE_SECONDS: Final = 15.0
LONGEST_OFFSET: Final = 1.0
OK: Final = 200

ADVICE: Final = {
    301: "SECURE_SSL_REDIRECT sends it to https: trust X-Forwarded-Proto, or give an https address",
    302: "it is sent elsewhere: FLOW_INTERNAL_SCHEDULER_BASE_URL does not lead to Kaireon",
    400: "the server refuses the host: ALLOWED_HOSTS must hold that of PUBLIC_URL",
    401: "the server that answers knows another CRON_SECRET",
    404: "FLOW_INTERNAL_SCHEDULER_BASE_URL does not lead to Kaireon",
}


def ticker_name() -> str:
    """Return who ticks: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def standing_headers(base_url: str, *, public_url: str) -> dict[str, str]:
    """Return the headers that let a call by this machine's own address in.

    Plain http leads to the server itself, past whatever ends TLS before it. The server knows its public name alone,
    and sends to https who does not say that TLS has ended: so both are said, as a proxy says them.
    """
    public = urlsplit(public_url)
    if urlsplit(base_url).scheme != "http" or not public.netloc:
        return {}
    return {"Host": public.netloc, "X-Forwarded-Proto": public.scheme}


class Ticker:
    """Calls the tick, and says once when that stops going well and once when it does again."""

    def __init__(
        self, *, base_url: str, public_url: str, interval: float, budget: float, secret: Callable[[], str],
        session: OutboundSession, stopping: StopSignal,
    ) -> None:  # fmt: skip
        self._url = f"{base_url.rstrip('/')}{ROUTE}"
        self._headers = standing_headers(base_url, public_url=public_url)
        self._interval = interval
        self._seconds = budget + PATIENCE_SECONDS
        self._secret = secret
        self._session = session
        self._stopping = stopping
        # Replicas beat one after another, so that the first one has decided before the next one asks.
        self._offset = random.uniform(0, min(LONGEST_OFFSET, interval / 10))  # noqa: S311 - no secret
        self._is_first = True
        self._failed_at: float | None = None

    def step(self) -> bool:
        """Tick once; nothing is left to do after it."""
        if self._is_first:
            self._is_first = False
            if self._stopping.wait(min(FIRST_SECONDS, self._interval)):
                return False
        problem = self._problem()
        if problem:
            self._note_failure(problem)
        else:
            self._note_success()
        return False

    def pause(self, has_failed: bool) -> None:
        """Wait for the next beat."""
        has_failed = has_failed or self._failed_at is not None
        wait = seconds_to_beat(time.time(), interval=self._interval, offset=self._offset, has_failed=has_failed)
        self._stopping.wait(wait)

    def _problem(self) -> str:
        """Send the tick; return what is wrong, or nothing."""
        secret = self._secret()
        if not secret:
            return "CRON_SECRET cannot be read"
        headers = {**self._headers, "Authorization": f"Bearer {secret}", "x-kaireon-ticker": ticker_name()}
        try:
            answer = self._session.request("POST", self._url, headers=headers, seconds=self._seconds)
        except OutboundError as error:
            return error.message
        return "" if answer.status == OK else _refusal(answer)

    def _note_failure(self, problem: str) -> None:
        if self._failed_at is None:
            self._failed_at = time.monotonic()
            # Once for an outage, not once a tick.
            if not self._stopping.is_set():
                fields = {"event": "ticker.failing", "reason": problem, "ticker": ticker_name()}
                logger.warning("the scheduler's tick fails", extra=fields)

    def _note_success(self) -> None:
        if self._failed_at is not None:
            fields = {"event": "ticker.recovered", "seconds": round(time.monotonic() - self._failed_at, 1)}
            logger.warning("the scheduler ticks again", extra=fields | {"ticker": ticker_name()})
            self._failed_at = None


def _refusal(answer: Answer) -> str:
    advice = ADVICE.get(answer.status)
    return f"the tick was answered with {answer.status}" + (f": {advice}" if advice else "")
