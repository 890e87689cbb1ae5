"""Identifiers that sort by the time they were made: UUID version 7 (RFC 9562)."""

import os
import time
import uuid
from typing import Final

_62_BITS: Final = (1 << 62) - 1


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (chance >> 68) << 64 | 0b10 << 62 | chance & _62_BITS)
