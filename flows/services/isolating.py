"""Keep failures apart: one run's failure stops no other's, unless the database is gone."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from flows.services.claims import Claim, LeaseLost

logger = logging.getLogger(__name__)

# What no text in the database can hold.
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")


@contextmanager
def isolated(event: str, claim: Claim) -> Iterator[None]:
    """Log what fails in the block and go on after it; raise when it is the database itself that is gone.

    A run that somebody else has taken over is his: that is logged, too, and nothing more.
    """
    try:
        yield
    except LeaseLost:
        logger.warning("run taken over", extra={"event": "flows.lease_lost", "runId": str(claim.run_id)})
    except Exception:
        if not connection.is_usable():
            raise
        logger.exception(
            "run not settled", extra={"event": event, "tenantId": str(claim.tenant_id), "runId": str(claim.run_id)}
        )


def in_one_line(error: BaseException) -> str:
    """Return an error's kind and the first line of its text."""
    lines = _UNKEPT.sub("\ufffd", str(error)).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:500]}"


def plain(text: str) -> str:
    """Return a text as the database can hold it."""
    return _UNKEPT.sub("\ufffd", text)
