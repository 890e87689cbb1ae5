"""The files: one as it arrives, and one that is already what shall stand in the table."""

from pathlib import Path
from typing import Final, NamedTuple

import duckdb

COLUMNS: Final = (
    "order_id bigint, customer text, offer text, amount numeric(12,2), quantity integer, day date, "
    "placed_at timestamp, is_paid boolean"
)
# One row in a hundred has a negative amount and is filtered out; one in a hundred comes twice.
_ARRIVED: Final = """
SELECT CASE WHEN i % 100 = 7 THEN i - 1 ELSE i END AS order_id, 'customer-' || (i * 7919 % 1000003) AS customer,
    'offer ' || (i % 500) AS offer,
    (CASE WHEN i % 100 = 3 THEN -1 ELSE 1 END * (hash(i) % 1000000) / 100.0)::DECIMAL(12, 2) AS amount,
    (1 + hash(i + 1) % 50)::INTEGER AS quantity, DATE '2020-01-01' + (i % 1500)::INTEGER AS day,
    TIMESTAMP '2024-01-01' + INTERVAL (i % 86400000) SECOND AS placed_at, i % 3 = 0 AS is_paid
FROM range({rows}) AS t(i)
"""


class Files(NamedTuple):
    """The paths, and how many rows the clean one has."""

    arrived: Path
    clean: Path
    unique: Path
    kept: int
    once: int


def make_files(folder: Path, rows: int) -> Files:
    """Write the file that arrives, the one that a filter leaves of it, and the one of its first rows by order_id."""
    folder.mkdir(parents=True, exist_ok=True)
    arrived, clean, unique = (folder / f"{name}-{rows}.csv" for name in ("arrived", "clean", "unique"))
    with duckdb.connect(config={"memory_limit": "2GB"}) as session:
        session.execute(f"CREATE VIEW made AS {_ARRIVED.format(rows=rows)}")
        kept = "SELECT * FROM made WHERE amount >= 0"
        first = f"SELECT * FROM ({kept}) WHERE order_id % 100 <> 6"
        for path, query in ((arrived, "SELECT * FROM made"), (clean, kept), (unique, first)):
            session.execute(f"COPY ({query}) TO '{path}' (HEADER)")
        counts = [session.execute(f"SELECT count(*) FROM ({query})").fetchone() for query in (kept, first)]
    kept_rows, once = (count[0] for count in counts if count)
    return Files(arrived, clean, unique, kept_rows, once)
