"""What a page waits for: sections that fit into its time, by how long their sources took before."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from reports.dashboards import DASHBOARDS
from reports.dashboards.filters import PERIODS, Filters
from reports.dashboards.reading import MOST_REMEMBERED, Wanted, _took, reading, zone_of
from tests.reports.dashboards.world import live_through

pytestmark = pytest.mark.django_db
SOURCES = ("revenue_trend", "funnel", "channel_effectiveness")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Begin and end without any memory of how long something took."""
    _took.clear()
    yield
    _took.clear()


def read(tenant: Tenant, period: str = "7d", **wanted: Any) -> list[str]:
    """Return the ids of the sections that were read."""
    filters = Filters(PERIODS[period])
    with reading(
        DASHBOARDS["executive"], filters, tenant=tenant, now=timezone.now(), zone="UTC", wanted=Wanted(**wanted)
    ) as document:
        return [section.id for section in document.sections]


def test_everything_is_read_unless_there_is_a_limit(acme: Tenant) -> None:
    for source in SOURCES:
        _took[(acme.pk, source, 7)] = 999.0

    assert read(acme) == ["revenue", "funnel", "channels"]


def test_one_section_is_read_alone_however_long_it_takes(acme: Tenant) -> None:
    _took[(acme.pk, "funnel", 7)] = 999.0

    assert read(acme, section="funnel") == ["funnel"]
    assert read(acme, section="nothing") == []


@pytest.mark.parametrize(("slow", "left"), [("revenue_trend", "revenue"), ("channel_effectiveness", "channels")])
def test_a_section_that_does_not_fit_is_left_out_and_those_after_it_are_read(
    slow: str, left: str, acme: Tenant
) -> None:
    _took[(acme.pk, slow, 7)] = 61.0

    assert set(read(acme, seconds=60.0)) == {"revenue", "funnel", "channels"} - {left}


def test_no_time_is_time_for_nothing(acme: Tenant) -> None:
    assert read(acme, seconds=-1.0) == []


def test_what_took_long_is_remembered_of_its_tenant_and_its_days_alone(acme: Tenant, globex: Tenant) -> None:
    _took[(acme.pk, "funnel", 7)] = 61.0

    assert "funnel" not in read(acme, seconds=60.0)
    assert "funnel" in read(globex, seconds=60.0)
    _took[(acme.pk, "funnel", 30)] = 0.001
    assert "funnel" in read(acme, "30d", seconds=60.0)


@pytest.mark.parametrize(("took", "is_read"), [(6.0, False), (0.5, True)])
def test_an_unread_period_is_judged_by_the_pace_of_another(took: float, is_read: bool, acme: Tenant) -> None:
    _took[(acme.pk, "funnel", 7)] = took

    assert ("funnel" in read(acme, "90d", seconds=60.0)) is is_read


def test_without_any_memory_a_long_period_is_not_waited_for(acme: Tenant) -> None:
    assert read(acme, "90d", seconds=0.05) == []
    assert read(acme, "today", seconds=60.0) == ["revenue", "funnel", "channels"]


def test_reading_remembers_how_long_it_took(acme: Tenant) -> None:
    live_through(acme)

    read(acme)

    assert {key[1] for key in _took} == set(SOURCES)
    assert all(0 < took < 60 for took in _took.values())


def test_the_memory_is_bounded(acme: Tenant) -> None:
    _took.update({(acme.pk, f"source-{number}", 7): 1.0 for number in range(MOST_REMEMBERED)})

    read(acme)

    assert len(_took) == len(SOURCES)


@pytest.mark.parametrize(
    ("wished", "tenants", "zone"),
    [
        ("Europe/Berlin", "Asia/Tokyo", "Europe/Berlin"),
        ("", "Asia/Tokyo", "Asia/Tokyo"),
        ("Nowhere", "Asia/Tokyo", "Asia/Tokyo"),
        ("Nowhere", "Neither", "UTC"),
    ],
)
def test_the_zone_is_the_viewers_else_the_tenants_else_utc(wished: str, tenants: str, zone: str, acme: Tenant) -> None:
    acme.timezone = tenants

    assert zone_of(acme, wished) == zone
