"""The funnel: each step's count, its part of the step before and of the first."""

from datetime import UTC, datetime

import pytest

from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save, trace
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 2, 26, 9, tzinfo=UTC)


def test_every_step_is_counted(acme: Tenant, spool: Spool) -> None:
    save(
        trace(acme, TODAY, after_qualification=12, after_contact_policy=9, final_count=3, selected_count=2),
        trace(acme, TODAY, after_qualification=8, after_contact_policy=1, final_count=1, selected_count=2),
        trace(acme, BEFORE, after_qualification=5, after_contact_policy=4, final_count=3, selected_count=2),
        interaction(acme, "impression", TODAY),
        interaction(acme, "impression", TODAY),
        interaction(acme, "not_presented", TODAY),
        interaction(acme, "click", TODAY),
        interaction(acme, "convert", TODAY, value=5),
        interaction(acme, "impression", BEFORE),
    )

    section = made("funnel", acme, spool, days=5)

    assert [tuple(row.values()) for row in table(section)] == [
        ("Qualified", 20, None, 1.0, 5, "qualified"),
        ("Kept by the contact policy", 10, 0.5, 0.5, 4, "afterContactPolicy"),
        ("Ranked", 4, 0.4, 0.2, 3, "ranked"),
        ("Selected", 4, 1.0, 0.2, 2, "selected"),
        ("Impressions", 2, 0.5, 0.1, 1, "impressions"),
        ("Clicks", 2, 1.0, 0.1, 0, "clicks"),
        ("Conversions with a value", 1, 0.5, 0.05, 0, "conversions"),
    ]
    assert figures(section)["qualified"] == (20, 5)
    assert list(figures(section)) == [row["stageKey"] for row in table(section)]


def test_a_channels_funnel_over_hours(acme: Tenant, spool: Spool) -> None:
    save(
        trace(acme, TODAY, channel_id="web"),
        trace(acme, datetime(2026, 3, 5, 8, tzinfo=UTC), channel_id="web"),
        trace(acme, TODAY, channel_id="app"),
        interaction(acme, "impression", TODAY, channel_id="web"),
    )

    found = figures(made("funnel", acme, spool, channelId="web", windowHours=1))

    assert (found["qualified"], found["impressions"]) == ((10, 10), (1, 0))


def test_without_history_every_step_is_there_and_none_is_a_part(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(trace(globex, TODAY), interaction(globex, "impression", TODAY))

    rows = table(made("funnel", acme, spool))

    assert len(rows) == 7
    assert {(row["count"], row["ofPrevious"], row["ofFirst"], row["countBefore"]) for row in rows} == {
        (0, None, None, 0)
    }
