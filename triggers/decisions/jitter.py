"""Jitter: how much later than its instant an occurrence begins, so that a thousand nightly pipelines do not at once."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta


def jitter_of(pipeline_id: uuid.UUID, at: datetime, jitter_seconds: int) -> timedelta:
    """Return the delay of an occurrence, from nothing to `jitter_seconds`.

    The same for the same pipeline and instant, whoever asks and however often.
    """
    if jitter_seconds <= 0:
        return timedelta()
    seed = f"{pipeline_id}/{at.astimezone(UTC).isoformat()}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    return timedelta(seconds=number % (jitter_seconds + 1))
