"""Who takes a run up: workers that look (local), or Celery's workers, which are told (RUN_EXECUTOR=celery).

Either way the claim in PostgreSQL is the only truth: whoever is told twice, or too late, finds nothing to claim.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings

logger = logging.getLogger(__name__)

LOCAL: Final = "LOCAL"
CELERY: Final = "CELERY"
Send = Callable[[uuid.UUID], None]
_senders: dict[str, Send] = {}


def tell_with(executor: str, send: Send) -> None:
    """Register how an executor is told of a run; called when its module is loaded."""
    _senders[executor] = send


def hand_on(run_id: uuid.UUID) -> bool:
    """Tell the executor of a run that waits, if it wants to be told; tell whether it was.

    A broker that is away loses nothing: the sweep of `run_worker` finds the run.
    """
    send = _senders.get(settings.RUN_EXECUTOR)
    if send is None:
        return False
    try:
        send(run_id)
    except OSError as error:
        fields = {"event": "flows.not_handed_on", "runId": str(run_id)}
        logger.warning("run not handed on", exc_info=error, extra=fields)
        return False
    return True
