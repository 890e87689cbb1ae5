"""Transaction-level advisory locks: safe behind a pooler; commit, rollback or a dead process releases them."""

import hashlib
from typing import Any

from django.db import connection


def lock_key(name: str, *parts: Any) -> int:
    """Return the signed 64-bit key that stands for `name` and its parts."""
    text = "\x1f".join([name, *map(str, parts)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def try_xact_lock(key: int) -> bool:
    """Take the lock until the transaction ends, or return False at once when another transaction holds it."""
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


def xact_lock(*keys: int) -> None:
    """Wait for all locks, in ascending order so that two callers never deadlock; held until the transaction ends."""
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(%s::bigint[]) AS key ORDER BY 1) AS keys",
            [sorted(set(keys))],
        )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a transaction-level lock outside a transaction would be released at once")
