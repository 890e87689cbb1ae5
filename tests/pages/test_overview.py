"""The overview: the worst three things with their remedies, the next hour, today, and the tenant switcher."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from kaireon.overview import Clock, Open, place_marks, worst_concerns
from kaireon.platform.health.services import raise_alert
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from tests.architecture.furniture import furnish
from tests.people import Person

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def problem(number: int = 0, source: str = "alerts") -> Open:
    return Open("critical", source, f"Problem {number}", "", "", NOW)


# Nothing waits for the flow scheduler.
WELL = Clock(0, is_silent=False, last_tick_at=None)


@pytest.mark.parametrize(
    ("clock", "severity"),
    [
        (WELL, None),
        (Clock(0, is_silent=True, last_tick_at=NOW), None),
        (Clock(3, is_silent=False, last_tick_at=NOW), None),
        (Clock(3, is_silent=True, last_tick_at=None), "warning"),
        (Clock(1, is_silent=True, last_tick_at=NOW), "critical"),
    ],
)
def test_a_silent_flow_scheduler_comes_first_where_something_waits_for_it(clock: Clock, severity: str | None) -> None:
    found = worst_concerns([problem()], enabled_rules=0, last_tick_at=None, clock=clock, now=NOW)

    assert [each.severity for each in found[:-1]] == ([severity] if severity else [])
    assert all(each.link == "/data/scheduler" for each in found[:-1])


def test_without_rules_nobody_misses_a_tick() -> None:
    assert worst_concerns([], enabled_rules=0, last_tick_at=None, clock=WELL, now=NOW) == []


def test_rules_that_wait_for_their_first_tick_come_first() -> None:
    found = worst_concerns([problem()], enabled_rules=2, last_tick_at=None, clock=WELL, now=NOW)

    assert [each.severity for each in found] == ["warning", "critical"]
    assert "/api/cron/tick" in found[0].remedy


@pytest.mark.parametrize(("ago", "is_late"), [(timedelta(minutes=75), False), (timedelta(minutes=76), True)])
def test_a_clock_that_stands_still_is_critical(ago: timedelta, is_late: bool) -> None:
    found = worst_concerns([], enabled_rules=1, last_tick_at=NOW - ago, clock=WELL, now=NOW)

    assert bool(found) is is_late


def test_three_are_shown_each_with_a_remedy_and_a_way_there() -> None:
    found = worst_concerns(
        [problem(number, source) for number, source in enumerate(["alerts", "notifications", "unheard_of", "x"])],
        enabled_rules=0, last_tick_at=None, clock=WELL, now=NOW,
    )  # fmt: skip

    assert [each.title for each in found] == ["Problem 0", "Problem 1", "Problem 2"]
    assert all(each.remedy and each.link == "/system-health" for each in found)


def test_marks_stand_where_their_time_is_in_the_hour() -> None:
    events = [
        (NOW + HOUR / 2, "b", "", ""),
        (NOW, "a", "", ""),
        (NOW + HOUR * 2, "late", "", ""),
        (NOW - HOUR, "x", "", ""),
    ]

    marks = place_marks(events, NOW)

    assert [(mark.title, mark.percent) for mark in marks] == [("a", 0.0), ("b", 50.0)]


@pytest.mark.django_db
def test_a_tenant_without_trouble_reads_all_well(alice: Person) -> None:
    text = alice.browser().get("/").content.decode()

    assert "All well" in text
    assert "First steps" in text


@pytest.mark.django_db
def test_what_fired_today_stands_with_who_was_told(acme: Tenant, bob: Person) -> None:
    furnish(acme, timezone.now(), mark="Tokyo")

    text = bob.browser().get("/").content.decode()

    assert "Tokyo rule" in text
    assert "Tokyo mail" in text
    assert "fires again if it is still in breach" in text


@pytest.mark.django_db
def test_the_worst_open_problem_is_the_first_words_of_the_page(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    raise_alert(tenant_id=acme.pk, severity="warning", source="data", title="Slow source", fan_out=False, now=now)
    raise_alert(tenant_id=acme.pk, severity="critical", source="data", title="No source", fan_out=False, now=now)

    text = bob.browser().get("/").content.decode()

    assert text.index("No source") < text.index("Slow source")
    assert "All well" not in text


@pytest.mark.django_db
def test_the_frame_switches_between_the_tenants_of_a_user(alice: Person, globex: Tenant) -> None:
    alice.user.memberships.create(tenant=globex, role=Role.VIEWER)
    browser = alice.browser()

    before = browser.get("/").context["tenant"]
    answer = browser.post("/tenant/switch", {"tenant": str(globex.pk)})
    after = browser.get("/").context["tenant"]

    assert before != after == globex
    assert answer["Location"] == "/"


@pytest.mark.django_db
def test_a_tenant_of_somebody_else_cannot_be_switched_to(alice: Person, globex: Tenant) -> None:
    answer = alice.browser().post("/tenant/switch", {"tenant": str(globex.pk)})

    assert answer.status_code == 404
