"""A tenant's last two weeks in a few rows, and a document to show."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from interactions.models import Channel
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.document import Chart, ChartKind, Column, Document, Figure, Row, Section, Unit
from tests.interactions.history import interaction, save, trace
from tests.reports.renderers.world import NOW

# What the rows below add up to in the last seven days, and in the seven before.
REVENUE, REVENUE_BEFORE = Decimal(300), Decimal(100)
MARK = "web-zanzibar"
SELECTED = [{"offerId": "gold-card", "creativeId": "gold-card-web", "rank": 1, "score": 0.81}]


def live_through(tenant: Tenant, now: datetime | None = None, *, channel: str = MARK, segment: str = "vip") -> None:
    """Write decisions and what came of them: twice as much lately as a week before."""
    end = now or timezone.now()
    Channel.objects.create(tenant=tenant, key=channel, name=f"{channel} name")
    at = {"channel_id": channel, "offer_id": "gold-card", "context": {"segmentId": segment}}
    lately = [end - timedelta(seconds=number) for number in (20, 30)]
    earlier = [end - timedelta(days=7, seconds=20)]
    for moment, value in ((lately[0], 200), (lately[1], 100), (earlier[0], 100)):
        save(
            trace(tenant, moment, channel_id=channel, selected=SELECTED),
            interaction(tenant, "impression", moment, **at),
            interaction(tenant, "click", moment, **at),
            interaction(tenant, "convert", moment, value=value, **at),
        )


def days(count: int = 3, *, key: str = "revenue", before: Any = Decimal(4)) -> Section:
    """Return a section of days with a line and a figure."""
    columns = (Column("day", "Day", Unit.DATE), Column(key, "Revenue", Unit.MONEY))
    rows: tuple[Row, ...] = tuple((date(2026, 3, 1 + number), Decimal(number * 10)) for number in range(count))
    return Section(
        "revenue", "Revenue by day", "revenue_trend", columns, rows,
        chart=Chart(ChartKind.LINE, "day", (key,), "Revenue by day"),
        figures=(Figure(key, "Revenue", sum(int(str(row[1])) for row in rows), Unit.MONEY, before),),
    )  # fmt: skip


def bars(*rows: tuple[str, int | None], kind: ChartKind = ChartKind.BAR) -> Section:
    """Return a section of names with bars."""
    columns = (Column("channel", "Channel"), Column("impressions", "Impressions", Unit.COUNT))
    return Section(
        "channels", "Channels", "channel_effectiveness", columns, rows,
        chart=Chart(kind, "channel", ("impressions",), "Impressions by channel"),
        figures=(Figure("impressions", "Impressions", sum(row[1] or 0 for row in rows), Unit.COUNT, 10),),
    )  # fmt: skip


def document(*sections: Section) -> Document:
    """Return a dashboard's document."""
    return Document("Executive", "Why?", "Acme", "", NOW, NOW, "UTC", sections)
