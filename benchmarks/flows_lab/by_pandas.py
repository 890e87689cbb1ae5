"""pandas reads, casts, filters and writes by to_sql: `by_pandas ADDRESS TABLE FILE`. Runs in the peers' environment."""

import sys

import pandas as pd
import sqlalchemy

from benchmarks.flows_lab.weighing import weigh


def main() -> None:
    """Load and print."""
    address, table, file = sys.argv[1:]
    engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))

    def work() -> int:
        frame = pd.read_csv(file, parse_dates=["day", "placed_at"])
        frame = frame[frame["amount"] >= 0]
        frame.to_sql(table, engine, if_exists="append", index=False, chunksize=10_000)
        return len(frame)

    weigh(work)


if __name__ == "__main__":
    main()
