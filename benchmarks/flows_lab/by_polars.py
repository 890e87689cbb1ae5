"""polars reads, casts, filters and writes by ADBC: `by_polars ADDRESS TABLE FILE`. Runs in the peers' environment."""

import sys

import adbc_driver_postgresql.dbapi as adbc
import polars as pl

from benchmarks.flows_lab.weighing import weigh

TYPES = {
    "order_id": pl.Int64, "customer": pl.String, "offer": pl.String, "amount": pl.Decimal(12, 2), "quantity": pl.Int32,
    "day": pl.Date, "placed_at": pl.Datetime("us"), "is_paid": pl.Boolean,
}  # fmt: skip


def main() -> None:
    """Load and print."""
    address, table, file = sys.argv[1:]

    def work() -> int:
        frame = pl.read_csv(file, schema_overrides=TYPES).filter(pl.col("amount") >= 0)
        with adbc.connect(address) as connection:
            with connection.cursor() as cursor:
                # The driver writes numeric from Arrow's decimals as text; the table's column takes it.
                cursor.adbc_ingest(table, frame.to_arrow(compat_level=pl.CompatLevel.oldest()), mode="append")
            connection.commit()
        return frame.height

    weigh(work)


if __name__ == "__main__":
    main()
