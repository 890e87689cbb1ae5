"""Runs that wait: for a maker, their messages, a worker that was faster; and what clocks and faults do to them."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services import deliver_due
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import TriggeredBy
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate
from reports.selectors.runs import count_waiting
from reports.services import requesting, run_template, run_tick, running, settle_runs, settling, work_off_runs
from reports.services.claims import Claim, claim_run
from reports.services.queueing import due_schedules, latest_fired, queue_due
from reports.services.recovering import recover_runs
from reports.services.running import make_run
from tests.reports.runs_world import (
    DAY,
    DUE,
    HOUR,
    MINUTE,
    NOW,
    Told,
    bodies,
    fresh,
    make_schedule,
    make_template,
    make_webhook,
    only_run,
    runs,
    states,
    tick,
    told_runs,
)
from tests.servers import Receiver, Reply


def ask(template: ReportTemplate, wait_seconds: float = 0) -> ReportRun:
    """Ask for a run by hand."""
    return run_template(
        tenant=template.tenant, template_id=template.pk, actor=SYSTEM, triggered_by=TriggeredBy.MANUAL, now=NOW,
        wait_seconds=wait_seconds,
    )  # fmt: skip


# --- for a maker


def test_a_run_that_has_waited_is_made_as_the_schedule_is_now(
    acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    left, new = make_webhook(acme, hook), make_webhook(acme, other_hook, "New")
    schedule = make_schedule(make_template(acme), left, cron_expression="*/5 * * * *")
    queue_due(schedule_ids=list(due_schedules(now=NOW, limit=10)), now=NOW)
    other = make_template(acme, name="Another report")
    ReportSchedule.objects.for_tenant(acme).update(
        template=other, destination_ids=[new.pk], timezone="Europe/Berlin", skip_if_empty=True
    )

    tick(NOW + 5 * MINUTE)

    run = only_run(acme)
    assert (len(hook.got), [body["data"]["name"] for body in bodies(other_hook.got)]) == (0, ["Another report"])
    assert (run.template_id, run.zone, run.skip_if_empty) == (other.pk, "Europe/Berlin", True)
    assert (run.occurrence_at, fresh(schedule).last_status) == (DUE + 5 * MINUTE, "completed")


def test_what_somebody_asked_for_by_hand_is_not_counted_as_the_ticks(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    make_schedule(template)
    ask(template)

    result = tick()

    assert (result.evaluated, result.ran) == (1, 1)
    assert [run.status for run in runs(acme)] == ["completed", "completed"]


def test_the_latest_run_of_a_schedule_is_found_without_reading_the_others(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme))
    ReportOccurrence.objects.bulk_create(
        ReportOccurrence(
            tenant=acme, schedule=schedule, occurrence_at=DUE - number * MINUTE, outcome="run", created_at=NOW
        )
        for number in range(1, 3001)
    )  # fmt: skip

    with CaptureQueriesContext(connection) as asked:
        found = latest_fired([schedule.pk])

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reports_reportoccurrence")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked[0]['sql']}")
        plan = json.dumps(cursor.fetchone()[0])
    rows = [int(each) for each in re.findall(r"reportoccurrence_once.*?Actual Rows\D*(\d+)", plan)]
    assert (found, len(asked), rows) == ({schedule.pk: DUE - MINUTE}, 1, [1])


# --- for a worker that was faster


@pytest.mark.parametrize("is_told", [pytest.param(True, id="told"), pytest.param(False, id="handed-over")])
def test_who_waits_for_a_run_that_a_worker_took_gets_its_end(
    acme: Tenant, source: Told, hook: Receiver, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])
    taken: list[Claim | None] = []
    queue = requesting._queue

    def queue_and_lose(*values: Any) -> ReportRun:
        run = queue(*values)
        taken.append(claim_run(now=NOW))
        return run

    def work(seconds: float) -> None:
        # The worker goes on while whoever waits sleeps.
        if taken[0] is not None:
            ids = make_run(claim=taken[0], clock=lambda: NOW)
            taken[0] = None
            if is_told:
                deliver_due(now=NOW, budget=Budget(20), delivery_ids=ids)

    monkeypatch.setattr(requesting, "_queue", queue_and_lose)
    monkeypatch.setattr(requesting, "sleep", work)

    run = ask(template, wait_seconds=60)

    assert (run.status, run.attempts, states(acme), told_runs(hook)) == ("completed", 1, ["delivered"], [run.pk])


def test_nobody_waits_for_a_retry_that_is_due_later(acme: Tenant, source: Told, hook: Receiver) -> None:
    hook.script = lambda got: Reply(status=503)
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])

    run = ask(template, wait_seconds=60)

    assert (run.status, states(acme)) == ("running", ["pending"])


# --- for their messages


def test_however_many_wait_for_their_messages_a_later_one_is_settled(
    acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "BATCH", 1)
    hook.script = lambda got: Reply(status=503)
    stuck, fine = make_webhook(acme, hook), make_webhook(acme, other_hook, "Fine")
    for _ in range(2):
        ask(make_template(acme, destination_ids=[stuck.pk]))
    work_off_runs(now=NOW, budget=Budget(20))
    ask(make_template(acme, destination_ids=[fine.pk]))
    claimed = claim_run(now=NOW)
    assert claimed is not None
    deliver_due(now=NOW, budget=Budget(20), delivery_ids=make_run(claim=claimed, clock=lambda: NOW))

    settled = settle_runs(now=NOW)

    status = {run.pk: run.status for run in runs(acme)}
    assert (settled, status.pop(claimed.run_id), list(status.values())) == (1, "completed", ["running", "running"])


def test_where_making_takes_the_whole_budget_messages_go_out_all_the_same(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    passed = [0.0]
    make_schedule(make_template(acme), make_webhook(acme, hook), cron_expression="* * * * *")

    def slow_query(number: int) -> None:
        passed[0] += 60

    source.act = slow_query
    sent = []
    for minute in range(3):
        run_tick(now=NOW + minute * MINUTE, budget=Budget(4, monotonic=lambda: passed[0]))
        sent.append(len(hook.got))

    assert sent == [0, 1, 2]
    assert [run.status for run in runs(acme)] == ["completed", "completed", "running"]


# --- clocks and faults


def test_after_a_clock_that_was_ahead_a_schedule_says_how_its_runs_end(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme))
    tick(NOW + 30 * DAY)
    tick(NOW)

    def fail(number: int) -> None:
        raise ValueError("no figures")

    source.act = fail
    tick(NOW + DAY)

    after = fresh(schedule)
    assert (after.last_status, after.failures_in_a_row) == ("failed", 1)
    assert after.last_run_at is not None
    assert after.last_run_at < NOW + DAY + MINUTE


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_lease_that_a_clock_gave_which_was_ahead_is_no_lease(acme: Tenant, source: Told, attempts: int) -> None:
    ask(make_template(acme))
    ReportRun.objects.for_tenant(acme).update(attempts=attempts, lease_until=NOW + 2 * HOUR, stage="querying")

    waiting = count_waiting(now=NOW)
    recovered, taken = recover_runs(now=NOW), claim_run(now=NOW)

    assert (waiting, len(recovered), taken is None) == (1, int(attempts == 3), attempts == 3)


@pytest.mark.parametrize("text", [pytest.param("a \x00 byte", id="nul"), pytest.param("half \ud83d", id="surrogate")])
def test_a_failure_that_the_database_cannot_say_stops_no_other_report(
    acme: Tenant, source: Told, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a character in the captured log could not travel from the test's process to the one that reports.
    monkeypatch.setattr(running.logger, "disabled", True)
    first = make_schedule(make_template(acme), name="First", next_run_at=DUE - HOUR)
    second = make_schedule(make_template(acme), name="Second")

    def fail_first(number: int) -> None:
        if number == 1:
            raise ValueError(text)

    source.act = fail_first
    result = tick()

    assert sorted([fresh(first).last_status, fresh(second).last_status]) == ["completed", "failed"]
    assert ["\ufffd" in each.error for each in result.errors] == [True]
