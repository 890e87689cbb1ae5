"""The mark of CSV: `copied ROWS ADDRESS` lets the server write the same rows with COPY … TO STDOUT."""

import sys

import psycopg

from benchmarks.reports_lab.gauge import Sink, gauge

COPY = (
    "COPY (SELECT offer, channel, day, impressions, clicks, rate, revenue, last_click FROM report_rows ORDER BY id "
    "LIMIT {}) TO STDOUT (FORMAT csv, HEADER)"
)


def main() -> None:
    """Copy once."""
    count, address = sys.argv[1:]
    with psycopg.connect(address) as connection:
        connection.execute("SELECT 1")

        def copy(sink: Sink) -> None:
            with connection.cursor().copy(COPY.format(int(count))) as stream:  # type: ignore[arg-type]
                for part in stream:
                    sink.write(part)

        gauge(copy)


if __name__ == "__main__":
    main()
