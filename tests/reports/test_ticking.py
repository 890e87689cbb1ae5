"""A tick of reports: what is due fires once, is made, delivered and settled; what fails stands alone."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportSchedule, ReportTemplate
from reports.services import work_off_runs
from reports.services.queueing import due_schedules, queue_due
from tests.reports.runs_world import (
    DAY,
    DUE,
    HOUR,
    MINUTE,
    NOW,
    Told,
    bodies,
    fresh,
    health,
    make_schedule,
    make_template,
    make_webhook,
    occurrences,
    only_run,
    runs,
    states,
    tick,
)
from tests.servers import Receiver, Reply


def test_a_due_schedule_is_made_delivered_and_settled_in_one_tick(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))

    result = tick()

    run = only_run(acme)
    assert (result.evaluated, result.ran, result.errors, result.remaining) == (1, 1, [], 0)
    assert (run.status, run.stage, run.occurrence_at, run.data_until) == ("completed", "done", DUE, DUE)
    assert [body["data"]["runId"] for body in bodies(hook.got)] == [str(run.pk)]
    assert states(acme) == ["delivered"]
    after = fresh(schedule)
    assert (after.last_status, after.next_run_at, after.last_run_at) == ("completed", DUE + DAY, run.started_at)
    assert occurrences(schedule) == [(DUE, "run")]


def test_a_second_tick_finds_nothing_due(acme: Tenant, source: Told, hook: Receiver) -> None:
    make_schedule(make_template(acme), make_webhook(acme, hook))
    tick()

    result = tick(NOW)

    assert (result.evaluated, result.ran, len(hook.got)) == (0, 0, 1)


# --- when


def test_a_schedule_without_a_time_fires_and_gets_its_next_one(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme), next_run_at=None, last_occurrence_at=None)

    results = [tick(), tick()]

    assert [result.ran for result in results] == [1, 0]
    assert (fresh(schedule).next_run_at, only_run(acme).occurrence_at) == (DUE + DAY, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"state": "paused"}, id="paused"),
        pytest.param({"state": "parked", "next_run_at": None}, id="parked"),
        pytest.param({"next_run_at": NOW + MINUTE}, id="not-due"),
    ],
)
def test_what_is_not_due_does_not_fire(acme: Tenant, source: Told, changes: dict[str, Any]) -> None:
    schedule = make_schedule(make_template(acme), **changes)

    result = tick()

    assert (result.evaluated, result.ran, result.remaining, occurrences(schedule)) == (0, 0, 0, [])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"cron_expression": "not cron"}, id="expression"),
        pytest.param({"timezone": "Mars/Olympus"}, id="zone"),
        pytest.param({"cron_expression": "@daily", "next_run_at": None}, id="without-a-time"),
    ],
)
def test_a_cadence_that_cannot_be_read_parks_its_schedule_and_the_others_fire(
    acme: Tenant, source: Told, changes: dict[str, Any]
) -> None:
    template = make_template(acme)
    bad, good = make_schedule(template, name="Bad", **changes), make_schedule(template, name="Good")

    results = [tick(), tick(NOW + MINUTE)]

    parked = fresh(bad)
    assert [(result.evaluated, result.ran) for result in results] == [(2, 1), (0, 0)]
    assert (parked.state, parked.next_run_at, bool(parked.state_reason)) == ("parked", None, True)
    assert (fresh(good).last_status, health(acme)) == ("completed", [("warning", "Report schedule Bad is parked")])
    assert AuditEntry.objects.for_tenant(acme).filter(action="park").count() == 1


def test_mornings_that_nobody_ticked_get_one_run_and_a_row_each(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))

    result = tick(NOW + 3 * DAY)

    assert (result.evaluated, result.ran, len(hook.got)) == (1, 1, 1)
    assert occurrences(schedule) == [
        (DUE, "coalesced"), (DUE + DAY, "coalesced"), (DUE + 2 * DAY, "coalesced"), (DUE + 3 * DAY, "run")
    ]  # fmt: skip


def test_with_skip_a_late_occurrence_is_missed_and_nobody_is_told(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook), missed_policy="skip")

    result = tick(NOW + HOUR)

    assert (result.evaluated, result.ran, hook.got) == (1, 0, [])
    assert (occurrences(schedule), fresh(schedule).next_run_at) == ([(DUE, "missed")], DUE + DAY)


def test_an_occurrence_that_has_its_row_never_fires_again(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    tick()
    # As if the clock had gone back, or a backup of the schedule had been restored.
    ReportSchedule.objects.for_tenant(acme).update(next_run_at=DUE, last_occurrence_at=DUE - DAY)

    result = tick(NOW + MINUTE)

    assert (result.evaluated, result.ran, len(runs(acme)), len(hook.got)) == (1, 0, 1, 1)
    assert occurrences(schedule) == [(DUE, "run")]


def test_a_clock_that_jumps_ahead_fires_once_and_what_it_skipped_has_rows(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme), cron_expression="*/5 * * * *")

    tick(NOW + 2 * DAY)

    assert [run.occurrence_at for run in runs(acme)] == [DUE + 2 * DAY]
    assert [outcome for _, outcome in occurrences(schedule)] == ["coalesced"] * 100 + ["run"]


def test_after_a_clock_that_was_ahead_the_schedule_goes_on_and_tells_nobody_twice(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    tick(NOW + 2 * DAY)

    back = tick(NOW)
    mornings = [tick(NOW + number * DAY).ran for number in (1, 2, 3)]

    assert (back.ran, mornings, len(hook.got)) == (0, [1, 0, 1], 3)
    assert [outcome for _, outcome in occurrences(schedule)] == ["coalesced", "run", "run", "run"]


def test_more_often_than_the_guardrail_is_capped_visibly(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme), cron_expression="*/5 * * * *")
    tick()
    acme.settings = {"guardrails": {"minCadenceMinutes": 15}}
    acme.save()

    ran = [tick(NOW + minutes * MINUTE).ran for minutes in (5, 10, 15)]

    assert ran == [0, 0, 1]
    assert [outcome for _, outcome in occurrences(schedule)] == ["run", "capped", "capped", "run"]


# --- how much


def test_two_hundred_due_at_once_and_a_spent_budget_lose_none(acme: Tenant, globex: Tenant, source: Told) -> None:
    schedules = [make_schedule(make_template(acme), name=f"S{number}") for number in range(12)]

    first = tick(seconds=0.0001)
    second = tick(NOW + MINUTE)

    assert first.remaining == len(schedules)
    assert (first.ran + second.ran, second.remaining) == (len(schedules), 0)
    assert [len(occurrences(each)) for each in schedules] == [1] * len(schedules)


def test_runs_that_the_budget_left_are_counted_and_the_worker_makes_them(acme: Tenant, source: Told) -> None:
    for number in range(3):
        make_schedule(make_template(acme), name=f"S{number}")
    queue_due(schedule_ids=list(due_schedules(now=NOW, limit=10)), now=NOW)

    result = tick(seconds=0.0001)
    touched = work_off_runs(now=NOW, budget=Budget(20))

    assert (result.evaluated, result.ran, result.remaining, touched) == (0, 0, 3, 3)
    assert {run.status for run in runs(acme)} == {"completed"}


def test_one_tenants_many_do_not_keep_another_ones_single_report_waiting(
    acme: Tenant, globex: Tenant, source: Told
) -> None:
    for number in range(6):
        make_schedule(make_template(acme), name=f"S{number}", next_run_at=DUE - HOUR)
    queue_due(schedule_ids=list(due_schedules(now=NOW, limit=10)), now=NOW)
    alone = make_schedule(make_template(globex))

    tick()

    order = [run.tenant_id for run in sorted([*runs(acme), *runs(globex)], key=lambda run: run.started_at)]
    assert order.index(globex.pk) <= 1
    assert fresh(alone).last_status == "completed"


def test_due_schedules_are_looked_at_in_turns(acme: Tenant, globex: Tenant) -> None:
    for number in range(5):
        make_schedule(make_template(acme), name=f"S{number}", next_run_at=DUE - HOUR)
    make_schedule(make_template(globex))

    found = due_schedules(now=NOW, limit=2)

    assert list(found.values()) == [acme.pk, globex.pk]


def test_one_tenants_tick_is_that_tenants_alone(acme: Tenant, globex: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    other = make_schedule(make_template(globex))

    result = tick(tenant=acme)

    assert (result.evaluated, result.ran) == (1, 1)
    assert (fresh(other).next_run_at, runs(globex)) == (DUE, [])


def test_a_run_that_has_waited_since_an_earlier_occurrence_stands_for_the_next_one(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook), cron_expression="*/5 * * * *")
    for minutes in (0, 5):
        now = NOW + minutes * MINUTE
        queue_due(schedule_ids=list(due_schedules(now=now, limit=10)), now=now)

    tick(NOW + 10 * MINUTE)

    assert (only_run(acme).occurrence_at, len(hook.got)) == (DUE + 10 * MINUTE, 1)
    assert [outcome for _, outcome in occurrences(schedule)] == ["coalesced", "coalesced", "run"]


def test_what_an_earlier_tick_could_not_send_is_sent_by_the_next(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    hook.script = lambda got: Reply(status=503)
    tick()
    waiting = (only_run(acme).stage, fresh(schedule).last_status)
    hook.script = lambda got: Reply()
    Delivery.objects.for_tenant(acme).update(next_attempt_at=NOW)

    tick(NOW + MINUTE)

    assert waiting == ("delivering", "pending")
    assert (only_run(acme).status, fresh(schedule).last_status, states(acme)) == (
        "completed", "completed", ["delivered"]
    )  # fmt: skip


# --- what fails besides runs


def test_a_template_that_cannot_be_read_fails_its_schedule_alone(acme: Tenant, source: Told, hook: Receiver) -> None:
    bad = make_schedule(make_template(acme), name="Bad")
    good = make_schedule(make_template(acme), make_webhook(acme, hook), name="Good")
    # A definition that an older release left behind and that this one cannot read.
    ReportTemplate.objects.for_tenant(acme).filter(pk=bad.template_id).update(data_sources=[{"source": "x"}])

    result = tick()

    assert [(each.schedule_id, each.error) for each in result.errors] == [
        (bad.pk, "The template cannot be read: KeyError: 'sourceKey'")
    ]
    assert (result.evaluated, result.ran, fresh(good).last_status, len(hook.got)) == (2, 1, "completed", 1)
    assert fresh(bad).last_status == "failed"


def test_a_batch_that_fails_is_decided_one_by_one_and_the_failure_stands_alone(
    acme: Tenant, source: Told, hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    bad = make_schedule(make_template(acme), name="Bad")
    good = make_schedule(make_template(acme), make_webhook(acme, hook), name="Good")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$; "
            "CREATE TRIGGER refuse BEFORE UPDATE ON reports_reportschedule FOR EACH ROW "
            f"WHEN (OLD.id = '{bad.pk}') EXECUTE FUNCTION refuse()"
        )

    result = tick()

    assert [(each.schedule_id, each.error) for each in result.errors] == [(bad.pk, "ProgrammingError: no room")]
    assert (result.evaluated, result.ran, fresh(good).last_status, len(hook.got)) == (2, 1, "completed", 1)
    logged = [getattr(record, "event", "") for record in caplog.records if record.levelname == "ERROR"]
    assert logged == ["reports.not_decided"]


def test_a_database_that_is_gone_ends_the_tick(acme: Tenant, source: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    make_schedule(make_template(acme))
    monkeypatch.setattr(connection, "is_usable", lambda: False)

    def lose(number: int) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    source.act = lose

    with pytest.raises(OperationalError):
        tick()

    assert (only_run(acme).status, only_run(acme).stage) == ("running", "querying")
