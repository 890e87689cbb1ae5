"""Runs taken by Celery's workers, on any number of machines; `kaireon/celery.py` is what they start with.

A task carries the id of a run and nothing else. The claim in PostgreSQL stays the only truth: a task that comes twice,
or late, finds nothing to claim, and a run whose task got lost is found by the sweep of `run_worker --only flows`.
"""

import uuid
from typing import Final

from celery import Celery
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from flows.executors import CELERY, tell_with
from kaireon.platform.budget import Budget
from kaireon.platform.telemetry.services import bound_request_id

QUEUE: Final = "kaireon-flows"
TASK: Final = "flows.run"
# Recovering and claiming; a run that was begun goes on to its own time limit.
BUDGET_SECONDS: Final = 10.0
RETRY_POLICY: Final = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.2, "interval_max": 0.2}

app = Celery("kaireon", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # A worker that was killed in the middle of a run has not done it: the task is given to another, which finds the
    # run claimed until its lease has run out.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=5,
)
if settings.CELERY_BROKER_URL.startswith("redis"):
    app.conf.broker_transport_options = {"visibility_timeout": 3_600, "socket_connect_timeout": 5, "socket_timeout": 30}


@app.task(name=TASK)  # type: ignore[untyped-decorator]  # Celery has no types
def run(run_id: str) -> int:
    """Make the run, if it may begin now and nobody has it; return 1, else 0."""
    # Loaded at the first task: this module is read before Django's models are.
    work_off = import_string("flows.services.running.work_off_flows")
    with bound_request_id():
        touched = work_off(now=timezone.now(), budget=Budget(BUDGET_SECONDS), run_ids=[uuid.UUID(run_id)])
    return int(touched)


def send(run_id: uuid.UUID) -> None:
    """Tell a worker of a run. Raises ConnectionError when the broker is away."""
    try:
        app.send_task(TASK, args=[str(run_id)], queue=QUEUE, retry=True, retry_policy=RETRY_POLICY)
    except OperationalError as error:
        raise ConnectionError(str(error)) from error


tell_with(CELERY, send)
