"""Limit requests per credential: an API key or a user. Strangers are refused before anything is counted."""

import logging
import math
import time
from typing import Any, ClassVar, Final

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from kaireon.platform.tenancy.models import ApiKey

logger = logging.getLogger(__name__)
# A cache that is away is asked again after so long: each time may cost its whole time-out.
REST_SECONDS: Final = 5.0


class PerCredentialThrottle(SimpleRateThrottle):
    """Count in the cache: shared through Redis when REDIS_URL is set, per process otherwise.

    A sliding window of two counters, the running one and the share of the one before that is still in the window:
    its cost does not grow with the rate, as that of a list of times would. While Redis is away everybody is let in:
    the same Redis may be the broker, and what happens meanwhile is to be recorded.
    """

    scope = "credential"
    num_requests: int | None
    duration: int | None
    _seconds_to_wait = 0.0
    _rests_until: ClassVar[float] = 0.0

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the key under which this caller is counted."""
        if isinstance(request.auth, ApiKey):
            return self.key_of(request.auth)
        if getattr(request.user, "is_authenticated", False):
            return f"throttle-{self.scope}-user-{request.user.pk}"
        return f"throttle-{self.scope}-address-{self.get_ident(request)}"

    def key_of(self, key: ApiKey) -> str:
        """Return the key under which the calls of an API key are counted."""
        return f"throttle-{self.scope}-key-{key.pk}"

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False when it is one too many."""
        return self.count(self.get_cache_key(request, view))

    def count(self, cache_key: str) -> bool:
        """Count one call; False, and not counted, when it is one too many. `wait()` then tells for how long."""
        limit, duration = self.num_requests, self.duration
        if limit is None or duration is None or time.monotonic() < PerCredentialThrottle._rests_until:
            return True
        try:
            return self._is_within(cache_key, limit, duration)
        except RedisError as error:
            PerCredentialThrottle._rests_until = time.monotonic() + REST_SECONDS
            # The type alone: the text may hold the address with its password.
            extra = {"event": "throttle.cache_away", "reason": type(error).__name__}
            logger.warning("rates are not limited while the cache is away", extra=extra)
            return True

    def _is_within(self, cache_key: str, limit: int, duration: int) -> bool:
        window, passed = divmod(self.timer(), duration)
        here, before = f"{cache_key}-{int(window)}", f"{cache_key}-{int(window) - 1}"
        current = self._add(here, 1)
        previous = int(self.cache.get(before, 0))
        if math.floor(previous * (1 - passed / duration)) + current <= limit:
            return True
        self._add(here, -1)
        self._seconds_to_wait = _seconds_until_free(previous, current - 1, limit, duration, passed)
        return False

    def _add(self, name: str, number: int) -> int:
        try:
            return int(self.cache.incr(name, number))
        except ValueError:
            # The first of its window. Somebody else may be first too: `add` lets one of them be it.
            self.cache.add(name, 0, 2 * int(self.duration or 1))
            return int(self.cache.incr(name, number))

    def wait(self) -> float:
        """Return the seconds after which a call may be allowed again."""
        return self._seconds_to_wait


def _seconds_until_free(previous: int, current: int, limit: int, duration: float, passed: float) -> float:
    """Return after how long the share of the counts before is so small that one more fits: at most the duration."""
    if current < limit:
        return max(0.0, duration * (1 - (limit - current) / max(previous, 1)) - passed)
    # In the next window these are the counts before, and a moment after its start they weigh less than the limit.
    return duration - passed
