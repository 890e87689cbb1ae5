"""How runs begin: one way in, in its caller's transaction, with the overlap that was wished."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from flows.decisions.runs import NotBegun
from flows.decisions.vocabulary import Overlap, RunStatus, TriggerSource
from flows.executors import LOCAL, hand_on, tell_with
from flows.models import Pipeline, PipelineRun
from flows.services import cancel_run, dispatch_run, retry_run, run_pipeline_now
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import (
    MINUTE,
    NOW,
    claim,
    claimed,
    dispatch,
    dispatched_run,
    find,
    fresh,
    fresh_pipeline,
    log_of,
    make_pipeline,
    plain_ir,
)
from tests.people import Person

pytestmark = pytest.mark.django_db


def actor_of(person: Person) -> Actor:
    """Return the actor that a signed-in person is."""
    return Actor(kind="user", name=person.user.email, role=person.role, user_id=person.user.pk)


def count(pipeline: Pipeline) -> int:
    return PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).count()


def test_a_run_is_of_the_live_version_with_what_the_pipeline_says(acme: Tenant) -> None:
    pipeline = make_pipeline(acme, plain_ir(maxAttempts=4), execution_config={"timeLimitSeconds": 90})

    run = dispatched_run(pipeline, parameters={"occurrenceAt": "2026-04-01T00:00:00+00:00"})

    assert (run.status, run.ir_version, run.max_attempts, run.time_limit_seconds) == ("pending", 1, 4, 90)
    assert (run.parameters["occurrenceAt"][:10], run.not_before, run.overlap) == ("2026-04-01", NOW, "queue")
    assert (fresh_pipeline(pipeline).last_run_at, fresh_pipeline(pipeline).last_run_status) == (NOW, "pending")


def test_a_run_that_waits_is_not_begun_before_its_time(acme: Tenant) -> None:
    run = dispatched_run(make_pipeline(acme), not_before=NOW + MINUTE)

    assert (claim(NOW), claim(NOW + MINUTE) is not None) == (None, True)
    assert fresh(run).status == "running"


def test_nothing_is_dispatched_outside_of_a_transaction(transactional_db: None) -> None:
    with pytest.raises(RuntimeError):
        dispatch_run(
            tenant_id=uuid.uuid4(), pipeline_id=uuid.uuid4(), trigger_source="manual", requested_by="", now=NOW
        )


def test_a_run_goes_with_its_callers_transaction(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)

    def fail_after_dispatching() -> None:
        with transaction.atomic():
            dispatch(pipeline)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_dispatching()

    assert (count(pipeline), fresh_pipeline(pipeline).last_run_at) == (0, None)


def test_a_pipeline_of_another_tenant_is_not_found(acme: Tenant, globex: Tenant) -> None:
    pipeline = make_pipeline(acme)

    with pytest.raises(NotFound), transaction.atomic():
        dispatch_run(tenant_id=globex.pk, pipeline_id=pipeline.pk, trigger_source="manual", requested_by="", now=NOW)


def test_a_pipeline_without_a_live_version_says_so(acme: Tenant) -> None:
    with pytest.raises(Conflict, match="publish one first"):
        dispatch(make_pipeline(acme, live_version=None))


def test_a_version_that_is_not_there_is_not_found(acme: Tenant) -> None:
    with pytest.raises(NotFound, match="no version 7"):
        dispatch(make_pipeline(acme), version=7)


@pytest.mark.parametrize(
    ("source", "begins"),
    [("schedule", False), ("file_arrival", False), ("manual", True), ("api", True), ("backfill", True)],
)
def test_while_paused_only_people_run_a_pipeline(acme: Tenant, source: str, begins: bool) -> None:
    dispatched = dispatch(make_pipeline(acme, paused_at=NOW), trigger_source=source)

    assert (dispatched.run_id is not None) is begins
    assert dispatched.reason == ("" if begins else NotBegun.PAUSED)


# --- overlap


def test_with_skip_no_run_begins_beside_one_that_waits_or_is_under_way(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    dispatch(pipeline)
    waiting = dispatch(pipeline, overlap=Overlap.SKIP)
    claim()
    under_way = dispatch(pipeline, overlap=Overlap.SKIP)

    assert [waiting.run_id, under_way.run_id] == [None, None]
    assert (waiting.reason, count(pipeline)) == (NotBegun.OVERLAP, 1)


def test_with_skip_a_run_begins_after_the_last_has_ended(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    PipelineRun.objects.for_tenant(acme).filter(pk=dispatched_run(pipeline).pk).update(status=RunStatus.COMPLETED)

    assert dispatch(pipeline, overlap=Overlap.SKIP).run_id is not None


def test_scheduled_runs_that_wait_are_one_for_the_latest_occurrence(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    first = dispatch(pipeline, trigger_source=TriggerSource.SCHEDULE, parameters={"occurrenceAt": "first"})
    second = dispatch(pipeline, trigger_source=TriggerSource.SCHEDULE, parameters={"occurrenceAt": "second"})

    assert (second.run_id, second.reason, count(pipeline)) == (first.run_id, NotBegun.COALESCED, 1)
    assert first.run_id is not None
    assert find(acme.pk, first.run_id).parameters == {"occurrenceAt": "second"}


@pytest.mark.parametrize("source", ["file_arrival", "manual", "backfill"])
def test_other_runs_that_wait_each_keep_theirs(acme: Tenant, source: str) -> None:
    pipeline = make_pipeline(acme)

    ids = {dispatch(pipeline, trigger_source=source).run_id for _ in range(3)}

    assert len(ids) == 3


def test_a_scheduled_run_that_was_begun_stands_for_no_other(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    first = dispatch(pipeline, trigger_source=TriggerSource.SCHEDULE)
    claim()

    second = dispatch(pipeline, trigger_source=TriggerSource.SCHEDULE)

    assert second.run_id not in {None, first.run_id}


@pytest.mark.django_db(transaction=True)
def test_two_that_ask_at_once_with_skip_get_one_run(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    both, got = threading.Barrier(2), []

    def ask() -> None:
        both.wait(10)
        got.append(dispatch(pipeline, overlap=Overlap.SKIP).run_id)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(each is None for each in got) == [False, True]


# --- people


def test_run_now_is_audited_and_belongs_to_whoever_asked(transactional_db: None, acme: Tenant, alice: Person) -> None:
    pipeline = make_pipeline(acme)

    run = run_pipeline_now(tenant=acme, pipeline_id=pipeline.pk, actor=actor_of(alice), now=NOW)

    entry = AuditEntry.objects.for_tenant(acme).get(entity_type="pipeline_run")
    assert (run.requested_by, run.trigger_source) == (alice.user.email, "manual")
    assert (entry.action, entry.entity_id) == ("run_now", str(run.pk))


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_retry_is_a_new_run_of_the_same_version(
    transactional_db: None, acme: Tenant, alice: Person, status: str
) -> None:
    old = dispatched_run(make_pipeline(acme), parameters={"occurrenceAt": "then"})
    PipelineRun.objects.for_tenant(acme).filter(pk=old.pk).update(status=status)

    new = retry_run(tenant=acme, run_id=old.pk, actor=actor_of(alice), now=NOW + MINUTE)

    assert (new.pk != old.pk, new.retry_of_id, new.trigger_source) == (True, old.pk, "retry")
    assert (new.ir_version, new.parameters, fresh(old).status) == (1, {"occurrenceAt": "then"}, status)


@pytest.mark.parametrize("status", ["pending", "running", "completed", "completed_with_errors"])
def test_only_what_ended_badly_is_tried_again(transactional_db: None, acme: Tenant, alice: Person, status: str) -> None:
    run = dispatched_run(make_pipeline(acme))
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(status=status)

    with pytest.raises(Conflict, match="Only a failed or cancelled run"):
        retry_run(tenant=acme, run_id=run.pk, actor=actor_of(alice), now=NOW)


def test_a_run_that_waits_is_cancelled_at_once(transactional_db: None, acme: Tenant, alice: Person) -> None:
    pipeline = make_pipeline(acme)
    run = dispatched_run(pipeline)

    cancelled = cancel_run(tenant=acme, run_id=run.pk, actor=actor_of(alice), now=NOW + MINUTE)

    assert (cancelled.status, fresh(run).finished_at) == ("cancelled", NOW + MINUTE)
    assert (fresh(run).error, claim()) == (f"Cancelled by {alice.user.email}.", None)
    assert fresh_pipeline(pipeline).last_run_status == "cancelled"
    assert "Cancelled by" in log_of(run)


def test_a_run_under_way_is_asked_to_stop_once(transactional_db: None, acme: Tenant, alice: Person) -> None:
    _, run = claimed(make_pipeline(acme))

    first = cancel_run(tenant=acme, run_id=run.pk, actor=actor_of(alice), now=NOW)
    again = cancel_run(tenant=acme, run_id=run.pk, actor=actor_of(alice), now=NOW + MINUTE)

    assert (first.status, again.cancel_requested_at) == ("running", NOW)
    assert AuditEntry.objects.for_tenant(acme).filter(action="cancel").count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"status": "completed"}, "ended already"), ({"committed_at": NOW}, "committed its rows")],
    ids=["ended", "committed"],
)
def test_what_has_happened_cannot_be_cancelled(
    transactional_db: None, acme: Tenant, alice: Person, changes: dict[str, Any], words: str
) -> None:
    _, run = claimed(make_pipeline(acme))
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(**changes)

    with pytest.raises(Conflict, match=words):
        cancel_run(tenant=acme, run_id=run.pk, actor=actor_of(alice), now=NOW)


def test_runs_of_others_can_be_neither_cancelled_nor_tried_again(
    transactional_db: None, acme: Tenant, globex: Tenant, alice: Person
) -> None:
    run = dispatched_run(make_pipeline(acme))

    for service in (cancel_run, retry_run):
        with pytest.raises(NotFound):
            service(tenant=globex, run_id=run.pk, actor=actor_of(alice), now=NOW)


# --- executors


def test_a_broker_that_is_away_loses_no_run(settings: Any) -> None:
    def send(run_id: uuid.UUID) -> None:
        raise ConnectionError("broker is away")

    tell_with("TEST", send)
    settings.RUN_EXECUTOR = "TEST"

    assert hand_on(uuid.uuid4()) is False


def test_an_executor_is_told_after_the_commit(transactional_db: None, acme: Tenant, settings: Any) -> None:
    told: list[uuid.UUID] = []
    tell_with("TEST", told.append)
    settings.RUN_EXECUTOR = "TEST"
    pipeline = make_pipeline(acme)

    with transaction.atomic():
        run_id = dispatch_run(
            tenant_id=acme.pk, pipeline_id=pipeline.pk, trigger_source="api", requested_by="", now=NOW
        ).run_id
        before = list(told)

    assert (before, told) == ([], [run_id])


def test_workers_that_look_are_told_nothing(settings: Any) -> None:
    settings.RUN_EXECUTOR = LOCAL

    assert hand_on(uuid.uuid4()) is False
