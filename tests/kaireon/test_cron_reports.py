"""Reports in `POST /api/cron/tick` and `manage.py tick`: the documented answer; neither subsystem blocks the other."""

import json
import uuid
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from alerts.models import Evaluation
from kaireon.cron import tick
from kaireon.management.commands.run_worker import step
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportRun, ReportSchedule
from reports.services import run_template
from tests.alerts.world import make_webhook
from tests.kaireon.test_cron import a_breaching_rule, post
from tests.reports.runs_world import Told, fresh, make_schedule, make_template, only_run, told_source
from tests.servers import Receiver


@pytest.fixture
def source() -> Iterator[Told]:
    """Register a source that behaves as told."""
    with told_source() as told:
        yield told


def a_due_schedule(tenant: Tenant, *receivers: Receiver, name: str = "Due") -> ReportSchedule:
    """Create a schedule that is due by the real clock."""
    destinations = [make_webhook(tenant, each) for each in receivers]
    return make_schedule(
        make_template(tenant), *destinations, name=name, next_run_at=timezone.now(), cron_expression="0 0 1 1 *"
    )


def without_template(schedule: ReportSchedule) -> uuid.UUID:
    """Take the schedule's template away, past the service and the cascade."""
    template = schedule.template
    type(template).objects.for_tenant(schedule.tenant_id).filter(pk=template.pk)._raw_delete("default")
    return template.pk


def refuse_evaluations() -> None:
    """Make every evaluation of an alert rule fail in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$; "
            f"CREATE TRIGGER refuse BEFORE INSERT ON {Evaluation._meta.db_table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


def test_the_answer_is_the_documented_one_with_a_broken_schedule_listed_and_the_others_run(
    acme: Tenant, source: Told, pager: Receiver
) -> None:
    fine = [a_due_schedule(acme, pager, name=name) for name in ("One", "Two")]
    broken = a_due_schedule(acme, name="Broken")
    template_id = without_template(broken)

    answer = post().json()

    assert (answer["reportsEvaluated"], answer["reportsRan"]) == (3, 2)
    assert answer["reportErrors"] == [
        {"tenantId": str(acme.pk), "scheduleId": str(broken.pk), "error": f"Template {template_id} not found"}
    ]
    assert (answer["errors"], answer["remaining"], len(pager.got)) == ([], 0, 2)
    assert [fresh(each).last_status for each in (*fine, broken)] == ["completed", "completed", "failed"]


def test_alerts_that_fail_do_not_keep_reports_from_running(acme: Tenant, source: Told, pager: Receiver) -> None:
    a_due_schedule(acme, pager)
    a_breaching_rule(acme)
    refuse_evaluations()

    answer = post().json()

    assert [each["subsystem"] for each in answer["errors"]] == ["alerts"]
    assert (answer["reportsRan"], len(pager.got)) == (1, 1)


def test_reports_that_fail_as_a_whole_are_listed_and_alerts_fire(
    acme: Tenant, source: Told, pager: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**options: Any) -> None:
        raise RuntimeError("the stage is gone\nTraceback")

    monkeypatch.setattr("kaireon.cron.run_report_tick", fail)
    a_breaching_rule(acme, channels=[str(make_webhook(acme, pager).pk)])

    answer = post().json()

    assert (answer["alertsFired"], len(pager.got)) == (1, 1)
    (error,) = answer["errors"]
    assert (error["subsystem"], error["tenantId"], error["requestId"]) == ("reports", None, answer["requestId"])
    assert error["error"] == "RuntimeError: the stage is gone"
    assert any(getattr(record, "event", "") == "tick.failed" for record in caplog.records)


def test_only_reports_leaves_alerts_alone(acme: Tenant, source: Told, pager: Receiver) -> None:
    a_due_schedule(acme, pager)
    a_breaching_rule(acme)
    out = StringIO()

    call_command("tick", "--json", "--only", "reports", stdout=out)

    answer = json.loads(out.getvalue())
    assert (answer["alertsEvaluated"], answer["reportsEvaluated"], answer["reportsRan"]) == (0, 1, 1)


def test_only_alerts_leaves_reports_alone(acme: Tenant, source: Told) -> None:
    schedule = a_due_schedule(acme)
    out = StringIO()

    call_command("tick", "--json", "--only", "alerts", stdout=out)

    assert json.loads(out.getvalue())["reportsEvaluated"] == 0
    assert fresh(schedule).last_run_at is None


def test_the_command_says_it_in_words_and_exits_1_when_a_schedule_failed(acme: Tenant, source: Told) -> None:
    a_due_schedule(acme, name="Fine")
    broken = a_due_schedule(acme, name="Broken")
    template_id = without_template(broken)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("tick", "--only", "reports", stdout=out)

    assert ended.value.code == 1
    assert "2 report schedules due: 1 reports made" in out.getvalue()
    assert f"failed {broken.pk}: Template {template_id} not found" in out.getvalue()


def test_a_spent_budget_makes_nothing_and_counts_what_is_left(acme: Tenant, source: Told) -> None:
    a_due_schedule(acme)

    answer = tick(now=timezone.now(), budget=Budget(0), request_id="r")

    assert (answer["reportsEvaluated"], answer["reportsRan"], answer["remaining"]) == (0, 0, 1)
    assert not ReportRun.objects.for_tenant(acme).exists()


def test_a_worker_makes_queued_reports_and_tells_the_loop(acme: Tenant, source: Told, pager: Receiver) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, pager).pk])
    run_template(
        tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=timezone.now(), wait_seconds=0
    )  # fmt: skip

    worked = [step(), step()]

    assert (worked, only_run(acme).status, len(pager.got)) == ([True, False], "completed", 1)


def test_a_worker_settles_what_a_tick_that_died_had_sent(acme: Tenant, source: Told, pager: Receiver) -> None:
    a_due_schedule(acme, pager)
    post()
    ReportRun.objects.for_tenant(acme).update(status="running", stage="delivering", finished_at=None)

    assert (step(), only_run(acme).status, len(pager.got)) == (True, "completed", 1)


def test_metrics_tell_how_runs_ended(acme: Tenant, source: Told, client: Any) -> None:
    a_due_schedule(acme)
    post()

    text = client.get("/api/metrics").content.decode()

    assert 'kaireon_report_runs_total{status="completed"}' in text
    assert "kaireon_report_run_seconds_count" in text
    assert "kaireon_report_due_lag_seconds_count" in text
    assert 'kaireon_report_runs_open{stage="queued"} 0.0' in text
