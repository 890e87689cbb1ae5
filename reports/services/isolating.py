"""Keep failures apart: one run's or one schedule's is that run's or schedule's alone, unless the database is gone."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

logger = logging.getLogger(__name__)

# What no text in the database can hold.
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")


@contextmanager
def isolated(event: str, tenant_id: uuid.UUID, run_id: uuid.UUID) -> Iterator[None]:
    """Log what fails in the block and go on after it; raise when it is the database itself that is gone."""
    try:
        yield
    except Exception:
        if not connection.is_usable():
            raise
        logger.exception(
            "report run not settled", extra={"event": event, "tenantId": str(tenant_id), "runId": str(run_id)}
        )


def in_one_line(error: Exception) -> str:
    """Return an error's kind and the first line of its text."""
    lines = _UNKEPT.sub("\ufffd", str(error)).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:300]}"
