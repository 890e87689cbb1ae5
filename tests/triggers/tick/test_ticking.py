"""The tick: what is due fires once and has its row, whoever else ticks, saves or fails meanwhile."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from flows.decisions.runs import NotBegun
from flows.models import Pipeline, PipelineRun
from kaireon.platform.budget import Budget
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.locks import xact_lock
from kaireon.platform.tenancy.models import Tenant
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
from triggers.decisions.vocabulary import TickSource
from triggers.models import Occurrence, PipelineSchedule, SchedulerTick
from triggers.services.ticking import SCHEDULER_LOCK, tick_scheduler

pytestmark = pytest.mark.django_db
EVERY_MINUTE = {"kind": "cron", "expression": "* * * * *"}


def settled(pipeline: Pipeline) -> None:
    """End the runs of a pipeline, as workers do."""
    PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).update(status="completed")


def fired(pipeline: Pipeline) -> list[datetime]:
    """Return the instants that fired."""
    return [row.occurrence_at for row in rows_of(pipeline) if row.outcome == "fired"]


# --- the seed's window


def test_a_pipeline_that_never_ran_fires_once_for_the_most_recent_occurrence_of_a_day(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    result = tick()

    assert (result.total_pipelines, result.scheduled, result.due, result.dispatched, result.failed) == (1, 1, 1, 1, 0)
    assert (fired(pipeline), len(runs_of(pipeline))) == ([at(8)], 1)
    assert {outcome for _, outcome in outcomes(pipeline)[:-1]} == {"coalesced"}
    assert outcomes(pipeline)[0][0] == at(9, day=16)


def test_the_run_knows_its_occurrence_and_the_row_its_run_tick_and_version(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    (line,) = tick().lines

    (run,), row = runs_of(pipeline), rows_of(pipeline)[-1]
    assert (run.trigger_source, run.parameters) == ("schedule", {"occurrenceAt": "2026-04-17T08:00:00.000Z"})
    assert (row.run_id, row.key, row.version, row.via) == (run.pk, "2026-04-17T08:00:00Z", 1, "tick")
    assert row.tick_id == SchedulerTick.objects.get().pk
    assert (line.fired, line.status, line.run_id, line.occurrence) == (True, 201, run.pk, at(8))
    assert {each.run_id for each in rows_of(pipeline)} == {run.pk}


def test_ticks_in_the_same_minute_fire_nothing_twice(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    results = [tick(NOW + second * SECOND) for second in (0, 1, 20)]

    assert [result.dispatched for result in results] == [1, 0, 0]
    assert (len(runs_of(pipeline)), schedule_of(pipeline).next_due_at) == (1, at(9))


def test_a_clock_that_goes_back_fires_nothing_and_moves_nothing_back(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    before = schedule_of(pipeline)

    for seconds in (2, 60, 3_600, 90_000):
        assert tick(NOW - seconds * SECOND).due == 0

    after = schedule_of(pipeline)
    assert (after.decided_until, after.next_due_at) == (before.decided_until, before.next_due_at)


def test_what_a_person_ran_meanwhile_stands_for_the_occurrence_before_it(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    settled(pipeline)
    Pipeline.objects.for_tenant(acme).filter(pk=pipeline.pk).update(last_run_at=at(9, 0, 20))

    result = tick(at(9, 0, 40))

    row = rows_of(pipeline)[-1]
    assert (result.dispatched, row.occurrence_at, row.outcome, row.run_id) == (0, at(9), "coalesced", None)
    assert "2026-04-17T09:00:20Z stands for it" in row.reason


# --- what can become of an occurrence


def after_a_day(tenant: Tenant, schedule: dict[str, Any], *, name: str = "Load orders") -> Pipeline:
    """Return a pipeline whose schedule began a day ago, and has had no tick since."""
    pipeline = scheduled(tenant, schedule, name=name)
    PipelineSchedule.objects.for_tenant(tenant).filter(pipeline=pipeline).update(active_since=NOW - DAY)
    return pipeline


@pytest.mark.parametrize(
    ("overlap", "outcome", "status", "runs"),
    [("queue", "coalesced", 202, 1), ("skip", "skipped_overlap", 409, 1), ("allow", "fired", 201, 2)],
)
def test_while_the_run_before_still_waits(acme: Tenant, overlap: str, outcome: str, status: int, runs: int) -> None:
    pipeline = scheduled(acme, {**HOURLY, "overlap": overlap})
    tick()

    (line,) = tick(at(9, 0, 5)).lines

    row = rows_of(pipeline)[-1]
    assert (row.occurrence_at, row.outcome, line.status, len(runs_of(pipeline))) == (at(9), outcome, status, runs)
    assert line.reason == ("" if outcome == "fired" else row.reason)
    assert runs_of(pipeline)[-1].parameters["occurrenceAt"][:16] == (
        "2026-04-17T08:00" if overlap == "skip" else "2026-04-17T09:00"
    )


def test_with_catch_up_all_each_has_its_run_oldest_first(acme: Tenant) -> None:
    pipeline = after_a_day(acme, {**HOURLY, "catchUp": "all"})

    result = tick()

    told = [run.parameters["occurrenceAt"] for run in runs_of(pipeline)]
    assert (result.due, result.dispatched, len(told), told == sorted(told)) == (1, 24, 24, True)
    assert {row.outcome for row in rows_of(pipeline)} == {"fired"}
    assert len({row.run_id for row in rows_of(pipeline)}) == 24


def test_a_schedule_that_catches_up_begins_with_one_run_for_the_day_before_it(acme: Tenant) -> None:
    pipeline = scheduled(acme, {**EVERY_MINUTE, "catchUp": "all"})

    result = tick(NOW + 2 * MINUTE)

    stretch, *rest = rows_of(pipeline)
    assert (result.dispatched, fired(pipeline)) == (3, [at(8), at(8, 1), at(8, 2)])
    assert (stretch.outcome, stretch.count, stretch.until) == ("coalesced", 1_439, at(7, 59))
    assert stretch.run_id == rest[0].run_id


def test_a_later_occurrence_does_not_take_the_place_of_one_that_is_caught_up_with(acme: Tenant) -> None:
    pipeline = after_a_day(acme, {**HOURLY, "catchUp": "all"})
    tick()
    PipelineSchedule.objects.for_tenant(acme).update(spec={**schedule_of(pipeline).spec, "catchUp": "latest"})

    tick(at(9, 0, 5))

    assert (len(runs_of(pipeline)), runs_of(pipeline)[0].parameters["occurrenceAt"][:13]) == (25, "2026-04-16T09")


def test_much_to_catch_up_is_done_in_several_looks_and_keeps_nobody_waiting(acme: Tenant) -> None:
    backlog = after_a_day(acme, {**EVERY_MINUTE, "catchUp": "all"}, name="Backlog")
    PipelineSchedule.objects.for_tenant(acme).update(decided_until=NOW - 5 * HOUR, next_due_at=NOW - 5 * HOUR)
    other = scheduled(acme, name="Other")

    result = tick()

    assert (result.dispatched, result.remaining, len(runs_of(backlog)), len(runs_of(other))) == (301, 0, 300, 1)
    assert len({row.key for row in rows_of(backlog)}) == 300
    # The other one had its turn in the first pass.
    assert [line.pipeline_id for line in result.lines].index(other.pk) <= 100


def test_without_catching_up_what_is_old_was_missed_with_the_outage(acme: Tenant) -> None:
    pipeline = scheduled(acme, {**HOURLY, "catchUp": "none"})
    tick(at(8, 0, 10))
    settled(pipeline)

    tick(at(11, 0, 10))

    assert outcomes(pipeline)[-3:] == [(at(9), "missed"), (at(10), "missed"), (at(11), "fired")]
    assert "No tick came between 2026-04-17T08:00:10Z and 2026-04-17T11:00:10Z" in rows_of(pipeline)[-3].reason


def test_a_long_outage_of_a_frequent_schedule_is_one_row(acme: Tenant) -> None:
    pipeline = scheduled(acme, EVERY_MINUTE)

    tick()

    stretch, last = rows_of(pipeline)
    assert (stretch.outcome, stretch.count, stretch.until, last.occurrence_at) == ("coalesced", 1439, at(7, 59), at(8))


def test_an_interval_counts_from_the_last_run(acme: Tenant) -> None:
    pipeline = scheduled(acme, {"kind": "interval", "minutes": 30})
    tick()
    settled(pipeline)

    early, due = tick(NOW + 29 * MINUTE), tick(NOW + 30 * MINUTE)

    assert (early.due, due.dispatched, fired(pipeline)[-1]) == (0, 1, NOW + 30 * MINUTE)


def test_a_run_in_between_moves_the_turn_of_an_interval(acme: Tenant) -> None:
    pipeline = scheduled(acme, {"kind": "interval", "minutes": 30})
    tick()
    settled(pipeline)
    Pipeline.objects.for_tenant(acme).update(last_run_at=NOW + 20 * MINUTE)

    result = tick(NOW + 30 * MINUTE)

    assert (result.due, schedule_of(pipeline).next_due_at) == (0, NOW + 50 * MINUTE)


def test_a_rule_that_has_ended_is_not_looked_at_again(acme: Tenant) -> None:
    rule = {"kind": "rrule", "rule": "FREQ=HOURLY;COUNT=2", "dtstart": "2026-04-17T07:00:00Z"}
    pipeline = scheduled(acme, rule, now=at(7, 30))

    tick(at(7, 30))
    tick(at(8, 0, 5))

    assert ([moment for moment, _ in outcomes(pipeline)], schedule_of(pipeline).next_due_at) == ([at(7), at(8)], None)


def test_a_dispatch_that_is_refused_is_a_row_and_a_failure(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    Pipeline.objects.for_tenant(acme).update(live_version=None)

    result = tick()

    row = rows_of(pipeline)[-1]
    assert (result.dispatched, result.failed, row.outcome, row.run_id) == (0, 1, "failed", None)
    assert "no live version" in row.reason


def test_a_pipeline_that_is_paused_behind_the_schedule_is_not_run(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    Pipeline.objects.for_tenant(acme).update(paused_at=NOW)

    (line,) = tick().lines

    assert (line.status, line.reason, rows_of(pipeline)[-1].outcome) == (409, NotBegun.PAUSED, "paused")


# --- jitter


def jittered(tenant: Tenant, name: str = "Load orders") -> tuple[Pipeline, Occurrence]:
    """Return a pipeline whose occurrence of 08:00 is held, and its row."""
    pipeline = scheduled(tenant, {**HOURLY, "jitterSeconds": 3_600}, name=name, now=at(7, 30))
    PipelineSchedule.objects.for_tenant(tenant).filter(pipeline=pipeline).update(
        decided_until=at(7, 30), next_due_at=at(8)
    )
    tick(at(8))
    return pipeline, rows_of(pipeline)[-1]


def test_jitter_holds_an_occurrence_until_its_offset_has_passed(acme: Tenant) -> None:
    pipeline, held = jittered(acme)
    assert held.due_at is not None

    early = tick(held.due_at - SECOND)
    (line,) = tick(held.due_at).lines

    row = rows_of(pipeline)[0]
    assert (held.outcome, held.held_for, early.due) == ("held", "jitter", 0)
    assert at(8) < held.due_at <= at(9)
    assert (row.outcome, row.run_id, row.due_at, row.held_for) == ("fired", line.run_id, None, "")
    assert runs_of(pipeline)[0].parameters["occurrenceAt"] == "2026-04-17T08:00:00.000Z"
    assert schedule_of(pipeline).last_fired_at == held.due_at


def test_what_is_held_does_not_fire_when_the_pipeline_is_paused_meanwhile(acme: Tenant) -> None:
    pipeline, held = jittered(acme)
    assert held.due_at is not None
    Pipeline.objects.for_tenant(acme).update(paused_at=NOW)

    tick(held.due_at)

    assert (rows_of(pipeline)[0].outcome, runs_of(pipeline)) == ("paused", [])


def test_what_is_held_ends_with_its_schedule(acme: Tenant) -> None:
    pipeline, held = jittered(acme)
    assert held.due_at is not None
    PipelineSchedule.objects.for_tenant(acme).delete()

    tick(held.due_at)

    row = rows_of(pipeline)[0]
    assert (row.outcome, "taken away" in row.reason, runs_of(pipeline)) == ("paused", True, [])


@pytest.mark.parametrize("is_refused_first", [False, True])
def test_the_run_of_a_held_occurrence_is_named_with_those_that_it_stands_for(
    acme: Tenant, is_refused_first: bool
) -> None:
    pipeline = scheduled(acme, {**HOURLY, "jitterSeconds": 3_000}, now=at(5, 30))
    Pipeline.objects.for_tenant(acme).update(last_run_at=at(7, 30))
    PipelineSchedule.objects.for_tenant(acme).update(decided_until=at(5, 30), next_due_at=at(6))
    tick(at(9, 0, 1))
    held = rows_of(pipeline)[-1]
    assert held.due_at is not None
    if is_refused_first:
        # Of two that are released at once the other cannot be written: this one is written in a second attempt.
        other, due = jittered(acme, name="Other")
        Occurrence.objects.for_tenant(acme).filter(pk=due.pk).update(due_at=held.due_at)
        refuse_runs_of(other)

    tick(held.due_at)

    (run,), rows = runs_of(pipeline), rows_of(pipeline)
    assert [(row.occurrence_at, row.outcome, row.run_id) for row in rows[:4]] == [
        (at(6), "coalesced", None), (at(7), "coalesced", None), (at(8), "coalesced", run.pk), (at(9), "fired", run.pk),
    ]  # fmt: skip


def test_a_run_of_the_minute_before_takes_no_held_occurrence_for_its_own(acme: Tenant) -> None:
    pipeline = scheduled(acme, {**EVERY_MINUTE, "jitterSeconds": 50}, now=at(8))
    PipelineSchedule.objects.for_tenant(acme).update(decided_until=at(8), next_due_at=at(8, 1))

    for minute in range(1, 12):
        tick(at(8, minute))
        settled(pipeline)
    tick(at(8, 12))

    rows = rows_of(pipeline)[:11]
    assert [row.occurrence_at for row in rows] == [at(8, minute) for minute in range(1, 12)]
    # Where two come together, the later run stands for both; none goes by without one.
    assert all(row.run_id for row in rows)


# --- one bad schedule never stops the others


def break_spec(pipeline: Pipeline, **spec: Any) -> None:
    """Make a kept schedule one that no save would have let in."""
    rows = PipelineSchedule.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    rows.update(spec={**schedule_of(pipeline).spec, **spec})


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"expression": "61 * * * *"}, "schedule.expression"), ({"timezone": "Mars/Olympus"}, "schedule.timezone"),
        ({"expression": None}, "schedule.expression"), ({"kind": "moon"}, "schedule.kind"),
        ({"catchUp": "all", "jitterSeconds": "many"}, "cannot be decided"),
    ],
    ids=["expression", "zone", "no-text", "kind", "unforeseen"],
)  # fmt: skip
def test_a_schedule_that_cannot_be_read_is_parked_and_the_others_fire(
    acme: Tenant, globex: Tenant, spec: dict[str, Any], words: str
) -> None:
    bad, good, foreign = scheduled(acme, name="Bad"), scheduled(acme, name="Good"), scheduled(globex, name="Foreign")
    break_spec(bad, **spec)

    result = tick()

    row, schedule = rows_of(bad)[-1], schedule_of(bad)
    assert (result.dispatched, len(runs_of(good)), len(runs_of(foreign)), runs_of(bad)) == (2, 1, 1, [])
    assert (schedule.state, schedule.next_due_at, row.outcome) == ("parked", None, "parked")
    assert words in schedule.reason
    assert words in row.reason
    assert SystemHealthAlert.objects.for_tenant(acme).get().title == "The schedule of Bad is parked"
    assert (counts_of(acme).scheduled, tick(NOW + MINUTE).due) == (1, 0)


def refuse_runs_of(pipeline: Pipeline) -> None:
    """Make the database refuse the runs of one pipeline."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.pipeline_id = '{pipeline.pk}' THEN RAISE EXCEPTION 'boom'; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER refuse BEFORE INSERT ON flows_pipelinerun FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


