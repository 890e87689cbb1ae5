"""Our renderer at work: `ours FORMAT ROWS`; `ours FORMAT ROWS ADDRESS` reads the rows from a table on the way.

The process is warm, as a worker is: it has rendered a small report before, so that the fonts are loaded.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from benchmarks.reports_lab import rows as made
from benchmarks.reports_lab.gauge import Sink, gauge
from benchmarks.reports_lab.rows import LABELS, Rows
from reports.decisions.document import Column, Document, Row, Section, Unit
from reports.renderers import render

UNITS = (Unit.TEXT, Unit.TEXT, Unit.DATE, Unit.COUNT, Unit.COUNT, Unit.RATIO, Unit.MONEY, Unit.TIME)
QUERY = (
    "SELECT offer, channel, day, impressions, clicks, rate, revenue, last_click FROM report_rows ORDER BY id LIMIT %s"
)


class Table:
    """Rows read from the server as they are wanted."""

    def __init__(self, address: str, count: int) -> None:
        self.address, self.count = address, count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        with psycopg.connect(self.address) as connection, connection.cursor("rows", binary=True) as cursor:
            cursor.itersize = 2_000
            cursor.execute(QUERY, [self.count])
            yield from cursor


def document(rows: Rows | Table | list[made.Row]) -> Document:
    """Return a report of one table."""
    columns = tuple(
        Column(f"c{place}", label, unit) for place, (label, unit) in enumerate(zip(LABELS, UNITS, strict=True))
    )
    section = Section("rows", "Offer performance", "offer_performance", columns, rows)  # type: ignore[arg-type]
    now = datetime(2026, 11, 21, 8, tzinfo=UTC)
    return Document("Weekly report", "", "Acme", "14 to 20 Nov 2026", now, now, "Europe/Berlin", (section,))


def main() -> None:
    """Render once to warm up, once to be measured."""
    form, count, *address = sys.argv[1:]
    rows = Table(address[0], int(count)) if address else list(Rows(int(count)))
    render(document(Rows(20)), form, Sink())  # type: ignore[arg-type]
    whole = document(rows)
    gauge(lambda sink: render(whole, form, sink))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
