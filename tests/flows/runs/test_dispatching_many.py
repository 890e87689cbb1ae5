"""Many runs at once: as one by one, in a constant number of statements, one refused keeping no other."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from flows.decisions.runs import NotBegun
from flows.decisions.vocabulary import Overlap, TriggerSource
from flows.executors import tell_with
from flows.models import Pipeline, PipelineRun
from flows.services.dispatching import Dispatched, RunRequest, dispatch_runs
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import MINUTE, NOW, claim, dispatch, find, fresh_pipeline, make_pipeline, plain_ir

pytestmark = pytest.mark.django_db


def asked(pipeline: Pipeline, source: TriggerSource = TriggerSource.SCHEDULE, **given: Any) -> RunRequest:
    """Ask for a run of a pipeline."""
    return RunRequest(
        **{"tenant_id": pipeline.tenant_id, "pipeline_id": pipeline.pk, "trigger_source": source,
           "requested_by": "scheduler", **given}
    )  # fmt: skip


def dispatched(*requests: RunRequest) -> list[Dispatched]:
    """Dispatch in a transaction of its own."""
    with transaction.atomic():
        return dispatch_runs(requests, now=NOW)


def runs_of(pipeline: Pipeline) -> list[PipelineRun]:
    rows = PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    return list(rows.order_by("created_at", "pk"))


def occurrence(text: str) -> dict[str, str]:
    return {"occurrenceAt": f"2026-04-17T{text}:00.000Z"}


def test_each_run_is_what_one_dispatched_alone_would_be(acme: Tenant) -> None:
    one = make_pipeline(acme, plain_ir(maxAttempts=4), name="One", execution_config={"timeLimitSeconds": 90})
    two = make_pipeline(acme, name="Two")
    alone = dispatch(one, trigger_source=TriggerSource.API, requested_by="scheduler", parameters={"a": 1})

    answers = dispatched(asked(one, TriggerSource.API, parameters={"a": 1}), asked(two, not_before=NOW + MINUTE))

    rows = [find(acme.pk, run_id) for run_id in (alone.run_id, answers[0].run_id) if run_id]
    shown = [{k: v for k, v in vars(row).items() if k not in {"id", "_state"}} for row in rows]
    assert shown[0] == shown[1]
    assert (rows[1].max_attempts, rows[1].time_limit_seconds) == (4, 90)
    assert runs_of(two)[0].not_before == NOW + MINUTE
    assert [fresh_pipeline(each).last_run_at for each in (one, two)] == [NOW, NOW]


def test_one_that_cannot_be_says_why_and_keeps_no_other(acme: Tenant, globex: Tenant) -> None:
    good, unpublished = make_pipeline(acme, name="Good"), make_pipeline(acme, name="None", live_version=None)
    paused, foreign = make_pipeline(acme, name="Paused", paused_at=NOW), make_pipeline(globex)

    answers = dispatched(
        asked(unpublished), asked(paused), asked(foreign, tenant_id=acme.pk), asked(good, version=9),
        asked(good, pipeline_id=uuid.uuid4()), asked(good),
    )  # fmt: skip

    assert [answer.problem for answer in answers] == ["NOT_PUBLISHED", "", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", ""]
    assert [answer.run_id is None for answer in answers] == [True, True, True, True, True, False]
    assert (answers[1].reason, answers[3].reason) == (NotBegun.PAUSED, "The pipeline has no version 9.")
    assert (len(runs_of(good)), runs_of(foreign)) == (1, [])


@pytest.mark.parametrize(
    ("requests", "runs", "reasons"),
    [
        ([{}, {}], 1, ["", NotBegun.COALESCED]), ([{"coalesces": False}] * 3, 3, ["", "", ""]),
        ([{"coalesces": False}, {}], 2, ["", ""]),
        ([{}, {"overlap": Overlap.SKIP}], 1, ["", NotBegun.OVERLAP]),
        ([{"overlap": Overlap.SKIP}] * 2, 1, ["", NotBegun.OVERLAP]), ([{"overlap": Overlap.ALLOW}] * 2, 2, ["", ""]),
        ([{"source": TriggerSource.FILE_ARRIVAL}] * 2, 2, ["", ""]),
    ],
    ids=["queue", "each-its-own", "own-then-queue", "skip-after", "skip", "allow", "files"],
)  # fmt: skip
def test_requests_of_one_pipeline_see_those_before_them(
    acme: Tenant, requests: list[dict[str, Any]], runs: int, reasons: list[str]
) -> None:
    pipeline = make_pipeline(acme)

    answers = dispatched(*(asked(pipeline, **request) for request in requests))

    assert (len(runs_of(pipeline)), [answer.reason for answer in answers]) == (runs, reasons)


def test_a_run_that_waits_stands_for_the_latest_occurrence_and_never_for_an_older_one(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    (first,) = dispatched(asked(pipeline, parameters=occurrence("09:00")))

    later = dispatched(asked(pipeline, parameters=occurrence("10:00")), asked(pipeline, parameters=occurrence("08:00")))

    (run,) = runs_of(pipeline)
    assert ({answer.run_id for answer in later}, run.parameters) == ({first.run_id}, occurrence("10:00"))


def test_a_new_run_of_a_batch_stands_for_the_latest_too(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)

    dispatched(*(asked(pipeline, parameters=occurrence(text)) for text in ("09:00", "11:00", "10:00")))

    assert [run.parameters for run in runs_of(pipeline)] == [occurrence("11:00")]


def test_runs_of_one_moment_are_claimed_in_the_order_in_which_they_were_asked_for(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    answers = dispatched(*(asked(pipeline, coalesces=False, overlap=Overlap.ALLOW) for _ in range(20)))

    claims = [claim(NOW) for _ in range(3)]

    assert [each and each.run_id for each in claims] == [answer.run_id for answer in answers[:3]]


def test_a_backfill_does_not_move_the_last_run(acme: Tenant) -> None:
    pipeline = make_pipeline(acme, last_run_at=NOW - MINUTE)

    dispatched(asked(pipeline, TriggerSource.BACKFILL, coalesces=False))

    assert (fresh_pipeline(pipeline).last_run_at, fresh_pipeline(pipeline).last_run_status) == (NOW - MINUTE, "pending")


def test_the_statements_do_not_depend_on_how_many_are_asked_for(acme: Tenant) -> None:
    counts = []
    for many in (1, 50):
        pipelines = [make_pipeline(acme, name=f"P{many}-{number}") for number in range(many)]
        overlaps = [Overlap.QUEUE, Overlap.SKIP]
        requests = [asked(pipeline, overlap=overlap) for pipeline in pipelines for overlap in overlaps]
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            dispatch_runs(requests, now=NOW)
        counts.append(len(captured))

    assert counts == [6, 6]


def test_a_long_history_is_not_read(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    history = [
        PipelineRun(tenant=acme, pipeline=pipeline, ir_version=1, trigger_source="schedule", status="completed",
                    not_before=NOW, created_at=NOW)
        for _ in range(3_000)
    ]  # fmt: skip
    PipelineRun.objects.bulk_create(history)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE flows_pipelinerun")
        cursor.execute(
            "EXPLAIN SELECT id FROM flows_pipelinerun WHERE pipeline_id = %s AND status = 'pending' "
            "ORDER BY created_at, id LIMIT 1",
            [pipeline.pk],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "pipelinerun_open_of" in plan


def test_nothing_is_asked_of_the_database_for_nothing(acme: Tenant) -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        assert dispatch_runs([], now=NOW) == []

    assert len(captured) == 0


def test_nothing_is_dispatched_outside_of_a_transaction(transactional_db: None) -> None:
    with pytest.raises(RuntimeError):
        dispatch_runs([], now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_batches_in_opposite_order_do_not_wait_for_each_other_in_a_ring(acme: Tenant) -> None:
    pipelines = [make_pipeline(acme, name=f"P{number}") for number in range(8)]
    both, done = threading.Barrier(2), []

    def go(order: list[Pipeline]) -> None:
        both.wait(20)
        for _ in range(5):
            dispatched(*(asked(pipeline, TriggerSource.FILE_ARRIVAL) for pipeline in order))
        done.append(len(order))
        connection.close()

    threads = [threading.Thread(target=go, args=(order,)) for order in (pipelines, pipelines[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (done, [len(runs_of(pipeline)) for pipeline in pipelines]) == ([8, 8], [10] * 8)


@pytest.mark.django_db(transaction=True)
def test_an_executor_is_told_of_every_run_after_the_commit(acme: Tenant, settings: Any) -> None:
    told: list[uuid.UUID] = []
    tell_with("TEST-MANY", told.append)
    settings.RUN_EXECUTOR = "TEST-MANY"
    pipelines = [make_pipeline(acme, name=f"P{number}") for number in range(3)]

    with transaction.atomic():
        answers = dispatch_runs([asked(pipeline) for pipeline in pipelines], now=NOW)
        before = list(told)

    assert (before, told) == ([], [answer.run_id for answer in answers])
