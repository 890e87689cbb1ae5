"""Schedules on the pages: added, changed, paused, resumed, deleted; a cadence told in words while it is typed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import MissedPolicy, OccurrenceOutcome, ScheduleState
from reports.forms import zone_names
from reports.models import ReportOccurrence, ReportSchedule
from tests.pages.report_world import HTMX, made_run, page_of, said, scheduled
from tests.people import Person
from tests.reports.keeping import NOBODYS, make_mail, make_schedule, make_template, spoil

pytestmark = pytest.mark.django_db
CADENCE = "/settings/reports/cadence"


def schedules(tenant: Tenant) -> list[ReportSchedule]:
    return list(ReportSchedule.objects.for_tenant(tenant).order_by("created_at"))


def told(person: Person, expression: str, zone: str = "UTC") -> str:
    """Return what the page says of a cadence."""
    answer = person.browser().get(CADENCE, {"cron_expression": expression, "timezone": zone}, headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_schedule_is_added_without_leaving_the_page(acme: Tenant, eve: Person) -> None:
    template, destination = make_template(acme), make_mail(acme)

    answer = eve.browser().post(
        f"{page_of(template)}/schedules", scheduled(destinations=[str(destination)], skip_if_empty="on"), headers=HTMX
    )

    schedule = schedules(acme)[0]
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "“Every morning” is added." in text
    assert "<html" not in text
    assert (schedule.template, schedule.cron_expression, schedule.timezone) == (template, "0 8 * * *", "Europe/Berlin")
    assert (schedule.destination_ids, schedule.skip_if_empty) == ([destination], True)
    assert schedule.missed_policy == MissedPolicy.ONCE
    assert schedule.next_run_at is not None


def test_without_script_adding_leads_back_to_the_schedules(acme: Tenant, eve: Person) -> None:
    template = make_template(acme)

    answer = eve.browser().post(f"{page_of(template)}/schedules", scheduled())

    assert answer.status_code == 303
    assert answer["Location"] == f"{page_of(template)}#schedule"
    assert "is added" in said(answer)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"), ("name", "x" * 121, "120"), ("cron_expression", "", "required"),
        ("cron_expression", "0 25 * * *", "hour"), ("cron_expression", "@daily", "five"),
        ("cron_expression", "0 8 * * * *", "five"), ("timezone", "", "required"),
        ("timezone", "Mars/North", "no time zone Mars/North"), ("missed_policy", "never", "valid choice"),
        ("destinations", [NOBODYS], "valid choice"),
    ],
    ids=[
        "no-name", "long-name", "no-cron", "hour", "word", "six-fields", "no-zone", "zone", "policy", "destination",
    ],
)  # fmt: skip
def test_what_is_refused_stands_beside_its_field_with_what_was_typed(
    field: str, value: Any, words: str, headers: dict[str, str], acme: Tenant, eve: Person
) -> None:
    template = make_template(acme)

    answer = eve.browser().post(
        f"{page_of(template)}/schedules", scheduled(**{"name": "Kept name", field: value}), headers=headers
    )

    text = answer.content.decode()
    assert answer.status_code == 400
    assert list(answer.context["schedule_form"].errors) == [field]
    assert words in str(answer.context["schedule_form"].errors[field])
    assert f'href="#schedule_{field}"' in text
    assert f'id="schedule_{field}"' in text
    assert "Kept name" in text or field == "name"
    assert ("<html" in text) is not bool(headers)
    assert not schedules(acme)


def test_over_the_cap_the_form_says_so_on_top(acme: Tenant, eve: Person) -> None:
    template = make_template(acme)
    Tenant.objects.filter(pk=acme.pk).update(settings={"guardrails": {"maxReportSchedules": 0}})

    answer = eve.browser().post(f"{page_of(template)}/schedules", scheduled(), headers=HTMX)

    assert answer.status_code == 400
    assert "cap" in str(answer.context["schedule_form"].non_field_errors())


def test_a_cadence_that_is_too_dense_is_refused(acme: Tenant, eve: Person) -> None:
    template = make_template(acme)
    Tenant.objects.filter(pk=acme.pk).update(settings={"guardrails": {"minCadenceMinutes": 60}})

    answer = eve.browser().post(
        f"{page_of(template)}/schedules", scheduled(cron_expression="*/5 * * * *"), headers=HTMX
    )

    assert answer.status_code == 400
    assert answer.context["schedule_form"].errors


@pytest.mark.parametrize(
    ("expression", "zone", "words"),
    [
        ("*/5 * * * *", "UTC", "Every 5 minutes"), ("0 8 * * *", "Europe/Berlin", "At 08:00"),
        ("0 9 * * 1-5", "America/New_York", "Monday through Friday"), ("0 9 31 * *", "UTC", "have no report"),
        ("", "UTC", "Fill in a cron expression"), ("0 25 * * *", "UTC", "Cron expression:"),
        ("0 8 * * *", "Mars/North", "Timezone:"), ("0 8 * * *", "", "Next five times in UTC"),
        ("x" * 5000, "UTC", "Cron expression:"), ("<b>", "<i>", "Cron expression:"),
    ],
    ids=[
        "five", "daily", "weekdays", "31st", "empty", "hour", "zone", "no-zone", "long", "markup",
    ],
)  # fmt: skip
def test_a_cadence_is_told_in_words_while_it_is_typed(expression: str, zone: str, words: str, bob: Person) -> None:
    text = told(bob, expression, zone)

    assert words in text
    assert "<b>" not in text


@time_machine.travel(datetime(2026, 10, 23, 12, tzinfo=UTC), tick=False)
def test_the_next_five_times_stand_in_the_zone_and_the_day_of_a_clock_change_is_marked(bob: Person) -> None:
    text = told(bob, "0 8 * * *", "Europe/Berlin")

    assert text.count("<li>") == 5
    assert "Sat, 24 Oct 2026, 08:00 CEST" in text
    assert "Sun, 25 Oct 2026, 08:00 CET" in text
    assert text.count("Clock changes") == 1
    assert text.index("25 Oct") < text.index("Clock changes") < text.index("26 Oct")


def test_the_page_offers_zones_by_their_cities(acme: Tenant, eve: Person) -> None:
    text = eve.browser().get(page_of(make_template(acme))).content.decode()

    assert '<option value="Europe/Berlin">' in text
    assert zone_names()[0] == "UTC"
    assert len(zone_names()) == len(set(zone_names())) > 300


def test_the_form_begins_in_the_tenants_zone(acme: Tenant, eve: Person) -> None:
    Tenant.objects.filter(pk=acme.pk).update(timezone="Asia/Tokyo")

    page = eve.browser().get(page_of(make_template(acme)))

    assert page.context["schedule_form"]["timezone"].value() == "Asia/Tokyo"


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_pause_and_resume(headers: dict[str, str], acme: Tenant, eve: Person) -> None:
    schedule, browser = make_schedule(acme), eve.browser()

    paused = browser.post(f"{page_of(schedule)}/pause", headers=headers)
    schedule.refresh_from_db()
    state = schedule.state
    page = browser.get(page_of(schedule)).content.decode()
    resumed = browser.post(f"{page_of(schedule)}/resume", headers=headers)
    schedule.refresh_from_db()

    assert {paused.status_code, resumed.status_code} == ({200} if headers else {303})
    assert state == ScheduleState.PAUSED
    assert "Paused by" in page
    assert "Resume it when the cause is gone." in page
    assert schedule.state == ScheduleState.ACTIVE


@pytest.mark.parametrize("act", ["pause", "resume"])
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_what_is_parked_is_freed_by_a_better_cadence_only(
    act: str, headers: dict[str, str], acme: Tenant, eve: Person
) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, state=ScheduleState.PARKED, state_reason="No zone.", timezone="Mars/North", next_run_at=None)
    browser = eve.browser()

    answer = browser.post(f"{page_of(schedule)}/{act}", headers=headers)
    page = browser.get(page_of(schedule)).content.decode()

    shown = answer.content.decode() if headers else said(answer)
    assert "The schedule is parked" in shown
    assert "Parked: it does not go out" in page
    assert "saving frees it" in page


def test_a_zone_that_the_database_dropped_parks_a_schedule_before_any_tick_has_seen_it(
    acme: Tenant, bob: Person
) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, timezone="Mars/North")
    browser = bob.browser()

    pages = [browser.get(address).content.decode() for address in ("/settings/reports", page_of(schedule.template))]

    assert all("Parked" in page for page in pages)


def test_a_schedule_is_changed_on_its_page(acme: Tenant, eve: Person) -> None:
    schedule = make_schedule(acme)

    answer = eve.browser().post(page_of(schedule), scheduled(name="Noon", cron_expression="0 12 * * *"))

    schedule.refresh_from_db()
    assert answer.status_code == 303
    assert answer["Location"] == page_of(schedule)
    assert (schedule.name, schedule.cron_expression) == ("Noon", "0 12 * * *")


def test_a_bad_change_stays_on_the_page(acme: Tenant, eve: Person) -> None:
    schedule = make_schedule(acme)

    answer = eve.browser().post(page_of(schedule), scheduled(cron_expression="61 * * * *"))

    text = answer.content.decode()
    assert answer.status_code == 400
    assert 'value="61 * * * *"' in text
    assert 'href="#schedule_cron_expression"' in text
    assert schedules(acme)[0].cron_expression == schedule.cron_expression


def test_deleting_asks_with_the_name_and_its_runs_stay(acme: Tenant, eve: Person) -> None:
    schedule, browser = make_schedule(acme, name="Old & tired"), eve.browser()

    page = browser.get(page_of(schedule)).content.decode()
    answer = browser.post(f"{page_of(schedule)}/delete")

    assert 'data-confirm="Delete the schedule “Old &amp; tired”?"' in page
    assert "its past runs stay" in page
    assert answer["Location"] == f"{page_of(schedule.template)}#schedule"
    assert not schedules(acme)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (OccurrenceOutcome.RUN, "Run"),
        (OccurrenceOutcome.COALESCED, "Covered by a later one"),
        (OccurrenceOutcome.MISSED, "Missed"),
        (OccurrenceOutcome.SKIPPED_EMPTY, "Skipped, empty"),
        (OccurrenceOutcome.CAPPED, "Capped"),
    ],
)
def test_each_time_it_was_due_says_what_became_of_it_and_why(
    outcome: OccurrenceOutcome, words: str, acme: Tenant, bob: Person
) -> None:
    schedule = make_schedule(acme, make_template(acme, formats=["csv"]))
    run = made_run(schedule.template) if outcome is OccurrenceOutcome.RUN else None
    ReportOccurrence.objects.create(
        id=new_id(), tenant=acme, schedule=schedule, occurrence_at=timezone.now(), outcome=outcome, reason="Because.",
        run=run, created_at=timezone.now(),
    )  # fmt: skip

    text = bob.browser().get(page_of(schedule)).content.decode()

    assert words in text
    assert "Because." in text
    assert (page_of(run) in text) if run else True


def test_times_go_on_by_key(acme: Tenant, bob: Person) -> None:
    schedule, now = make_schedule(acme), timezone.now()
    ReportOccurrence.objects.bulk_create(
        ReportOccurrence(
            id=new_id(), tenant=acme, schedule=schedule, occurrence_at=now - timedelta(minutes=number),
            outcome=OccurrenceOutcome.MISSED, created_at=now,
        )
        for number in range(70)
    )  # fmt: skip
    browser, seen, key = bob.browser(), [], ""

    while True:
        page = browser.get(page_of(schedule), {"after": key} if key else {})
        seen += [row.pk for row in page.context["occurrences"]]
        key = page.context["next_key"]
        if not key:
            break

    assert len(seen) == len(set(seen)) == 70


@pytest.mark.parametrize("act", ["", "/pause", "/resume", "/delete"])
def test_a_viewer_cannot_act(act: str, acme: Tenant, bob: Person) -> None:
    schedule = make_schedule(acme)

    answer = bob.browser().post(f"{page_of(schedule)}{act}", scheduled())
    page = bob.browser().get(page_of(schedule)).content.decode()

    assert answer.status_code == 403
    assert f'action="{page_of(schedule)}{act}"' not in page
    assert "an editor of your tenant can change it" in page


@pytest.mark.parametrize("act", ["", "/pause", "/resume", "/delete"])
def test_nobody_acts_on_another_tenants_schedule(act: str, acme: Tenant, charlie: Person) -> None:
    schedule = make_schedule(acme)

    answer = charlie.browser().post(f"{page_of(schedule)}{act}", scheduled())

    assert answer.status_code == 404
    assert schedules(acme) == [schedule]


def test_another_tenants_destination_is_no_choice(acme: Tenant, globex: Tenant, eve: Person) -> None:
    template, theirs = make_template(acme), make_mail(globex)

    answer = eve.browser().post(
        f"{page_of(template)}/schedules", scheduled(destinations=[str(theirs)]), headers=HTMX
    )  # fmt: skip

    assert answer.status_code == 400
    assert not schedules(acme)
