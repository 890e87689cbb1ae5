"""What the end of a run means for its schedule: last status, one alert a streak, a pause after the fifth failure."""

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportRun
from reports.services import resume_schedule
from reports.services.telling import end_of_run
from tests.people import Person
from tests.reports.runs_world import (
    DAY,
    MINUTE,
    NOW,
    Told,
    fresh,
    health,
    make_destination,
    make_schedule,
    make_template,
    runs,
    tick,
)


def fail(number: int) -> None:
    """Raise as a source does that lost its table."""
    raise ValueError("no such table")


def fire(schedule_days: int) -> None:
    """Tick on so many mornings from NOW on."""
    for number in range(schedule_days):
        tick(NOW + number * DAY)


def test_the_first_failure_of_a_streak_is_told_and_names_the_owner(acme: Tenant, alice: Person, source: Told) -> None:
    source.act = fail
    schedule = make_schedule(make_template(acme, owner=alice.user))

    fire(3)

    alert = SystemHealthAlert.objects.for_tenant(acme).get()
    assert (alert.severity, alert.source, alert.title) == (
        "error", "reports", "Report schedule Every morning failed"
    )  # fmt: skip
    assert alert.message == (
        f"ValueError: no such table Its owner is {alice.user.email}. You hear of it again only if it is paused."
    )
    assert (alert.occurrences, alert.link) == (1, f"/settings/reports/runs/{runs(acme)[0].pk}")
    assert (fresh(schedule).last_status, fresh(schedule).failures_in_a_row) == ("failed", 3)


def test_a_streak_is_told_once_outside_and_the_pause_once_more(acme: Tenant, source: Told) -> None:
    make_destination(acme, "ops_email", "Ops", fromEmail="kaireon@example.com", recipients=["ops@example.com"])
    source.act = fail
    make_schedule(make_template(acme))

    fire(7)

    told = Delivery.objects.for_tenant(acme).filter(event_type="notification").order_by("created_at", "pk")
    assert list(told.values_list("subject", flat=True)) == [
        "Report schedule Every morning failed", "Report schedule Every morning is paused"
    ]  # fmt: skip


def test_five_failures_in_a_row_pause_the_schedule_visibly(acme: Tenant, source: Told) -> None:
    source.act = fail
    schedule = make_schedule(make_template(acme))

    fire(7)

    paused = fresh(schedule)
    assert (paused.state, paused.failures_in_a_row, len(runs(acme))) == ("paused", 5, 5)
    assert paused.paused_at is not None
    assert paused.state_reason == "5 runs in a row have failed. The last one: ValueError: no such table"
    assert health(acme) == [("critical", "Report schedule Every morning is paused")]
    entry = AuditEntry.objects.for_tenant(acme).get(action="pause")
    assert (entry.actor_kind, entry.entity_id) == ("system", str(schedule.pk))


def test_four_failures_and_a_success_begin_anew(acme: Tenant, source: Told) -> None:
    source.act = lambda number: fail(number) if number != 5 else None
    schedule = make_schedule(make_template(acme))

    fire(8)

    assert (fresh(schedule).state, fresh(schedule).failures_in_a_row) == ("active", 3)
    assert SystemHealthAlert.objects.for_tenant(acme).count() == 2


def test_a_success_ends_the_alert(acme: Tenant, source: Told) -> None:
    source.act = lambda number: fail(number) if number == 1 else None
    schedule = make_schedule(make_template(acme))
    fire(1)
    before = health(acme)

    tick(NOW + DAY)

    assert before == [("error", "Report schedule Every morning failed")]
    assert (health(acme), fresh(schedule).failures_in_a_row) == ([], 0)


def test_resume_sets_it_going_and_ends_the_alert(acme: Tenant, source: Told) -> None:
    source.act = lambda number: fail(number) if number <= 5 else None
    schedule = make_schedule(make_template(acme))
    fire(5)

    resume_schedule(tenant=acme, schedule_id=schedule.pk, actor=SYSTEM, now=NOW + 5 * DAY)
    result = tick(NOW + 6 * DAY)

    assert (result.ran, fresh(schedule).state, fresh(schedule).failures_in_a_row) == (1, "active", 0)
    assert health(acme) == []


@pytest.mark.parametrize("status", ["failed", "completed"])
def test_a_run_that_ends_after_a_later_one_changes_nothing(acme: Tenant, source: Told, status: str) -> None:
    schedule = make_schedule(make_template(acme))
    tick()
    later = fresh(schedule)
    assert later.last_run_at is not None
    older = ReportRun(started_at=later.last_run_at - MINUTE, status=status, tenant=acme)

    entries = end_of_run(later, older, now=NOW)

    after = fresh(schedule)
    assert (entries, after.last_status, after.last_run_at) == ([], "completed", later.last_run_at)


def test_a_run_by_hand_changes_no_schedule(acme: Tenant, alice: Person, source: Told) -> None:
    template = make_template(acme)
    schedule = make_schedule(template, next_run_at=NOW + DAY)

    answer = alice.api().post(f"/api/v1/reports/templates/{template.pk}/run-now")

    assert (answer.status_code, answer.json()["status"]) == (202, "completed")
    assert (fresh(schedule).last_status, fresh(schedule).last_run_at) == ("pending", None)
