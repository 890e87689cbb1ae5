"""Deadlines that pass: each manner of telling, once, the good end, and pauses that surprise nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flows.models import Pipeline, PipelineRun, RunLogLine
from flows.services import dispatch_run, pause_pipeline, resume_pipeline, save_version
from kaireon.platform.budget import Budget
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from tests.platform.together import run_together
from tests.triggers.files.world import NOW, SECOND, drop, poll, trigger_ir, trigger_of, watching
from triggers.decisions.vocabulary import OccurrenceKind, Outcome
from triggers.models import FileTrigger, Occurrence, WatchedFolder
from triggers.selectors.arrivals import usual_arrivals
from triggers.services.deadlines import check_deadlines, count_passed
from triggers.services.telling import TickLine

pytestmark = pytest.mark.django_db
WINDOW = timedelta(minutes=60)
DUE = NOW + WINDOW
MANNERS = ["alert", "fail", "skip"]


def expecting(tenant: Tenant, on_miss: str = "alert", minutes: int = 60, **values: Any) -> Pipeline:
    """Make a pipeline that expects a file within an hour of its last run."""
    return watching(tenant, ir=trigger_ir(deadline={"windowMinutes": minutes, "onMiss": on_miss}), **values)


def check(now: datetime, *, is_seen: bool = True) -> list[TickLine]:
    """Look at the deadlines as a tick does, after a poll that found nothing."""
    if is_seen:
        WatchedFolder.objects.across_tenants().update(looked_at=now, failures=0, error="")
    return check_deadlines(now=now, budget=Budget(50))


def missed(tenant: Tenant) -> list[Occurrence]:
    """Return the deadlines that were missed, oldest first."""
    rows = Occurrence.objects.for_tenant(tenant).filter(kind=OccurrenceKind.DEADLINE)
    return list(rows.order_by("occurrence_at"))


def alerts(tenant: Tenant) -> list[tuple[str, bool]]:
    """Return the severities of the tenant's alerts with whether each is open, oldest first."""
    rows = SystemHealthAlert.objects.for_tenant(tenant).order_by("created_at", "pk")
    return [(row.severity, row.resolved_at is None) for row in rows]


def test_before_its_time_nothing_is_said(acme: Tenant, inbox: Path) -> None:
    expecting(acme)

    assert check(DUE - SECOND) == []
    assert (missed(acme), alerts(acme)) == ([], [])


@pytest.mark.parametrize(
    ("on_miss", "raised", "runs"), [("alert", ["warning"], 0), ("fail", ["error", "warning"], 1), ("skip", [], 0)]
)
def test_a_missed_deadline_is_told_as_it_wants(
    acme: Tenant, inbox: Path, on_miss: str, raised: list[str], runs: int
) -> None:
    pipeline = expecting(acme, on_miss)

    (line,) = check(DUE)

    (row,) = missed(acme)
    assert (line.pipeline_id, line.fired, line.occurrence) == (pipeline.pk, False, DUE)
    assert f"deadline missed ({on_miss})" in line.reason
    assert (row.outcome, row.occurrence_at, row.key) == (Outcome.DEADLINE_MISSED, DUE, NOW.isoformat())
    assert sorted(severity for severity, _ in alerts(acme)) == raised
    assert PipelineRun.objects.for_tenant(acme).count() == runs


@pytest.mark.parametrize("on_miss", MANNERS)
def test_it_is_told_once_for_its_anchor(acme: Tenant, inbox: Path, on_miss: str) -> None:
    expecting(acme, on_miss)
    check(DUE)
    before = alerts(acme)

    again = [line for hours in range(1, 50) for line in check(DUE + timedelta(hours=hours))]

    assert (again, len(missed(acme)), alerts(acme)) == ([], 1, before)
    assert SystemHealthAlert.objects.for_tenant(acme).filter(occurrences__gt=1).count() == 0


