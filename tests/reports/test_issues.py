"""Which run is the issue before another one: what a run is compared with when it says what changed."""

from datetime import datetime

from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from reports.selectors.overview import issue_before
from tests.reports.runs_world import DAY, HOUR, NOW, Told, make_schedule, make_template


def ended(
    template: ReportTemplate, at: datetime, schedule: ReportSchedule | None = None, **changes: object
) -> ReportRun:
    """Create a run that has ended."""
    values = {"status": "completed", "stage": "done", "definition": {"name": template.name}, **changes}
    return ReportRun.objects.create(
        tenant=template.tenant, template=template, schedule=schedule, created_at=at, started_at=at, data_until=at,
        triggered_by="cron" if schedule else "manual", **values,
    )  # fmt: skip


def test_a_schedules_issue_is_compared_with_the_schedules_last_one(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    schedule, other = make_schedule(template), make_schedule(template, name="In another zone")
    yesterday = ended(template, NOW - DAY, schedule)
    ended(template, NOW - 2 * HOUR, other)
    ended(template, NOW - HOUR)

    assert issue_before(acme, ended(template, NOW, schedule)) == yesterday


def test_a_run_by_hand_is_compared_with_whatever_was_last(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    schedule = make_schedule(template)
    ended(template, NOW - DAY)
    last = ended(template, NOW - HOUR, schedule, status="completed_with_errors")

    assert issue_before(acme, ended(template, NOW)) == last


def test_what_told_nobody_and_what_failed_is_no_issue(acme: Tenant, globex: Tenant, source: Told) -> None:
    template = make_template(acme)
    schedule = make_schedule(template)
    issued = ended(template, NOW - 2 * DAY, schedule, is_empty=True)
    ended(template, NOW - DAY, schedule, is_empty=True, skip_if_empty=True)
    ended(template, NOW - HOUR, schedule, status="failed")
    ended(make_template(globex), NOW - HOUR)

    assert issue_before(acme, ended(template, NOW, schedule)) == issued
    assert issue_before(acme, issued) is None
