"""Channels: hand-made rows against every column, filters, limits, strangers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from interactions.models import Channel
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 2, 26, 9, tzinfo=UTC)


def test_every_column_is_what_the_rows_say(acme: Tenant, spool: Spool) -> None:
    Channel.objects.create(tenant=acme, key="web", name="Website")
    save(
        *(interaction(acme, outcome, TODAY, channel_id="web") for outcome in ("impression",) * 4 + ("click",)),
        interaction(acme, "convert", TODAY, channel_id="web", value="0.10"),
        interaction(acme, "convert", TODAY, channel_id="web", value="0.20"),
        *(interaction(acme, outcome, BEFORE, channel_id="web") for outcome in ("impression", "impression", "accept")),
        interaction(acme, "dismiss", TODAY, channel_id="mail"),
        interaction(acme, "impression", TODAY),
    )

    section = made("channel_effectiveness", acme, spool, days=5)

    assert table(section) == [
        {
            "channel": "Website", "channelId": "web", "impressions": 4, "clicks": 3, "positives": 3,
            "acceptanceRate": 0.75, "ctr": 0.75, "revenue": Decimal("0.3"), "acceptanceRateBefore": 0.5,
        },
        {
            "channel": "(no channel)", "channelId": None, "impressions": 1, "clicks": 0, "positives": 0,
            "acceptanceRate": 0.0, "ctr": 0.0, "revenue": 0, "acceptanceRateBefore": None,
        },
        {
            "channel": "mail", "channelId": "mail", "impressions": 0, "clicks": 0, "positives": 0,
            "acceptanceRate": None, "ctr": None, "revenue": 0, "acceptanceRateBefore": None,
        },
    ]  # fmt: skip
    assert figures(section) == {
        "impressions": (5, 2), "clicks": (3, 0), "positives": (3, 1), "acceptanceRate": (0.6, 0.5), "ctr": (0.6, 0.0),
        "revenue": (Decimal("0.3"), 0),
    }  # fmt: skip


def test_an_offers_channels(acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "impression", TODAY, channel_id="web", offer_id="gold"),
        interaction(acme, "impression", TODAY, channel_id="app", offer_id="loan"),
    )

    assert [row["channelId"] for row in table(made("channel_effectiveness", acme, spool, offerId="gold"))] == ["web"]


def test_channels_beyond_the_limit_are_told_of(acme: Tenant, spool: Spool) -> None:
    save(*(interaction(acme, "impression", TODAY, channel_id=channel) for channel in ("a", "b", "c")))

    section = made("channel_effectiveness", acme, spool, limit=1)

    assert len(table(section)) == 1
    assert section.note.startswith("Shows 1 of 3 channels")


def test_another_tenants_channels_are_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(interaction(globex, "impression", TODAY, channel_id="web"))

    section = made("channel_effectiveness", acme, spool)

    assert table(section) == []
    assert figures(section)["impressions"] == (0, 0)
