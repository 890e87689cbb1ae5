"""Remember live API keys for some seconds, for routes whose own statement asks whether a key still is what it was.

A remembered key is a hint, never a permission: role, scopes, revocation and expiry are compared by the statement that
writes, or by a fresh look before anything else is answered. Keys are remembered under their keyed hash.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from kaireon.platform.tenancy.keys import hash_key
from kaireon.platform.tenancy.models import ApiKey

KEPT_FOR: Final = timedelta(seconds=15)
MOST_KEYS: Final = 1000


class _Remembered(NamedTuple):
    key: ApiKey
    until: datetime


_remembered: dict[str, _Remembered] = {}


class KeyHasChanged(Exception):
    """The statement found the key revoked, expired, or with another role or other scopes than remembered."""


def recall(text: str, now: datetime) -> ApiKey | None:
    """Return the row that this key had within the last seconds, or None. Not to be changed: threads share it."""
    found = _remembered.get(hash_key(text))
    if found is None or not found.until > now:
        return None
    return found.key


def remember(text: str, key: ApiKey, now: datetime) -> None:
    """Keep a key that was found live."""
    if len(_remembered) >= MOST_KEYS:
        _remembered.clear()
    until = now + KEPT_FOR
    _remembered[hash_key(text)] = _Remembered(key, min(until, key.expires_at) if key.expires_at else until)


def forget(text: str) -> None:
    """Drop a key, so that the next call looks."""
    _remembered.pop(hash_key(text), None)
