"""The list of reports: what is next, what failed, who gets it, Run now with its progress."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.notifications.services import delete_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import LastStatus, RunStatus, ScheduleState, Stage
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from reports.selectors.outlook import due_reports
from reports.selectors.overview import next_reports, report_rows, schedules_in_trouble
from tests.pages.report_world import HTMX, LIST, made_run, make_what_waits, page_of, queued_run
from tests.people import Person
from tests.reports.keeping import make_mail, make_schedule, make_template, spoil

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def due(schedule: ReportSchedule, ahead: timedelta) -> None:
    """Let a schedule be due so far from now."""
    spoil(schedule, next_run_at=timezone.now() + ahead)


def text_of(person: Person, address: str = LIST, **query: str) -> str:
    return str(person.browser().get(address, query).content.decode())


def test_what_goes_out_next_stands_first_with_who_gets_it(acme: Tenant, bob: Person) -> None:
    soon = make_schedule(
        acme, make_template(acme, name="Soon"), destination_ids=[make_mail(acme, "Board")]
    )  # fmt: skip
    due(soon, 10 * MINUTE)
    due(make_schedule(acme, make_template(acme, name="Later")), 3 * HOUR)

    text = text_of(bob)

    assert "Next: “Soon”" in text
    assert "to Board" in text
    assert "Then “Later”" in text


def test_without_a_schedule_the_page_says_how_to_get_one(acme: Tenant, bob: Person) -> None:
    make_template(acme)

    assert "Nothing is scheduled" in text_of(bob)


def test_a_report_that_nobody_ticked_for_is_late(acme: Tenant, bob: Person) -> None:
    due(make_schedule(acme, make_template(acme, name="Overdue")), -HOUR)

    text = text_of(bob)

    assert "“Overdue” is late" in text
    assert "POST /api/cron/tick" in text


@pytest.mark.parametrize(
    ("columns", "words", "remedy"),
    [
        ({"last_status": LastStatus.FAILED, "last_run_at": timezone.now()}, "“Daily” failed", "the next one is tried"),
        ({"last_status": LastStatus.COMPLETED_WITH_ERRORS}, "did not reach everybody", "can send it again"),
        (
            {"state": ScheduleState.PARKED, "state_reason": "No zone.", "timezone": "Mars/North", "next_run_at": None},
            "is parked", "correct the cron expression or the timezone",
        ),
        (
            {"state": ScheduleState.PAUSED, "state_reason": "Five failed.", "failures_in_a_row": 5},
            "was paused after 5 failures", "Resume it when the cause is gone",
        ),
    ],
    ids=["failed", "with-errors", "parked", "paused"],
)  # fmt: skip
def test_what_needs_somebody_stands_above_with_its_remedy(
    columns: dict[str, Any], words: str, remedy: str, acme: Tenant, bob: Person
) -> None:
    spoil(make_schedule(acme), **columns)

    text = text_of(bob)

    assert words in text
    assert remedy in text
    assert text.index(words) < text.index("All reports")


@pytest.mark.parametrize(
    "columns",
    [
        {"last_status": LastStatus.COMPLETED}, {"last_status": LastStatus.SKIPPED_EMPTY},
        {"state": ScheduleState.PAUSED, "failures_in_a_row": 0}, {"last_status": LastStatus.FAILED, "enabled": False},
    ],
    ids=["completed", "skipped", "paused-by-hand", "off"],
)  # fmt: skip
def test_what_somebody_chose_is_no_trouble(columns: dict[str, Any], acme: Tenant) -> None:
    spoil(make_schedule(acme), **columns)

    assert schedules_in_trouble(acme, 3) == []


def test_the_worst_trouble_is_first_and_has_its_last_run(acme: Tenant) -> None:
    template = make_template(acme)
    failed, parked = make_schedule(acme, template, name="Failed"), make_schedule(acme, template, name="Parked")
    spoil(parked, state=ScheduleState.PARKED)
    spoil(failed, last_status=LastStatus.FAILED)
    run = queued_run(template)
    ReportRun.objects.for_tenant(acme).filter(pk=run.pk).update(schedule=failed)

    found = schedules_in_trouble(acme, 3)

    assert [each.schedule.name for each in found] == ["Parked", "Failed"]
    assert found[1].last_run == run
    assert len(schedules_in_trouble(acme, 1)) == 1


def test_a_schedule_whose_report_is_gone_all_the_same_can_be_found_and_deleted(acme: Tenant, eve: Person) -> None:
    schedule = make_schedule(acme, name="Orphan")
    spoil(schedule, last_status=LastStatus.FAILED, template_id=new_id())
    make_template(acme)
    browser = eve.browser()

    text = browser.get(LIST).content.decode()
    page = browser.get(page_of(schedule)).content.decode()
    answer = browser.post(f"{page_of(schedule)}/delete")

    assert "Its report is gone" in text
    assert "gone; delete this schedule" in page
    assert answer["Location"] == LIST
    assert not ReportSchedule.objects.for_tenant(acme).exists()


def test_a_row_tells_schedules_in_words_recipients_and_the_last_run(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, name="Told", destination_ids=[make_mail(acme, "By hand")])
    make_schedule(acme, template, destination_ids=[make_mail(acme, "By clock")])
    run = made_run(template)

    text = text_of(bob)

    assert "At 08:00" in text
    assert "Europe/Berlin" in text
    assert "By hand" in text
    assert "By clock" in text
    assert page_of(run) in text


def test_a_deleted_destination_is_named_as_such(acme: Tenant, bob: Person) -> None:
    destination = make_mail(acme)
    make_template(acme, destination_ids=[destination])
    delete_destination(tenant_id=acme.pk, destination_id=destination, actor=SYSTEM, now=timezone.now())

    assert "a deleted destination" in text_of(bob)


def test_a_schedule_that_is_held_is_not_the_next_one(acme: Tenant) -> None:
    template = make_template(acme)
    held, free = make_schedule(acme, template, name="Held"), make_schedule(acme, template, name="Free")
    due(held, MINUTE)
    spoil(held, state=ScheduleState.PAUSED)
    due(free, HOUR)

    row = report_rows(acme, after=None, limit=5)[0]

    assert row.next_schedule == free
    assert row.held == [held]
    assert [each.name for each in next_reports(acme, 5)] == ["Free"]


def test_a_report_that_is_off_has_no_next_run(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, enabled=False)
    make_schedule(acme, template)

    assert report_rows(acme, after=None, limit=5)[0].next_schedule is None
    assert next_reports(acme, 5) == []
    assert "when switched on" in text_of(bob)


def test_run_now_queues_a_run_and_answers_with_its_row(acme: Tenant, eve: Person) -> None:
    template = make_template(acme, name="Now", formats=["csv"])
    browser = eve.browser()

    answer = browser.post(f"{page_of(template)}/run", headers=HTMX)
    queued = answer.content.decode()
    made = make_what_waits()
    ended = browser.get(f"{page_of(template)}/row", headers=HTMX)
    finished = ended.content.decode()

    run = ReportRun.objects.for_tenant(acme).get()
    assert "“Now” is running." in answer["HX-Trigger"].encode().decode("unicode_escape")
    assert 'data-poll="2"' in queued
    assert "Queued" in queued
    assert made == 1
    assert (run.status, run.requested_by) == (RunStatus.COMPLETED, eve.user.email)
    assert "data-poll" not in finished
    assert "Completed" in finished
    assert "completed." in ended["HX-Trigger"]


def test_without_script_run_now_leads_to_the_run(acme: Tenant, eve: Person) -> None:
    template = make_template(acme)

    answer = eve.browser().post(f"{page_of(template)}/run")

    run = ReportRun.objects.for_tenant(acme).get()
    assert answer.status_code == 303
    assert answer["Location"] == page_of(run)
    assert run.stage == Stage.QUEUED


def test_a_viewer_sees_and_cannot_act(acme: Tenant, bob: Person) -> None:
    template = make_template(acme)

    text = text_of(bob)
    answers = [bob.browser().post(f"{page_of(template)}/{act}").status_code for act in ("run", "delete")]

    assert template.name in text
    assert "Run now" not in text.partition("All reports")[2]
    assert "New Report" not in text
    assert answers == [403, 403]
    assert not ReportRun.objects.for_tenant(acme).exists()


def test_the_search_finds_by_name_and_by_description(acme: Tenant, bob: Person) -> None:
    make_template(acme, name="Budget watch")
    make_template(acme, name="Other", description="The budget's other half")
    make_template(acme, name="Third")
    browser = bob.browser()

    found = browser.get(LIST, {"q": "BUDGET"}).context["lines"]
    nothing = browser.get(LIST, {"q": "%\x01"}).content.decode()

    assert {line.row.template.name for line in found} == {"Budget watch", "Other"}
    assert "No report matches" in nothing


def test_a_long_list_goes_on_by_key_without_gap_or_repeat(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    ReportTemplate.objects.bulk_create(
        ReportTemplate(id=new_id(), tenant=acme, name=f"R{number}", formats=["csv"], created_at=now, updated_at=now)
        for number in range(70)
    )
    browser, seen, key = bob.browser(), [], ""

    while True:
        page = browser.get(LIST, {"after": key} if key else {})
        seen += [line.row.template.name for line in page.context["lines"]]
        key = page.context["next_key"]
        if not key:
            break

    assert len(seen) == 70
    assert len(set(seen)) == 70


def test_the_overview_shows_what_goes_out_within_the_hour(acme: Tenant, bob: Person) -> None:
    due(make_schedule(acme, make_template(acme, name="In time")), 20 * MINUTE)
    due(make_schedule(acme, make_template(acme, name="Tomorrow")), 20 * HOUR)

    text = text_of(bob, "/")

    assert "In time" in text
    assert "is made and kept, and sent nowhere" in text
    assert "Tomorrow" not in text


def test_what_is_due_already_stands_at_now_and_what_is_held_does_not_stand_at_all(acme: Tenant) -> None:
    now, template = timezone.now(), make_template(acme, name="Overdue")
    due(make_schedule(acme, template, destination_ids=[make_mail(acme)]), -HOUR)
    held = make_schedule(acme, template)
    spoil(held, state=ScheduleState.PAUSED, next_run_at=now + MINUTE)

    found = due_reports(acme, now=now, span=HOUR)

    assert [(each.at, each.text) for each in found] == [(now, "is due and waits for a tick")]
