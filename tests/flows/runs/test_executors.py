"""Who takes runs up: workers that look, or Celery's, which are told of every run that may begin."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from prometheus_client import REGISTRY

from flows import metrics
from flows.executors import CELERY, _senders, sweeping, tell_with
from flows.executors import celery as by_celery
from flows.executors.sweeping import sweep, sweep_or_work
from flows.models import PipelineRun
from kaireon.checks import check_executor
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import MINUTE, NOW, claimed, dispatched_run, fresh, make_pipeline, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings: Any) -> Iterator[list[uuid.UUID]]:
    """Let runs be handed on to a list instead of a broker."""
    settings.RUN_EXECUTOR = CELERY
    found: list[uuid.UUID] = []
    before = _senders.get(CELERY)
    tell_with(CELERY, found.append)
    sweeping._told.clear()
    yield found
    sweeping._told.clear()
    if before is not None:
        tell_with(CELERY, before)


def test_a_sweep_tells_of_every_run_that_may_begin_once(acme: Tenant, told: list[uuid.UUID]) -> None:
    first = dispatched_run(make_pipeline(acme))
    behind_it = dispatched_run(first.pipeline)
    later = dispatched_run(make_pipeline(acme, name="Later"), not_before=NOW + MINUTE)

    touched = [sweep_or_work(now=NOW, budget=soon(), is_ending=lambda: False) for _ in range(2)]

    # Both of the pipeline may begin; whichever is claimed first keeps the other waiting.
    assert (touched, sorted(map(str, told))) == ([2, 0], sorted(map(str, [first.pk, behind_it.pk])))
    assert later.pk not in told


def test_a_sweep_tells_again_of_a_run_that_has_waited_since(
    acme: Tenant, told: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dispatched_run(make_pipeline(acme))
    sweep(now=NOW, budget=soon())
    monkeypatch.setitem(sweeping._told, run.pk, sweeping._told[run.pk] - sweeping.SECONDS_TO_TELL_AGAIN)

    sweep(now=NOW, budget=soon())

    assert told == [run.pk, run.pk]


def test_a_sweep_forgets_runs_that_were_taken(acme: Tenant, told: list[uuid.UUID]) -> None:
    run = dispatched_run(make_pipeline(acme))
    sweep(now=NOW, budget=soon())
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(status="running", lease_until=NOW + MINUTE)

    sweep(now=NOW, budget=soon())

    assert sweeping._told == {}


def test_a_broker_that_is_away_is_asked_at_every_sweep(acme: Tenant, told: list[uuid.UUID]) -> None:
    run = dispatched_run(make_pipeline(acme))
    asked: list[uuid.UUID] = []

    def send(run_id: uuid.UUID) -> None:
        asked.append(run_id)
        raise ConnectionError("away")

    tell_with(CELERY, send)

    assert [sweep(now=NOW, budget=soon()) for _ in range(2)] == [0, 0]
    assert asked == [run.pk, run.pk]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_recovers_dead_runs_and_tells_of_them(acme: Tenant, told: list[uuid.UUID]) -> None:
    _, run = claimed(make_pipeline(acme))

    sweep(now=NOW + MINUTE, budget=soon())

    assert (fresh(run).status, told) == ("pending", [run.pk])


def test_a_task_carries_the_runs_id_and_needs_no_result() -> None:
    conf = by_celery.app.conf

    assert (conf.task_ignore_result, conf.task_acks_late, conf.worker_prefetch_multiplier) == (True, True, 1)
    assert by_celery.TASK in by_celery.app.tasks


def test_an_unreachable_broker_is_a_connection_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_celery.app.conf, "broker_url", "redis://127.0.0.1:1/0")

    with pytest.raises(ConnectionError):
        by_celery.send(uuid.uuid4())


@pytest.mark.parametrize(
    ("executor", "broker", "ids"),
    [
        ("CELERY", "", ["kaireon.E010"]),
        ("CELERY", "redis://localhost:6379/0", []),
        ("LOCAL", "", []),
    ],
    ids=["no broker", "a broker", "none needed"],
)
def test_celery_without_a_broker_is_refused(settings: Any, executor: str, broker: str, ids: list[str]) -> None:
    settings.RUN_EXECUTOR, settings.CELERY_BROKER_URL = executor, broker

    assert [message.id for message in check_executor()] == ids


def test_what_waits_is_read_at_scrape(acme: Tenant) -> None:
    dispatched_run(make_pipeline(acme))

    open_runs = dict(metrics._open_runs())

    assert open_runs[("pending",)] == 1.0
    assert open_runs[("running",)] == 0.0
    assert next(metrics._oldest_waiting())[1] > 0


def test_ended_runs_and_their_rows_are_counted() -> None:
    names = {metric.name for metric in REGISTRY.collect()}

    assert {"kaireon_pipeline_runs", "kaireon_pipeline_rows", "kaireon_pipeline_run_seconds"} <= names


@pytest.mark.django_db(transaction=True)
def test_one_pass_of_the_worker_runs_what_waits(acme: Tenant, settings: Any, tmp_path: Any) -> None:
    settings.FLOW_LOCAL_FS_ROOTS, settings.FLOW_TEMP_DIR = [str(tmp_path)], str(tmp_path / "work")
    run = dispatched_run(make_pipeline(acme))

    call_command("run_worker", "--once", "--only", "flows")

    assert fresh(run).status == "completed"
