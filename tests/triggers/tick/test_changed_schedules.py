"""A schedule that is changed before a tick came: nothing that was due goes by silently, and nothing counts twice."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from flows.models import Pipeline
from flows.services import create_pipeline, pause_pipeline, resume_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.triggers.files.world import trigger_ir
from tests.triggers.tick.test_mirroring_schedules import save
from tests.triggers.tick.test_ticking import jittered
from tests.triggers.tick.world import HOURLY, MINUTE, NOW, SECOND, at, outcomes, rows_of, runs_of, scheduled, tick
from triggers.decisions.due import CHANGED
from triggers.models import Occurrence, PipelineSchedule, TenantCounts

pytestmark = pytest.mark.django_db
HALF_PAST = {"kind": "cron", "expression": "30 * * * *"}


def ticked(tenant: Tenant, schedule: dict[str, Any] | None = None) -> Pipeline:
    """Return a pipeline that ticked at NOW and had its run of 08:00."""
    pipeline = scheduled(tenant, schedule)
    tick()
    return pipeline


@pytest.mark.parametrize(
    "other", [{"kind": "cron", "expression": "45 9 * * *"}, {**HOURLY, "enabled": False}, None],
    ids=["other", "off", "none"],
)  # fmt: skip
def test_what_is_due_when_the_schedule_makes_way_is_missed(acme: Tenant, other: dict[str, Any] | None) -> None:
    pipeline = ticked(acme)

    save(pipeline, other, now=at(9, 0, 10))
    tick(at(9, 0, 30))

    row = rows_of(pipeline)[-1]
    assert (row.occurrence_at, row.outcome, row.reason, row.run_id) == (at(9), "missed", CHANGED, None)
    assert (row.via, row.version, len(runs_of(pipeline))) == ("person", 1, 1)


def test_what_both_name_is_decided_once_by_the_new_one(acme: Tenant) -> None:
    pipeline = ticked(acme)

    save(pipeline, {"kind": "cron", "expression": "*/30 * * * *"}, now=at(9, 0, 10))
    tick(at(9, 0, 30))

    assert outcomes(pipeline)[-2:] == [(at(8, 30), "coalesced"), (at(9), "coalesced")]
    # A run of 08:00 still waits, and stands for it.
    assert {row.run_id for row in rows_of(pipeline)[-2:]} == {runs_of(pipeline)[0].pk}


@pytest.mark.parametrize("minutes", [60, 45])
def test_an_interval_takes_over_what_is_its_own_turn(acme: Tenant, minutes: int) -> None:
    pipeline = ticked(acme)
    Pipeline.objects.for_tenant(acme).update(last_run_at=at(8))

    save(pipeline, {"kind": "interval", "minutes": minutes}, now=at(9, 0, 10))

    assert (rows_of(pipeline)[-1].outcome == "missed") == (minutes == 45)


def test_what_fell_into_a_pause_until_another_timing_was_saved_has_its_row(acme: Tenant) -> None:
    pipeline = ticked(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=at(8, 10))

    save(pipeline, HALF_PAST, now=at(12, 0, 10))
    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=at(12, 40))

    told = [(row.occurrence_at, row.until, row.count, row.outcome, row.reason) for row in rows_of(pipeline)[-2:]]
    assert told == [
        (at(9), at(12), 4, "paused", CHANGED), (at(12, 30), None, 1, "paused", "The pipeline was paused."),
    ]  # fmt: skip


def test_what_jitter_holds_does_not_fire_after_the_schedule_was_changed(acme: Tenant) -> None:
    pipeline, held = jittered(acme)
    assert held.due_at is not None

    save(pipeline, {"kind": "cron", "expression": "30 23 * * *"}, now=at(8, 0, 1))
    tick(held.due_at)

    row = Occurrence.objects.for_tenant(acme).get(pk=held.pk)
    assert (row.outcome, row.reason, row.due_at, row.held_for) == ("missed", CHANGED, None, "")
    assert "2026-04-17T08" not in str([run.parameters for run in runs_of(pipeline)])


def test_a_window_does_not_reach_back_over_what_the_ledger_has(acme: Tenant) -> None:
    pipeline = scheduled(acme, {"kind": "cron", "expression": "*/10 * * * *", "overlap": "skip"}, now=at(7, 59))
    for minute in range(0, 60, 10):
        tick(at(8, minute, 5))
    before = outcomes(pipeline)

    save(pipeline, {"kind": "cron", "expression": "*/5 * * * *", "overlap": "skip"}, now=at(8, 57))
    tick(at(8, 57, 30))

    assert outcomes(pipeline) == [*before, (at(8, 55), "skipped_overlap")]


def test_a_schedule_that_comes_back_does_not_reach_back_over_a_stretch(acme: Tenant) -> None:
    pipeline = ticked(acme, {"kind": "cron", "expression": "* * * * *"})
    Pipeline.objects.for_tenant(acme).update(last_run_at=None)
    save(pipeline, None, now=NOW + 10 * SECOND)

    save(pipeline, {"kind": "cron", "expression": "*/7 * * * *"}, now=NOW + 9 * MINUTE)

    assert PipelineSchedule.objects.for_tenant(acme).get().decided_until == at(8)


def test_an_interval_that_is_new_counts_from_the_last_run(acme: Tenant) -> None:
    pipeline = ticked(acme)
    Pipeline.objects.for_tenant(acme).update(last_run_at=at(7))

    save(pipeline, {"kind": "interval", "minutes": 60})

    assert PipelineSchedule.objects.for_tenant(acme).get().next_due_at == at(8)


def test_what_cannot_be_read_any_more_leaves_nothing(acme: Tenant) -> None:
    pipeline = ticked(acme)
    PipelineSchedule.objects.for_tenant(acme).update(spec={"kind": "sundial"})

    save(pipeline, HALF_PAST, now=at(9, 0, 10))

    assert "missed" not in {outcome for _, outcome in outcomes(pipeline)}


@pytest.mark.django_db(transaction=True)
def test_a_save_waits_for_the_counts_only_when_it_holds_all_else(acme: Tenant, inbox: Path) -> None:
    values = {"name": "Both", "ir": {**trigger_ir(), "schedule": HOURLY}}
    pipeline = create_pipeline(tenant=acme, values=values, actor=SYSTEM, now=NOW)
    done: list[str] = []

    def pause() -> None:
        try:
            pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW + SECOND)
            done.append("paused")
        finally:
            connection.close()

    saver = threading.Thread(target=pause)
    with transaction.atomic():
        # As a tick does: the schedule first, the counts after it.
        PipelineSchedule.objects.for_tenant(acme).select_for_update().get()
        saver.start()
        saver.join(0.5)
        TenantCounts.objects.for_tenant(acme).select_for_update().get()
    saver.join(20)

    assert done == ["paused"]
