"""APScheduler 3 with its SQLAlchemy job store: one pass over the store with the due jobs, and a job rescheduled.

`tick_apscheduler.py DSN JOBS DUE ROUNDS` prints {"tick": [ms…], "save": [ms…]}. What a job does is nothing.
"""

import json
import logging
import pickle
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

BATCH = 5_000
UTC = timezone.utc  # noqa: UP017 - as its own documentation has it
OFTEN = {"minute": "*/5", "timezone": UTC}


def nothing() -> None:
    """Do nothing: what a tick costs is asked for, not what it starts."""


def main() -> None:
    """Fill the store, then measure."""
    dsn, jobs, due, rounds = sys.argv[1], *map(int, sys.argv[2:])
    store = SQLAlchemyJobStore(url=dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    scheduler = BackgroundScheduler(
        jobstores={"default": store}, executors={"default": DebugExecutor()}, timezone=UTC,
        job_defaults={"coalesce": True, "misfire_grace_time": None},
    )  # fmt: skip
    scheduler.start(paused=True)
    fill(scheduler, store, jobs, due)
    # Its own thread would tick meanwhile: paused it returns at once, so the pass is called as that thread calls it.
    ticks = [tick(scheduler, store, due) for _ in range(rounds)]
    saves = [rescheduled(scheduler, f"job-{jobs // 2}", number % 60) for number in range(rounds * 5)]
    print(json.dumps({"tick": ticks, "save": saves}))


def fill(scheduler: Any, store: Any, jobs: int, due: int) -> None:
    """Write the jobs as `add_job` does, many at once."""
    moment = datetime.now(UTC)
    rows = []
    for number in range(jobs):
        fields = OFTEN if number < due else {"minute": number % 60, "hour": number // 60 % 24, "timezone": UTC}
        job = job_of(scheduler, number, CronTrigger(**fields), moment)
        state = pickle.dumps(job.__getstate__(), store.pickle_protocol)
        rows.append({"id": job.id, "next_run_time": job.next_run_time.timestamp(), "job_state": state})
    with store.engine.begin() as connection:
        for first in range(0, len(rows), BATCH):
            connection.execute(store.jobs_t.insert(), rows[first : first + BATCH])
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE) apscheduler_jobs")


def job_of(scheduler: Any, number: int, trigger: Any, moment: datetime, at: datetime | None = None) -> Any:
    """Return a job with its next time, or `at`."""
    return Job(
        scheduler, id=f"job-{number}", func="tick_apscheduler:nothing", args=(), kwargs={}, name=f"job-{number}",
        trigger=trigger, executor="default", misfire_grace_time=None, coalesce=True, max_instances=1,
        next_run_time=at or trigger.get_next_fire_time(None, moment),
    )  # fmt: skip


def tick(scheduler: Any, store: Any, due: int) -> float:
    """Make the jobs due, and time one pass."""
    moment = datetime.now(UTC)
    for number in range(due):
        store.update_job(job_of(scheduler, number, CronTrigger(**OFTEN), moment, moment - timedelta(seconds=1)))
    assert len(store.get_due_jobs(datetime.now(UTC))) >= due
    scheduler.state = 1
    began = time.perf_counter()
    scheduler._process_jobs()
    took = time.perf_counter() - began
    scheduler.state = 2
    assert not store.get_due_jobs(moment)
    return took * 1_000


def rescheduled(scheduler: Any, job_id: str, minute: int) -> float:
    """Time one change."""
    began = time.perf_counter()
    scheduler.reschedule_job(job_id, trigger="cron", minute=str(minute))
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