def test_a_schedule_that_cannot_be_written_fails_alone_and_is_tried_again(
    acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    pipelines = [scheduled(acme, name=f"P{number}") for number in range(9)]
    refuse_runs_of(pipelines[3])

    result = tick()

    assert (result.dispatched, result.failed, result.remaining) == (8, 1, 1)
    assert ([len(runs_of(each)) for each in pipelines], rows_of(pipelines[3])) == ([1, 1, 1, 0, 1, 1, 1, 1, 1], [])
    assert [line.status for line in result.lines if not line.fired] == [500]
    assert "boom" in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON flows_pipelinerun")
    assert (tick().dispatched, len(runs_of(pipelines[3]))) == (1, 1)


def test_a_held_occurrence_that_cannot_be_written_fails_alone(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    pipeline, held = jittered(acme)
    assert held.due_at is not None
    refuse_runs_of(pipeline)
    other = scheduled(acme, name="Other", now=at(8))

    result = tick(held.due_at)

    assert (len(runs_of(other)), result.remaining, rows_of(pipeline)[0].outcome) == (1, 1, "held")
    assert "boom" in caplog.text


def test_a_window_that_is_opened_again_fires_nothing_that_the_ledger_has(acme: Tenant) -> None:
    pipeline, other = scheduled(acme), scheduled(acme, name="Other")
    tick()
    settled(pipeline)
    Pipeline.objects.for_tenant(acme).update(last_run_at=None)
    PipelineSchedule.objects.for_tenant(acme).update(decided_until=NOW - DAY, next_due_at=NOW - DAY)

    result = tick(at(9, 0, 5))

    assert (result.dispatched, fired(pipeline), fired(other)) == (1, [at(8), at(9)], [at(8)])
    assert len(runs_of(other)) == 1


# --- bounds


def test_past_the_budget_nothing_new_is_begun_and_the_rest_is_counted(acme: Tenant) -> None:
    for number in range(3):
        scheduled(acme, name=f"P{number}")

    spent = tick(seconds=0)
    rest = tick(NOW + SECOND)

    assert (spent.dispatched + rest.dispatched, rest.remaining) == (3, 0)


def test_what_is_due_longest_comes_first(acme: Tenant) -> None:
    late, early = scheduled(acme, name="Late"), scheduled(acme, name="Early")
    for pipeline, hours in ((late, 1), (early, 2)):
        rows = PipelineSchedule.objects.for_tenant(acme).filter(pipeline=pipeline)
        rows.update(decided_until=NOW - hours * HOUR, next_due_at=NOW - hours * HOUR)

    assert [line.pipeline_id for line in tick().lines] == [early.pk, late.pk]


@pytest.mark.parametrize("many", [1, 40])
def test_the_statements_of_a_tick_do_not_depend_on_how_many_are_due(acme: Tenant, many: int) -> None:
    for number in range(many):
        scheduled(acme, name=f"P{number}")
    tick(NOW - 2 * DAY)

    with CaptureQueriesContext(connection) as captured:
        result = tick()

    assert (result.dispatched, len(captured)) == (many, 26)


def test_a_tick_of_nothing_takes_few_statements(acme: Tenant) -> None:
    scheduled(acme)
    tick()

    with CaptureQueriesContext(connection) as captured:
        tick(NOW + SECOND)

    assert len(captured) <= 18


# --- one tenant


def test_a_tick_of_one_tenant_fires_and_counts_only_its_own(acme: Tenant, globex: Tenant) -> None:
    ours, theirs = scheduled(acme), scheduled(globex)

    result = tick(tenant_id=acme.pk)

    assert (result.total_pipelines, result.scheduled, result.dispatched) == (1, 1, 1)
    assert (len(runs_of(ours)), runs_of(theirs)) == (1, [])
    assert {line.tenant_id for line in result.lines} == {acme.pk}
    assert SchedulerTick.objects.get().tenant_id == acme.pk


# --- history


def test_a_tick_leaves_its_row_with_what_it_did(acme: Tenant) -> None:
    scheduled(acme)

    tick(source=TickSource.TICKER, ticker="web-1:17")

    row = SchedulerTick.objects.get()
    assert (row.at, row.source, row.ticker, row.was_locked, row.error) == (NOW, "ticker", "web-1:17", False, "")
    assert (row.due, row.dispatched, row.failed, row.remaining) == (1, 1, 0, 0)
    assert row.duration_ms is not None
    assert row.decided_ms is not None
    assert row.finished_at is not None
    assert row.decided_ms <= row.duration_ms


def test_a_day_of_ticks_is_kept_and_the_ledger_outlives_them(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()

    tick(NOW + DAY + MINUTE)

    assert [row.at for row in SchedulerTick.objects.all()] == [NOW + DAY + MINUTE]
    assert rows_of(pipeline)[0].tick_id is not None


@pytest.mark.django_db(transaction=True)
def test_what_fails_beside_the_schedules_stands_in_the_history(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = scheduled(acme)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE triggers_watchedfolder RENAME TO mislaid")

    result = tick()

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mislaid RENAME TO triggers_watchedfolder")
    assert (result.dispatched, len(runs_of(pipeline))) == (1, 1)
    assert SchedulerTick.objects.get().error.startswith("files: ProgrammingError")
    assert "part of a tick failed" in caplog.text


# --- at once, on connections of their own


@pytest.mark.django_db(transaction=True)
def test_while_another_tick_decides_this_one_gives_way(acme: Tenant) -> None:
    pipeline, held, release = scheduled(acme), threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            xact_lock(SCHEDULER_LOCK)
            held.set()
            release.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    locked = tick()
    release.set()
    holder.join(20)

    row = SchedulerTick.objects.get()
    assert (locked.was_locked, locked.dispatched, row.was_locked, row.due) == (True, 0, True, 0)
    assert runs_of(pipeline) == []
    assert tick().dispatched == 1


@pytest.mark.django_db(transaction=True)
def test_ticks_at_once_give_every_occurrence_one_row_and_one_run(acme: Tenant) -> None:
    pipelines = [scheduled(acme, name=f"P{number}") for number in range(12)]
    barrier, results = threading.Barrier(4), []

    def go() -> None:
        barrier.wait(20)
        results.append(tick())
        connection.close()

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (len(results), sum(result.dispatched for result in results)) == (4, 12)
    assert [len(runs_of(pipeline)) for pipeline in pipelines] == [1] * 12
    assert {fired(pipeline)[0] for pipeline in pipelines} == {at(8)}


@pytest.mark.django_db(transaction=True)
def test_a_pipeline_that_somebody_saves_just_now_is_left_to_the_next_tick(acme: Tenant) -> None:
    busy, other = scheduled(acme, name="Busy"), scheduled(acme, name="Other")
    held, release = threading.Event(), threading.Event()

    def save() -> None:
        with transaction.atomic():
            list(Pipeline.objects.for_tenant(acme).select_for_update(no_key=True).filter(pk=busy.pk))
            held.set()
            release.wait(20)
        connection.close()

    saving = threading.Thread(target=save)
    saving.start()
    held.wait(20)
    first = tick()
    release.set()
    saving.join(20)
    second = tick()

    assert (len(runs_of(other)), first.dispatched, first.remaining) == (1, 1, 1)
    assert (second.dispatched, len(runs_of(busy))) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_failure_between_rows_and_commit_leaves_neither(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = scheduled(acme)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$; "
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON triggers_occurrence DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    with pytest.raises(Exception, match="boom"):
        tick()
    left = (runs_of(pipeline), rows_of(pipeline), SchedulerTick.objects.count(), schedule_of(pipeline).next_due_at)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON triggers_occurrence; DROP FUNCTION refuse()")

    assert left[:3] == ([], [], 0)
    assert left[3] is not None
    assert (tick().dispatched, len(runs_of(pipeline))) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_tick_leaves_nothing_in_the_session_behind_a_pooler(acme: Tenant) -> None:
    scheduled(acme)

    tick()

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        timeout = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert (timeout, cursor.fetchone()) == (("0",), (0,))


@pytest.mark.django_db(transaction=True)
def test_a_tick_is_no_part_of_another_transaction(acme: Tenant) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        tick_scheduler(now=NOW, budget=Budget(5), source=TickSource.COMMAND)


def test_two_tenants_have_their_own_occurrences_at_one_instant(acme: Tenant, globex: Tenant) -> None:
    pipelines = [scheduled(acme), scheduled(globex)]

    tick(NOW + timedelta(seconds=1))

    assert [fired(pipeline) for pipeline in pipelines] == [[at(8)], [at(8)]]