def test_the_run_that_never_was_counts_as_a_failure_and_moves_no_last_run(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme, "fail")

    (line,) = check(DUE)

    run = PipelineRun.objects.for_tenant(acme).get()
    pipeline.refresh_from_db()
    assert (run.pk, run.status, run.stage, run.trigger_source) == (line.run_id, "failed", "done", "file_arrival")
    assert (run.error, run.finished_at, run.metadata["isSynthetic"]) == ("file arrival deadline missed", DUE, True)
    assert (pipeline.last_run_at, pipeline.last_run_status) == (None, "failed")
    event = OutboxEvent.objects.for_tenant(acme).get()
    assert (event.topic, event.payload["runId"], event.payload["status"]) == (
        "pipeline.run.failed.v1", str(run.pk), "failed"
    )  # fmt: skip
    assert missed(acme)[0].run_id == run.pk
    assert "*.csv was expected" in RunLogLine.objects.for_tenant(acme).get().message


def test_a_run_by_hand_arms_it_anew(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    check(DUE)
    by_hand = DUE + timedelta(minutes=20)
    _run(pipeline, by_hand)

    early = check(by_hand + WINDOW - SECOND)
    (line,) = check(by_hand + WINDOW)

    assert (early, line.occurrence) == ([], by_hand + WINDOW)
    assert [row.key for row in missed(acme)] == [NOW.isoformat(), by_hand.isoformat()]


def test_a_run_that_began_in_time_moves_it(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    _run(pipeline, NOW + timedelta(minutes=50))

    assert check(DUE) == []
    assert trigger_of(pipeline).deadline_at == NOW + timedelta(minutes=110)


def test_a_file_ends_it_and_the_good_end_is_told(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    check(DUE)
    drop(inbox, "a.csv")
    late = DUE + timedelta(minutes=35)

    poll(late)

    trigger = trigger_of(pipeline)
    assert (trigger.missed_anchor, trigger.deadline_at) == (None, late + WINDOW)
    assert alerts(acme) == [("warning", False), ("success", False)]
    news = SystemHealthAlert.objects.for_tenant(acme).get(severity="success")
    assert "35 min earlier" in news.message
    assert check(late + WINDOW - SECOND) == []
    assert len(check(late + WINDOW)) == 1


def test_a_file_in_time_tells_nothing(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    drop(inbox, "a.csv")

    poll(DUE - SECOND)

    assert (check(DUE), alerts(acme)) == ([], [])
    assert trigger_of(pipeline).deadline_at == DUE - SECOND + WINDOW


def test_a_file_that_waits_for_its_debounce_is_not_missing(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    Occurrence.objects.create(
        tenant=acme, pipeline=pipeline, kind=OccurrenceKind.FILE, key="k", occurrence_at=NOW, decided_at=NOW,
        outcome=Outcome.HELD, due_at=DUE + WINDOW,
    )  # fmt: skip

    assert check(DUE) == []


@pytest.mark.parametrize("minutes", [0, 9])
def test_while_its_store_is_away_nothing_is_concluded_for_ten_minutes(acme: Tenant, inbox: Path, minutes: int) -> None:
    expecting(acme)
    WatchedFolder.objects.across_tenants().update(looked_at=DUE - SECOND, failures=3, error="It is away.")

    at = DUE + timedelta(minutes=minutes)

    assert check(at, is_seen=False) == []
    # It is looked at again with the next tick, and is nothing that this one left undone.
    assert (count_passed(now=at), count_passed(now=at + SECOND)) == (0, 1)


def test_a_store_that_stays_away_is_told_with_the_deadline(acme: Tenant, inbox: Path) -> None:
    expecting(acme)
    WatchedFolder.objects.across_tenants().update(looked_at=DUE - SECOND, failures=3, error="It is away.")

    (line,) = check(DUE + timedelta(minutes=10), is_seen=False)

    assert "could not be looked at since: It is away." in line.reason


def test_a_paused_pipeline_misses_nothing_and_its_resume_gives_a_whole_window(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW + timedelta(minutes=5))
    resumed = DUE + timedelta(days=3)

    while_paused = check(DUE + timedelta(days=1))
    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=resumed)
    at_once, early = check(resumed), check(resumed + WINDOW - SECOND)
    (line,) = check(resumed + WINDOW)

    assert (while_paused, at_once, early) == ([], [], [])
    assert line.occurrence == resumed + WINDOW


def test_a_pause_after_a_miss_does_not_keep_its_alert_open_for_ever(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    check(DUE)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=DUE + SECOND)
    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=DUE + 2 * SECOND)
    drop(inbox, "a.csv")

    poll(DUE + 3 * SECOND)

    assert ("warning", True) not in alerts(acme)


def test_another_window_counts_from_the_same_run(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme)
    ir = trigger_ir(deadline={"windowMinutes": 120, "onMiss": "alert"}) | {"id": "orders"}
    save_version(
        tenant=acme, pipeline_id=pipeline.pk, ir=ir, actor=SYSTEM, now=NOW + timedelta(minutes=30), publish=True
    )

    assert check(DUE) == []
    assert len(check(NOW + timedelta(minutes=120))) == 1


def test_tenants_are_looked_at_apart(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    pipelines = [expecting(tenant) for tenant in (acme, globex)]
    WatchedFolder.objects.across_tenants().update(looked_at=DUE)

    lines = check_deadlines(now=DUE, budget=Budget(50), tenant_id=acme.pk)

    assert [line.pipeline_id for line in lines] == [pipelines[0].pk]
    assert count_passed(now=DUE) == 1


def test_past_its_budget_the_rest_is_left_to_the_next_tick(acme: Tenant, inbox: Path) -> None:
    expecting(acme)
    WatchedFolder.objects.across_tenants().update(looked_at=DUE)

    assert check_deadlines(now=DUE, budget=Budget(0)) == []
    assert count_passed(now=DUE) == 1
    assert len(check_deadlines(now=DUE, budget=Budget(50))) == 1


def test_those_that_are_not_due_cost_nothing(acme: Tenant, inbox: Path) -> None:
    expecting(acme)

    with CaptureQueriesContext(connection) as queries:
        check_deadlines(now=DUE - SECOND, budget=Budget(50))

    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        assert "filetrigger_deadline" in str(cursor.fetchall())


def test_it_says_by_when_files_usually_come(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    acme.timezone = "Europe/Berlin"
    pipeline, other = expecting(acme), watching(globex)
    for number in range(6):
        for each in (pipeline, other):
            Occurrence.objects.create(
                tenant=each.tenant, pipeline=each, kind=OccurrenceKind.FILE, key=str(number), decided_at=NOW,
                occurrence_at=datetime(2026, 11, 10 + number, 1, 10, tzinfo=UTC), outcome=Outcome.FIRED,
            )  # fmt: skip

    found = usual_arrivals(acme, [pipeline.pk, other.pk])

    assert {key: f"{usual.latest:%H:%M}" for key, usual in found.items()} == {pipeline.pk: "02:10"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("on_miss", MANNERS)
def test_ticks_at_once_tell_it_once(acme: Tenant, inbox: Path, on_miss: str) -> None:
    expecting(acme, on_miss)
    WatchedFolder.objects.across_tenants().update(looked_at=DUE)
    lines: list[TickLine] = []

    def tick(seconds: int) -> Callable[[], None]:
        return lambda: lines.extend(
            check_deadlines(now=DUE + timedelta(seconds=seconds), budget=Budget(50))
        )  # fmt: skip

    run_together(*[tick(seconds) for seconds in range(6)])

    assert (len(lines), len(missed(acme))) == (1, 1)
    assert PipelineRun.objects.for_tenant(acme).count() == (1 if on_miss == "fail" else 0)


@pytest.mark.django_db(transaction=True)
def test_a_deadline_and_a_save_at_once_wait_for_each_other(acme: Tenant, inbox: Path) -> None:
    pipeline = expecting(acme, "fail")
    WatchedFolder.objects.across_tenants().update(looked_at=DUE)
    ir = trigger_ir(deadline={"windowMinutes": 1, "onMiss": "fail"}) | {"id": "orders"}

    def save() -> None:
        for number in range(5):
            save_version(
                tenant=acme, pipeline_id=pipeline.pk, ir=ir, actor=SYSTEM, now=DUE + timedelta(seconds=number),
                publish=True,
            )  # fmt: skip

    def tick() -> None:
        for number in range(20):
            check_deadlines(now=DUE + timedelta(seconds=number), budget=Budget(50))

    run_together(save, tick, tick)

    assert FileTrigger.objects.for_tenant(acme).get().deadline_minutes == 1
    assert len(missed(acme)) == 1


def _run(pipeline: Pipeline, now: datetime) -> None:
    dispatch_run(
        tenant_id=pipeline.tenant_id, pipeline_id=pipeline.pk, trigger_source="manual", requested_by="eve", now=now
    )
