"""Who works on a run: one at a time, fairly among tenants, until the lease has run out."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from flows.decisions.runs import LEASE, LONGEST_LEASE
from flows.decisions.vocabulary import Overlap, RunStatus
from flows.models import PipelineRun
from flows.services import claims
from flows.services.claims import (
    Claim,
    LeaseLost,
    Scope,
    claim_run,
    claimable_runs,
    fence,
    lease_after,
    mine,
    postpone,
    requeue,
    take_over,
)
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import MINUTE, NOW, SECOND, claim, claimed, dispatched_run, fresh, make_pipeline

pytestmark = pytest.mark.django_db

LAPSED = NOW + LEASE
ALL = Scope(worker="test")


def test_a_claim_is_written_on_the_run(acme: Tenant) -> None:
    found, run = claimed(make_pipeline(acme))

    assert (run.status, run.stage, run.claim_token, run.worker) == ("running", "listing", found.token, "test")
    assert (run.lease_until, run.started_at) == (NOW + LEASE, NOW)


def test_nothing_waits_so_nothing_is_claimed(db: None) -> None:
    assert claim() is None


def test_a_run_is_claimed_once(acme: Tenant) -> None:
    claimed(make_pipeline(acme))

    assert claim() is None


# --- overlap and bounds


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        ("queue", "queue", False),
        ("queue", "skip", False),
        ("allow", "queue", False),
        ("queue", "allow", True),
        ("allow", "allow", True),
    ],
)
def test_runs_of_one_pipeline_follow_one_another_unless_they_allow_it(
    acme: Tenant, first: str, second: str, beside: bool
) -> None:
    pipeline = make_pipeline(acme)
    dispatched_run(pipeline, overlap=first)
    claim()
    later = dispatched_run(pipeline)
    PipelineRun.objects.for_tenant(acme).filter(pk=later.pk).update(overlap=second)

    assert (claim() is not None) is beside


def test_the_next_run_of_a_pipeline_begins_when_the_last_has_ended(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    _, first = claimed(pipeline)
    second = dispatched_run(pipeline)
    PipelineRun.objects.for_tenant(acme).filter(pk=first.pk).update(status=RunStatus.FAILED)

    found = claim()

    assert found is not None
    assert found.run_id == second.pk


def test_the_database_itself_refuses_two_runs_of_a_pipeline_at_a_time(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    claimed(pipeline)
    second = dispatched_run(pipeline)

    with pytest.raises(IntegrityError, match="pipelinerun_one_at_a_time"):
        PipelineRun.objects.for_tenant(acme).filter(pk=second.pk).update(status=RunStatus.RUNNING)


def test_a_tenant_has_only_so_many_runs_under_way(acme: Tenant, globex: Tenant, settings: Any) -> None:
    settings.FLOW_RUNS_PER_TENANT = 2
    for number in range(4):
        dispatched_run(make_pipeline(acme, name=f"P{number}"))
    dispatched_run(make_pipeline(globex))

    tenants = [found.tenant_id for found in iter(claim, None)]

    assert sorted(map(str, tenants)) == sorted(map(str, [acme.pk, acme.pk, globex.pk]))


def test_many_runs_of_one_tenant_keep_nobody_elses_waiting(acme: Tenant, globex: Tenant) -> None:
    for number in range(3):
        dispatched_run(make_pipeline(acme, name=f"P{number}"))
    dispatched_run(make_pipeline(globex), now=NOW + SECOND)

    first, second = claim(NOW + MINUTE), claim(NOW + MINUTE)

    assert [each.tenant_id for each in (first, second) if each] == [acme.pk, globex.pk]


def test_a_tenant_that_was_served_stands_behind_one_that_was_not(acme: Tenant, globex: Tenant) -> None:
    dispatched_run(make_pipeline(acme))
    dispatched_run(make_pipeline(globex), now=NOW + SECOND)

    found = claim_run(now=NOW + MINUTE, scope=ALL, served=[acme.pk])

    assert found is not None
    assert found.tenant_id == globex.pk


def test_a_pipeline_that_was_begun_stands_behind_one_that_was_not(acme: Tenant) -> None:
    busy = make_pipeline(acme, name="Busy")
    dispatched_run(busy)
    waiting = make_pipeline(acme, name="Waiting")
    dispatched_run(waiting, now=NOW + SECOND)

    found = claim_run(now=NOW + MINUTE, scope=ALL, begun=[busy.pk])

    assert found is not None
    assert found.pipeline_id == waiting.pk


def test_a_claim_keeps_to_its_tenant_its_ids_and_what_was_not_tried(acme: Tenant, globex: Tenant) -> None:
    run, other = dispatched_run(make_pipeline(acme)), dispatched_run(make_pipeline(globex))

    assert claim(tenant_id=globex.pk, run_ids=[run.pk]) is None
    assert claim_run(now=NOW, scope=Scope(run_ids=[run.pk]), not_these=[run.pk]) is None
    assert claimable_runs(now=NOW, limit=10, scope=Scope(tenant_id=globex.pk)) == [other.pk]
    assert claimable_runs(now=NOW, limit=1, scope=ALL) == [run.pk]


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_keep_all_bounds(acme: Tenant, settings: Any) -> None:
    settings.FLOW_RUNS_PER_TENANT = 3
    pipelines = [make_pipeline(acme, name=f"P{number}") for number in range(5)]
    for pipeline in [*pipelines, *pipelines]:
        dispatched_run(pipeline)
    all_at_once, got = threading.Barrier(8), []

    def work() -> None:
        all_at_once.wait(10)
        got.append(claim())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    taken = [each for each in got if each]
    assert (len(got), len(taken), len({each.pipeline_id for each in taken})) == (8, 3, 3)


# --- tokens and leases


def test_a_dead_run_is_taken_over_by_one(acme: Tenant) -> None:
    old, run = claimed(make_pipeline(acme))

    early, new = take_over(now=LAPSED - SECOND, scope=ALL), take_over(now=LAPSED, scope=ALL)

    assert (early, take_over(now=LAPSED, scope=ALL)) == (None, None)
    assert new is not None
    assert (new.run_id, new.token != old.token, fresh(run).deaths) == (run.pk, True, 1)


def test_whoever_lost_the_lease_can_change_nothing(acme: Tenant) -> None:
    old, run = claimed(make_pipeline(acme))
    take_over(now=LAPSED, scope=ALL)

    with pytest.raises(LeaseLost):
        requeue(old, not_before=NOW)
    with pytest.raises(LeaseLost):
        postpone(old, until=NOW)
    with pytest.raises(LeaseLost):
        _fenced(old)
    assert (mine(old).exists(), fresh(run).status) == (False, "running")


def _fenced(found: Claim) -> None:
    with transaction.atomic():
        fence(found)


def test_a_lease_from_a_clock_that_was_ahead_is_waited_for_by_nobody(acme: Tenant) -> None:
    found, run = claimed(make_pipeline(acme))
    mine(found).update(lease_until=NOW + LONGEST_LEASE + MINUTE)

    assert take_over(now=NOW, scope=ALL) is not None
    assert fresh(run).deaths == 1


def test_a_run_that_waits_for_its_store_has_not_died(acme: Tenant) -> None:
    found, run = claimed(make_pipeline(acme))
    postpone(found, until=NOW + MINUTE)

    before, after = take_over(now=NOW, scope=ALL), take_over(now=NOW + MINUTE, scope=ALL)

    assert (before, after is not None, fresh(run).deaths) == (None, True, 0)


def test_a_run_given_back_waits_for_its_time(acme: Tenant) -> None:
    found, run = claimed(make_pipeline(acme))

    requeue(found, not_before=NOW + MINUTE, attempt=1)

    assert (fresh(run).status, fresh(run).stage, fresh(run).claim_token) == ("pending", "queued", None)
    assert (claim(), claim(NOW + MINUTE) is not None) == (None, True)


def test_a_lease_ends_after_its_length() -> None:
    assert (lease_after(NOW), lease_after(NOW, seconds=1)) == (NOW + LEASE, NOW + timedelta(seconds=1))


def test_overlap_words_are_those_of_the_contract() -> None:
    assert [each.value for each in Overlap] == ["queue", "skip", "allow"]


def test_who_is_under_way_is_looked_up_once_however_many_runs_wait(acme: Tenant) -> None:
    run = dispatched_run(make_pipeline(acme))
    listed = ", ".join(str(field.column) for field in PipelineRun._meta.local_fields if field.column != "id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO flows_pipelinerun (id, {listed}) SELECT gen_random_uuid(), {listed} "
            "FROM flows_pipelinerun, generate_series(1, 500) WHERE id = %s",
            [run.pk],
        )
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {claims._CLAIM}", explained())
        plan = cursor.fetchone()[0][0]["Plan"]

    assert [step["Actual Loops"] for step in steps_of(plan) if step.get("Subplan Name") == "CTE running"] == [1]
    assert [step for step in steps_of(plan) if str(step.get("Subplan Name", "")).startswith("SubPlan")
            and step["Actual Loops"] > 1] == []  # fmt: skip


def explained() -> dict[str, Any]:
    """Return what the claim takes."""
    return Scope(worker="test").parameters(NOW, []) | {"served": [], "begun": []}


def steps_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every step of a plan."""
    return [plan, *(step for part in plan.get("Plans", []) for step in steps_of(part))]
