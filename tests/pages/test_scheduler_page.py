"""The scheduler's page: the first answer in words, what fires next, what needs a look, every occurrence."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from tests.pages.flow_world import make_run
from tests.pages.scheduler_world import (
    HTMX,
    MINUTE,
    PAGE,
    awaiting,
    break_folder,
    change_schedule,
    change_trigger,
    crowd_scheduler,
    hold,
    make_occurrence,
    make_tick,
    park,
    part_of,
    scheduled,
)
from tests.people import Person
from triggers.decisions.vocabulary import OccurrenceKind, Outcome

pytestmark = pytest.mark.django_db


def text_of(person: Person, address: str = PAGE, **query: str) -> str:
    answer = person.browser().get(address, query)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_a_tenant_without_schedules_is_told_what_belongs_here(bob: Person) -> None:
    text = text_of(bob)

    assert "No tick has come yet" in text
    assert "no live pipeline has a schedule or waits for a file" in text
    assert "Open the pipelines" in text
    assert "Tick scheduler now" not in text


def test_schedules_that_nobody_ticks_come_first(acme: Tenant, bob: Person) -> None:
    scheduled(acme)

    text = text_of(bob)

    assert "The scheduler has never ticked" in text
    assert "1 schedule wait" in text or "1 schedule waits" in text
    assert "GET /api/v1/cron/flow-scheduler-tick" in text


def test_a_scheduler_that_stopped_says_since_when(acme: Tenant, bob: Person) -> None:
    scheduled(acme)
    make_tick(timezone.now() - 2 * timedelta(hours=1))

    assert "The scheduler is silent for 2 h 0 m" in text_of(bob)


def test_a_scheduler_that_is_well_says_how_late_it_is(acme: Tenant, eve: Person) -> None:
    make_occurrence(scheduled(acme))
    make_tick()

    text = text_of(eve)

    assert "The scheduler is alive</h2>" in text
    assert "half began within 2 s, the slowest after 2 s" in text
    assert "by the web server&#x27;s own ticker" in text
    assert "Tick scheduler now" in text


def test_a_tick_that_failed_is_bad_news(acme: Tenant, bob: Person) -> None:
    scheduled(acme)
    make_tick(error="connection <refused>")

    text = text_of(bob)

    assert "its last tick failed" in text
    assert "connection &lt;refused&gt;" in text


def test_what_is_overdue_is_named_and_the_scheduler_is_behind(acme: Tenant, bob: Person) -> None:
    change_schedule(scheduled(acme, "Late one"), next_due_at=timezone.now() - 5 * MINUTE)
    make_tick(remaining=7)

    text = text_of(bob)

    assert "behind: 1 schedule overdue" in text
    assert "The last tick left 7 for the next" in text
    assert "no tick has come to it since" in text


def test_what_was_missed_failed_or_is_parked_says_why_and_what_to_do(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    park(scheduled(acme, "Parked one"), reason="There is no time zone Europe/Atlantis.")
    make_occurrence(pipeline, Outcome.MISSED, reason="No tick came between 03:00 and 04:00.", count=3)
    make_occurrence(pipeline, Outcome.FAILED, reason="The cap of waiting runs is reached.")
    make_tick()

    text = text_of(bob)

    assert "1 schedule is parked, 1 dispatch failed and 1 time was missed" in text
    for words in (
        "There is no time zone Europe/Atlantis.", "Correct its schedule, then Save and publish.",
        "No tick came between 03:00 and 04:00.", "and 2 more", "The cap of waiting runs is reached.",
    ):  # fmt: skip
        assert words in text


def test_what_is_held_says_until_when_and_what_for(acme: Tenant, bob: Person) -> None:
    hold(scheduled(acme))
    hold(awaiting(acme), kind=OccurrenceKind.FILE, held_for="stable", detail={"key": "/in/orders.done"})

    text = text_of(bob)

    assert "its start is spread" in text
    assert "the file may still be written · /in/orders.done" in text


def test_a_folder_that_cannot_be_listed_says_why_and_when_it_is_tried_again(acme: Tenant, bob: Person) -> None:
    break_folder(acme, error="The server does not answer.")
    make_tick()

    text = text_of(bob)

    assert "1 folder cannot be listed" in text
    assert "sftp://files.example.com:22/out" in text
    assert "The server does not answer. Tried again" in text


def test_a_deadline_says_by_when_the_file_is_usually_there(acme: Tenant, bob: Person) -> None:
    pipeline = awaiting(acme, deadline={"windowMinutes": 60})
    now = timezone.now()
    change_trigger(pipeline, deadline_at=now + 30 * MINUTE)
    morning = now.replace(hour=2, minute=10, second=0, microsecond=0)
    for day in range(1, 8):
        make_occurrence(pipeline, at=morning - timedelta(days=day), kind=OccurrenceKind.FILE)

    text = text_of(bob)

    assert "usually here by 02:10 (UTC)" in text
    assert "If none comes: raises an alert." in text
    assert "Due soon" in text


@pytest.mark.parametrize(("span", "count"), [("hour", "1 run within the hour"), ("day", "24 runs within 24 hours")])
def test_the_timeline_counts_every_fire_of_its_span(span: str, count: str, acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    pipeline = scheduled(acme)
    # Its next full hour, and one for each hour after it.
    next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    change_schedule(pipeline, next_due_at=next_hour)

    text = text_of(bob, span=span)

    assert count in text
    assert text.count('class="sched-bar"') == (1 if span == "hour" else 24)


def test_of_very_many_schedules_each_ones_next_is_placed(acme: Tenant, bob: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr("triggers.selectors.timeline.SPREAD", 2)
    for number in range(3):
        scheduled(acme, f"P{number}", expression="* * * * *")

    assert "3 runs within the hour, counting each schedule's next alone" in text_of(bob)


def test_occurrences_are_narrowed_by_pipeline_name_and_outcome(acme: Tenant, bob: Person) -> None:
    orders, sales = scheduled(acme, "Orders"), scheduled(acme, "Sales")
    make_occurrence(orders, Outcome.MISSED, reason="orders missed")
    make_occurrence(orders, reason="orders fired")
    make_occurrence(sales, Outcome.SKIPPED_OVERLAP, reason="sales skipped")

    by_pipeline = text_of(bob, pipeline=str(orders.pk))
    by_name = text_of(bob, q="sale")
    by_outcome = text_of(bob, outcome="missed", pipeline=str(orders.pk))
    nothing = text_of(bob, pipeline="nonsense")

    rows = "occurrences-scroll"
    assert "Why did Orders run, or not" in by_pipeline
    assert "sales skipped" not in by_pipeline.split(rows)[1]
    assert "sales skipped" in by_name.split(rows)[1]
    assert "orders fired" not in by_name.split(rows)[1]
    assert "orders fired" not in by_outcome.split(rows)[1]
    assert "Nothing matches" in nothing


def test_older_occurrences_are_a_page_away(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    for number in range(23):
        make_occurrence(pipeline, at=timezone.now() - number * MINUTE, reason=f"number-{number}.")
    first = text_of(bob)
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&").partition("#")[0]

    second = text_of(bob, older)

    assert "number-19." in first
    assert "number-20." not in first
    assert "number-20." in second
    assert "number-22." in second
    assert "What fires next" not in second


def test_an_occurrence_tells_its_story_as_a_page_and_in_the_drawer(acme: Tenant, bob: Person) -> None:
    pipeline = awaiting(acme)
    run = make_run(pipeline, error="It failed.", status="failed")
    row = make_occurrence(
        pipeline, kind=OccurrenceKind.FILE, run=run, via="push", repeats=2, repeated_at=timezone.now(),
        tick=make_tick(), detail={"key": "/in/orders.done", "size": 1_200, "isControl": True},
    )  # fmt: skip
    make_occurrence(pipeline, Outcome.GONE, at=timezone.now() - 30 * MINUTE, kind=OccurrenceKind.FILE)
    address = f"{PAGE}/occurrences/{row.pk}"

    page, drawer = text_of(bob, address), bob.browser().get(address, headers=HTMX).content.decode()

    for words in (
        "First seen", "through the push endpoint, 2 s after it was due", "the web server&#x27;s own ticker",
        "refused as a duplicate", "/in/orders.done", "1,200", "It failed.", "File is gone", f"/data/flow-runs/{run.pk}",
    ):  # fmt: skip
        assert words in page
        assert words in drawer
    assert "<html" not in drawer


def test_a_tick_that_is_forgotten_leaves_the_occurrence(acme: Tenant, bob: Person) -> None:
    tick = make_tick()
    row = make_occurrence(scheduled(acme), tick=tick)
    tick.delete()

    assert "Decided, through a tick" in text_of(bob, f"{PAGE}/occurrences/{row.pk}")


def test_the_live_part_is_answered_alone_and_costs_a_bounded_number_of_queries(
    acme: Tenant, bob: Person, django_assert_max_num_queries: Any
) -> None:
    pipelines = [scheduled(acme, f"P{number}") for number in range(10)]
    crowd_scheduler(acme, pipelines)
    park(scheduled(acme, "Parked"))
    change_schedule(scheduled(acme, "Late"), next_due_at=timezone.now() - 9 * MINUTE)
    break_folder(acme)
    browser = bob.browser()

    with django_assert_max_num_queries(26):
        answer = browser.get(PAGE, headers=HTMX)

    text = answer.content.decode()
    assert "<html" not in text
    assert text.count('sched-tick"') == 90


def test_pipelines_that_are_due_and_a_silent_scheduler_stand_on_the_overview(acme: Tenant, bob: Person) -> None:
    scheduled(acme, "Soon")
    change_schedule(scheduled(acme, "Tomorrow"), next_due_at=timezone.now() + timedelta(days=1))

    waiting = text_of(bob, "/")
    make_tick(timezone.now() - timedelta(minutes=6))
    silent = text_of(bob, "/")
    make_tick()
    well = text_of(bob, "/")

    assert "Pipelines wait for the scheduler" in waiting
    assert "No tick is starting pipelines" in silent
    assert "2 pipelines with a schedule or a file trigger cannot start" in silent
    assert "tick is starting" not in well
    assert "Soon</a> runs" in well
    assert "Tomorrow</a>" not in well


def test_nobody_elses_scheduler_is_shown(acme: Tenant, charlie: Person) -> None:
    pipeline = scheduled(acme, "Acme's own")
    row = make_occurrence(pipeline, Outcome.MISSED)

    assert "Acme&#x27;s own" not in text_of(charlie)
    assert charlie.browser().get(f"{PAGE}/occurrences/{row.pk}").status_code == 404
    for name in ("schedule", "triggers"):
        assert charlie.browser().get(part_of(pipeline, name)).status_code == 404
