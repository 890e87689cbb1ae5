"""Give requests and failures the ids under which people find them again in the logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kaireon.platform.ids import new_id
from kaireon.platform.telemetry.context import request_id_variable
from kaireon.platform.telemetry.decisions import is_sane_request_id


def mint_request_id() -> str:
    """Return a fresh request id."""
    return str(new_id())


def mint_error_id() -> str:
    """Return a fresh error id: shown to people, logged with the trace, carried by the next attempt's log line."""
    return str(new_id())


@contextmanager
def bound_request_id(request_id: str = "") -> Iterator[str]:
    """Put the id on every log line and audit entry written inside; one that is not sane is replaced by a fresh one.

    For HTTP the middleware does it; ticks, workers and commands do it around each pass.
    """
    kept = request_id if is_sane_request_id(request_id) else mint_request_id()
    token = request_id_variable.set(kept)
    try:
        yield kept
    finally:
        request_id_variable.reset(token)


def log_failure(
    logger: logging.Logger,
    message: str,
    error: BaseException,
    *,
    event: str,
    level: int = logging.ERROR,
    **fields: object,
) -> str:
    """Log a failure with its trace under a constant message and structured fields; return the error id it was given."""
    error_id = mint_error_id()
    logger.log(level, message, exc_info=error, extra={"event": event, "errorId": error_id, **fields})
    return error_id
