"""Check the secrets of cron routes: fail closed, in constant time, from a list, and from AWS Parameter Store.

A configured value is a comma-separated list, so that a token rotates without a gap: add the new one, move the
scheduler, remove the old one. An entry `ssm:/path` is read from Parameter Store and kept for 60 seconds.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

SSM_PREFIX: Final = "ssm:"
KEPT_SECONDS: Final = 60.0
# A short outage of Parameter Store must not stop the ticks; a parameter that is gone for good must.
STALE_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 10.0
_CONFIG: Final = Config(connect_timeout=2, read_timeout=3, retries={"max_attempts": 1})


def read_parameter(name: str) -> str:
    """Return a parameter of AWS Systems Manager, decrypted. Raises BotoCoreError or ClientError."""
    client = boto3.client("ssm", config=_CONFIG)
    return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


class ParameterCache:
    """Parameters with the time they were read; one caller refreshes, whoever comes meanwhile waits for it."""

    def __init__(
        self, read: Callable[[str], str] = read_parameter, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._values: dict[str, tuple[float, str]] = {}
        self._failed_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        """Return the value; empty, which no token matches, when it cannot be read and the last one is too old."""
        with self._lock:
            now = self._monotonic()
            read_at, value = self._values.get(name, (float("-inf"), ""))
            if now - read_at < KEPT_SECONDS:
                return value
            if now - self._failed_at.get(name, float("-inf")) >= RETRY_SECONDS:
                return self._refresh(name, value if now - read_at < STALE_SECONDS else "")
            return value if now - read_at < STALE_SECONDS else ""

    def _refresh(self, name: str, fallback: str) -> str:
        try:
            value = self._read(name)
        except (BotoCoreError, ClientError) as error:
            self._failed_at[name] = self._monotonic()
            logger.error(
                "cron secret cannot be read from Parameter Store",
                extra={"event": "cron.secret_unreadable", "parameter": name, "error": type(error).__name__},
            )
            return fallback
        self._values[name] = (self._monotonic(), value)
        self._failed_at.pop(name, None)
        return value


_parameters = ParameterCache()


def is_cron_secret(offered: str, configured: str, *, parameters: ParameterCache | None = None) -> bool:
    """Tell whether `offered` is one of the configured secrets; with none configured nothing is.

    Every candidate is compared, as digests of equal length, so that the time tells neither which one matched
    nor how much of it.
    """
    cache = parameters or _parameters
    digest = _digest(offered)
    is_match = False
    for entry in configured.split(","):
        name = entry.strip()
        secret = cache.get(name.removeprefix(SSM_PREFIX)) if name.startswith(SSM_PREFIX) else name
        # A parameter may hold a list too: that is where a rotation usually happens.
        for candidate in secret.split(","):
            is_same = hmac.compare_digest(digest, _digest(candidate.strip()))
            is_match |= is_same and bool(candidate.strip())
    return is_match


def first_cron_secret(configured: str, *, parameters: ParameterCache | None = None) -> str:
    """Return the secret to call our own cron routes with; empty when none is configured or none can be read.

    The first of a list, also of one that a parameter holds: any of them is taken.
    """
    cache = parameters or _parameters
    for entry in configured.split(","):
        name = entry.strip()
        text = cache.get(name.removeprefix(SSM_PREFIX)) if name.startswith(SSM_PREFIX) else name
        if words := [word.strip() for word in text.split(",") if word.strip()]:
            return words[0]
    return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
