"""The rows of every contender: made as they are read, the same for all. Needs nothing but the standard library."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

LABELS = ("Offer", "Channel", "Day", "Impressions", "Clicks", "Click rate", "Revenue", "Last click")
START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[str, str, date, int, int, float, Decimal, datetime]


class Rows:
    """So many rows of eight columns."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        for number in range(self.count):
            impressions = number * 7919 % 100_000 + 100
            clicks = impressions // 13
            yield (
                f"Offer {number % 997} of the season", f"channel-{number % 7}", date(2026, 1, 1 + number % 28),
                impressions, clicks, clicks / impressions, Decimal(clicks * 317) / 100,
                START + timedelta(seconds=number * 61),
            )  # fmt: skip


def texts(row: Row) -> list[str]:
    """Return a row as every PDF shows it."""
    offer, channel, day, impressions, clicks, rate, revenue, last = row
    return [
        offer, channel, day.isoformat(), f"{impressions:,}", f"{clicks:,}", f"{rate:.1%}", f"{revenue:,.2f}",
        f"{last:%Y-%m-%d %H:%M}",
    ]  # fmt: skip
