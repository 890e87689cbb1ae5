"""The same under Celery with a real broker: a worker killed in the middle, a broker that forgets, a task told twice."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from flows.executors.celery import QUEUE, TASK, app
from flows.models import PipelineRun
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.flow_workers import (
    BEFORE_INSERT,
    BEFORE_UPDATE,
    Worker,
    at,
    environment,
    flow_worker,
    gate_in,
    running,
)
from tests.chaos.processes import wait_until
from tests.chaos.test_flow_crashes import ROWS, RUNS, a_run, acme, expect_once, lapse, table
from tests.flows.runs.world import dispatched_run, drop, fresh, inbox, rows_in
from tests.outbox.brokers import RedisServer, redis_server

__all__ = ["acme", "inbox", "table"]
pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def broker() -> Iterator[RedisServer]:
    """Run a Redis server as the broker."""
    with redis_server() as server:
        yield server


@contextmanager
def celery_worker(inbox: Path, broker: RedisServer) -> Iterator[Worker]:
    """Run `celery -A kaireon worker` with one process for its tasks."""
    command = ["-m", "celery", "-A", "kaireon", "worker", "--concurrency", "1", "--loglevel", "WARNING"]
    with running(command, environment(inbox, **executing(broker))) as worker:
        yield worker


@contextmanager
def sweeper(inbox: Path, broker: RedisServer) -> Iterator[Worker]:
    """Run what recovers runs and tells Celery's workers of those that wait."""
    with flow_worker(inbox, "--idle-seconds", "0.2", **executing(broker)) as worker:
        yield worker


def executing(broker: RedisServer) -> dict[str, str]:
    """Return what an operator sets."""
    return {"RUN_EXECUTOR": "celery", "CELERY_BROKER_URL": broker.url}


def has_ended(run: PipelineRun) -> bool:
    """Tell whether the run has ended."""
    return fresh(run).finished_at is not None


def test_a_worker_killed_in_the_middle_of_the_copy_is_followed_by_another(
    acme: Tenant, inbox: Path, table: str, broker: RedisServer
) -> None:
    run = a_run(acme, inbox)
    with sweeper(inbox, broker):
        held = at(BEFORE_INSERT, "NEW.id = 500")
        with gate_in(held, table) as gate, celery_worker(inbox, broker) as worker:
            wait_until(gate.is_reached, 60)
            worker.kill()
            gate.terminate_waiting()
            # The sweeper beats on: only the dead one's lease may run out.
            gate.holder.execute("SELECT pg_advisory_unlock_all()")
        at_the_kill = (fresh(run).status, rows_in(table))
        lapse(run)
        with celery_worker(inbox, broker):
            wait_until(lambda: has_ended(run), 60)

    assert at_the_kill == ("running", [])
    expect_once(fresh(run), inbox, table)


def test_a_worker_killed_after_the_commit_is_followed_by_one_that_archives(
    acme: Tenant, inbox: Path, table: str, broker: RedisServer
) -> None:
    run = a_run(acme, inbox)
    done = at(BEFORE_UPDATE, "NEW.status = 'completed' AND OLD.status <> 'completed'")
    with gate_in(done, RUNS) as gate:
        with sweeper(inbox, broker) as sweeping, celery_worker(inbox, broker) as worker:
            wait_until(gate.is_reached, 60)
            sweeping.kill()
            worker.kill()
        gate.terminate_waiting()
        gate.lift()
    lapse(run)

    with sweeper(inbox, broker):
        wait_until(lambda: has_ended(run), 60)

    expect_once(fresh(run), inbox, table)


def test_a_broker_that_forgets_its_tasks_delays_runs_and_loses_none(
    acme: Tenant, inbox: Path, table: str, broker: RedisServer
) -> None:
    run = a_run(acme, inbox)
    with flow_worker(inbox, **executing(broker)) as told:
        told.finish()
    with broker.client as client:
        waiting = client.llen(QUEUE)
    broker.stop()
    broker.start()

    with sweeper(inbox, broker), celery_worker(inbox, broker):
        wait_until(lambda: has_ended(run), 60)

    assert waiting == 1
    expect_once(fresh(run), inbox, table)


def test_a_task_that_comes_twice_or_of_no_run_does_nothing(
    acme: Tenant, inbox: Path, table: str, broker: RedisServer
) -> None:
    run = a_run(acme, inbox)
    with app.connection_for_write(broker.url) as connection:
        for run_id in (run.pk, uuid.uuid4(), run.pk, run.pk):
            app.send_task(TASK, args=[str(run_id)], queue=QUEUE, connection=connection)

    with celery_worker(inbox, broker):
        wait_until(lambda: has_ended(run), 60)
        drop(inbox, "orders-2.csv", [(5_000, 1.0)])
        second = dispatched_run(run.pipeline, timezone.now())
        with app.connection_for_write(broker.url) as connection:
            app.send_task(TASK, args=[str(second.pk)], queue=QUEUE, connection=connection)
        wait_until(lambda: has_ended(second), 60)

    assert rows_in(table) == [*ROWS, (5_000, 1.0)]
