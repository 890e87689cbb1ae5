"""The copy of a schedule: kept in the transaction that saves, publishes, pauses or deletes, with the counts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from flows.models import Pipeline, PipelineVersion
from flows.services import (
    create_pipeline,
    delete_pipeline,
    pause_pipeline,
    publish_version,
    resume_pipeline,
    save_version,
)
from kaireon.platform.errors import BadRequest, Conflict, DomainError
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import orders_ir
from tests.triggers.tick.world import (
    DAY,
    HOUR,
    HOURLY,
    MINUTE,
    NOW,
    SECOND,
    at,
    counts_of,
    outcomes,
    rows_of,
    runs_of,
    schedule_of,
    scheduled,
    tick,
)
from triggers.models import PipelineSchedule

pytestmark = pytest.mark.django_db
LATER = NOW + 10 * MINUTE
DAILY = {"kind": "cron", "expression": "0 6 * * *"}


def save(pipeline: Pipeline, schedule: dict[str, Any] | None, *, now: datetime = LATER, publish: bool = True) -> None:
    """Save a version with another schedule, and publish it."""
    ir = orders_ir(**({} if schedule is None else {"schedule": schedule}))
    save_version(tenant=pipeline.tenant, pipeline_id=pipeline.pk, ir=ir, actor=SYSTEM, now=now, publish=publish)


def pause(pipeline: Pipeline, now: datetime) -> None:
    pause_pipeline(tenant=pipeline.tenant, pipeline_id=pipeline.pk, actor=SYSTEM, now=now)


def resume(pipeline: Pipeline, now: datetime) -> None:
    resume_pipeline(tenant=pipeline.tenant, pipeline_id=pipeline.pk, actor=SYSTEM, now=now)


@contextmanager
def closing_connection() -> Iterator[None]:
    """Close the connection of this thread in the end."""
    try:
        yield
    finally:
        connection.close()


def counted(tenant: Tenant) -> tuple[int, int]:
    """Return how many pipelines and scheduled ones are counted."""
    row = counts_of(tenant)
    return row.pipelines, row.scheduled


def test_a_new_schedule_looks_a_day_back(acme: Tenant) -> None:
    row = schedule_of(scheduled(acme))

    assert (row.state, row.version, row.decided_until, row.active_since) == ("active", 1, NOW - DAY, NOW)
    assert row.next_due_at == at(9, day=16)


def test_a_pipeline_without_a_schedule_is_counted_and_has_no_row(acme: Tenant) -> None:
    create_pipeline(tenant=acme, values={"name": "Plain", "ir": orders_ir()}, actor=SYSTEM, now=NOW)

    assert (counted(acme), PipelineSchedule.objects.for_tenant(acme).count()) == ((1, 0), 0)


def test_a_version_that_is_not_published_changes_nothing(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    before = schedule_of(pipeline)

    save(pipeline, DAILY, publish=False)

    assert (schedule_of(pipeline).spec, schedule_of(pipeline).updated_at) == (before.spec, before.updated_at)


@pytest.mark.parametrize(
    "same",
    [HOURLY, {**HOURLY, "timezone": "UTC"}, {**HOURLY, "overlap": "skip"}, {**HOURLY, "jitterSeconds": 60}],
    ids=["same", "default-said", "overlap", "jitter"],
)
def test_a_schedule_that_says_the_same_about_when_counts_on(acme: Tenant, same: dict[str, Any]) -> None:
    pipeline = scheduled(acme)
    tick()

    save(pipeline, same)

    row = schedule_of(pipeline)
    assert (row.version, row.decided_until, row.next_due_at, row.active_since) == (2, NOW, at(9), NOW)
    assert tick(LATER).due == 0


def test_a_changed_schedule_of_a_pipeline_that_never_ran_looks_a_day_back(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    save(pipeline, DAILY)
    tick(LATER)

    # What was due by the hour, and had no tick, is not gone silently.
    assert [each for each in outcomes(pipeline) if each[1] == "fired"] == [(at(6), "fired")]
    assert len([each for each in outcomes(pipeline) if each[1] == "missed"]) == 23


def test_a_changed_schedule_counts_from_the_last_run(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()

    save(pipeline, {"kind": "cron", "expression": "5 * * * *"})
    tick(LATER)

    assert [moment for moment, _ in outcomes(pipeline)][-2:] == [at(8), at(8, 5)]


def test_an_older_version_that_is_published_again_is_what_counts(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    save(pipeline, DAILY)

    publish_version(tenant=acme, pipeline_id=pipeline.pk, version=1, actor=SYSTEM, now=LATER + SECOND)

    assert (schedule_of(pipeline).version, schedule_of(pipeline).spec["expression"]) == (1, "0 * * * *")


def test_a_schedule_that_is_taken_away_has_no_row_and_is_not_counted(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    save(pipeline, None)

    assert (PipelineSchedule.objects.for_tenant(acme).count(), counted(acme), tick(LATER).due) == (0, (1, 0), 0)


def test_what_is_switched_off_never_fires_and_when_on_again_counts_from_then(acme: Tenant) -> None:
    pipeline = scheduled(acme, {**HOURLY, "enabled": False})
    off = schedule_of(pipeline)

    save(pipeline, HOURLY, now=NOW + 3 * HOUR)

    on = schedule_of(pipeline)
    assert ((off.state, off.next_due_at), (on.state, on.next_due_at)) == (("off", None), ("active", at(12)))
    assert (tick(NOW + 3 * HOUR).due, counted(acme)) == (0, (1, 1))


# --- pause and resume


def test_a_pause_stops_the_schedule_and_its_count(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    pause(pipeline, LATER)

    row = schedule_of(pipeline)
    assert (row.state, row.next_due_at, counted(acme), tick(LATER).due) == ("paused", None, (1, 0), 0)


def test_resuming_fires_nothing_at_once_and_says_what_fell_into_the_pause(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    pause(pipeline, LATER)

    resume(pipeline, at(11, 30))
    result = tick(at(11, 30))

    row = rows_of(pipeline)[-1]
    assert (row.outcome, row.occurrence_at, row.until, row.count) == ("paused", at(9), at(11), 3)
    assert (result.due, schedule_of(pipeline).next_due_at, counted(acme)) == (0, at(12), (1, 1))


def test_a_short_pause_leaves_no_row(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    pause(pipeline, LATER)

    resume(pipeline, LATER + MINUTE)

    assert len(rows_of(pipeline)) == 24
    assert schedule_of(pipeline).next_due_at == at(9)


def test_an_interval_counts_from_its_resumption(acme: Tenant) -> None:
    pipeline = scheduled(acme, {"kind": "interval", "minutes": 30})
    tick()
    pause(pipeline, LATER)

    resume(pipeline, NOW + 5 * HOUR)

    assert (tick(NOW + 5 * HOUR).due, schedule_of(pipeline).next_due_at) == (0, NOW + 5 * HOUR + 30 * MINUTE)
    assert (rows_of(pipeline)[-1].outcome, rows_of(pipeline)[-1].count) == ("paused", 1)


def test_a_schedule_that_is_changed_in_a_pause_counts_from_its_end(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    pause(pipeline, LATER)

    save(pipeline, DAILY, now=LATER + MINUTE)
    in_pause = schedule_of(pipeline)
    resume(pipeline, NOW + DAY)

    assert (in_pause.state, in_pause.next_due_at) == ("paused", None)
    assert (schedule_of(pipeline).next_due_at, runs_of(pipeline), tick(NOW + DAY).due) == (at(6, day=19), [], 0)


# --- unreadable


def make_unreadable(pipeline: Pipeline, **schedule: Any) -> None:
    """Make version 1 one that an older release has saved: the database itself refuses changes to it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).update(
            ir=orders_ir(schedule=schedule)
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


@pytest.mark.parametrize(
    "schedule",
    [{"kind": "cron", "expression": "0 25 * * *"}, {"kind": "cron", "expression": "0 9 * * *", "timezone": "No/Where"},
     {"kind": "sundial"}],
    ids=["hour", "zone", "kind"],
)  # fmt: skip
def test_what_cannot_be_read_any_more_is_parked_when_it_is_looked_at_and_unparked_by_a_save(
    acme: Tenant, schedule: dict[str, Any]
) -> None:
    pipeline = scheduled(acme)
    make_unreadable(pipeline, **schedule)

    pause(pipeline, LATER)
    resume(pipeline, LATER + MINUTE)
    parked, count = schedule_of(pipeline), counted(acme)
    alert = SystemHealthAlert.objects.for_tenant(acme).get()
    save(pipeline, HOURLY, now=LATER + 2 * MINUTE)

    assert (parked.state, parked.next_due_at, bool(parked.reason), count) == ("parked", None, True, (1, 0))
    assert rows_of(pipeline)[-1].outcome in {"parked", "paused"}
    assert "parked" in [row.outcome for row in rows_of(pipeline)]
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    assert (schedule_of(pipeline).state, counted(acme)) == ("active", (1, 1))


def test_a_save_of_a_schedule_that_cannot_be_read_is_refused_and_changes_nothing(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    before = schedule_of(pipeline)

    for schedule in ({"kind": "cron", "expression": "0 25 * * *"}, {"kind": "sundial"}):
        with pytest.raises((DomainError, BadRequest)):
            save(pipeline, schedule)

    assert (schedule_of(pipeline).updated_at, counted(acme)) == (before.updated_at, (1, 1))


# --- counts


def test_a_deleted_pipeline_is_counted_no_more(acme: Tenant) -> None:
    pipelines = [scheduled(acme, name=name) for name in ("One", "Two")]

    delete_pipeline(tenant=acme, pipeline_id=pipelines[0].pk, actor=SYSTEM, now=LATER)

    assert (counted(acme), PipelineSchedule.objects.for_tenant(acme).count()) == ((1, 1), 1)


def test_a_paused_pipeline_that_is_deleted_is_taken_off_once(acme: Tenant) -> None:
    keep, pipeline = scheduled(acme, name="Keep"), scheduled(acme, name="Go")
    pause(pipeline, LATER)

    delete_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=LATER)

    assert (counted(acme), schedule_of(keep).state) == ((1, 1), "active")


def test_the_alert_of_a_parked_schedule_goes_with_its_pipeline(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    PipelineSchedule.objects.for_tenant(acme).update(spec={"kind": "sundial"})
    tick()

    delete_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=LATER)

    assert (SystemHealthAlert.objects.for_tenant(acme).get().resolved_at, counted(acme)) == (LATER, (0, 0))


@pytest.mark.django_db(transaction=True)
def test_counts_are_right_when_many_save_pause_and_delete_at_once(acme: Tenant) -> None:
    pipelines = [scheduled(acme, name=f"P{number}") for number in range(9)]

    def work(number: int) -> None:
        with closing_connection():
            if number % 3 == 0:
                delete_pipeline(tenant=acme, pipeline_id=pipelines[number].pk, actor=SYSTEM, now=LATER)
            elif number % 3 == 1:
                pause(pipelines[number], LATER)
            else:
                scheduled(acme, name=f"Q{number}", now=LATER)

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(work, range(9)))

    assert counted(acme) == (9, 6)


@pytest.mark.django_db(transaction=True)
def test_saving_and_ticking_at_once_never_wait_for_each_other_in_a_ring(acme: Tenant) -> None:
    pipelines = [scheduled(acme, {"kind": "cron", "expression": "* * * * *"}, name=f"P{n}") for n in range(6)]

    def save_often() -> None:
        with closing_connection():
            for number in range(30):
                save(pipelines[number % 6], {**HOURLY, "expression": f"{number} * * * *"}, now=NOW)

    with ThreadPoolExecutor(1) as pool:
        saving, ticks = pool.submit(save_often), 0
        while not saving.done():
            tick(NOW + ticks * SECOND)
            ticks += 1

    assert (saving.exception(), ticks > 1) == (None, True)


def test_a_change_that_is_undone_is_not_counted(acme: Tenant) -> None:
    scheduled(acme)

    with pytest.raises(Conflict):
        scheduled(acme)

    assert counted(acme) == (1, 1)
