"""What `run_worker` does for pipelines: runs them, or with Celery sees that its workers are told of every run."""

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings

from flows.executors import CELERY, hand_on
from flows.services.claims import Scope, claimable_runs
from flows.services.recovering import recover_runs
from flows.services.running import WORKER, work_off_flows
from kaireon.platform.budget import Budget

# A run that could begin and has not: its task got lost, or waits behind others. Told again, it is taken once.
SECONDS_TO_TELL_AGAIN: Final = 30.0
AT_ONCE: Final = 200
_told: dict[uuid.UUID, float] = {}


def sweep_or_work(*, now: datetime, budget: Budget, is_ending: Callable[[], bool]) -> int:
    """Make waiting runs in this process, or with RUN_EXECUTOR=celery tell its workers; return how many were touched."""
    if settings.RUN_EXECUTOR == CELERY:
        return sweep(now=now, budget=budget)
    return work_off_flows(now=now, budget=budget, is_ending=is_ending)


def sweep(*, now: datetime, budget: Budget) -> int:
    """Recover runs whose worker died, and hand on what could begin and was not handed on lately; return how many.

    So a run begins after its wait, after the run that it waited behind, and after a broker that lost its task.
    """
    scope = Scope(worker=WORKER)
    recovered = recover_runs(now=now, scope=scope, budget=budget)
    waiting = claimable_runs(now=now, limit=AT_ONCE, scope=scope)
    moment = time.monotonic()
    for run_id in set(_told) - set(waiting):
        del _told[run_id]
    due = [run_id for run_id in waiting if moment - _told.get(run_id, -SECONDS_TO_TELL_AGAIN) >= SECONDS_TO_TELL_AGAIN]
    told = [run_id for run_id in due if hand_on(run_id)]
    _told.update(dict.fromkeys(told, moment))
    return len(recovered) + len(told)
