r"""Claim: a file becomes rows of PostgreSQL, cast and filtered, as fast as psql copies the file that is clean already.

1,000,000 rows of eight columns from CSV, by the run that a worker makes: claim, stage, read, cast, filter, load,
commit, archive. Beside it `\copy` of the file that the filter leaves, `pandas.to_sql`, and polars with ADBC, each in a
process of its own, into the same server, which syncs every commit. Then with dedupe, row rules and lineage; as an
upsert; and ten times the rows. `--quick` is one round and no ten millions; `--no-peers` leaves pandas and polars away.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
FOLDER = ROOT / ".kaireon" / "bench" / "flows"
# A server of its own: the benchmark drops and makes databases as it likes.
os.environ["KAIREON_DATA_DIR"] = str(FOLDER)
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""
os.environ["FLOW_LOCAL_FS_ROOTS"] = str(FOLDER / "files")

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = prepare()
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.flows_lab.files import COLUMNS, Files, make_files  # noqa: E402
from benchmarks.generators.telling import stopping, tell  # noqa: E402
from benchmarks.outbox_lab import lab  # noqa: E402
from kaireon.platform.tenancy.services import create_tenant  # noqa: E402

LAB = "benchmarks.flows_lab"
OURS, PEER = "public.ds_orders", "bench_orders"
COPY_MARK, CHECKED_MARK, UPSERT_MARK, PANDAS_MARK, MEMORY_MARK, GROWTH_MARK = 1.0, 0.6, 0.3, 10.0, 1_024.0, 12.0
INBOX = FOLDER / "files" / "inbox"


class Measure(NamedTuple):
    """The median of the rounds."""

    seconds: float
    megabytes: float
    rows: int


def main() -> None:
    """Measure and print the table and the verdicts."""
    options = _options()
    peers = None if options.no_peers else lab.ready_peers()
    lab.fresh_database(lab.OURS)
    call_command("migrate", verbosity=0)
    create_tenant(name="Bench", now=timezone.now())
    print(lab.versions(with_peers=False), _packages(peers), sep="\n", flush=True)
    files = make_files(FOLDER / "files", options.rows)
    rounds = 1 if options.quick else options.rounds
    found = show_million(files, rounds, peers, options)
    verdicts(found)
    if not options.quick:
        show_growth(found["ours: cast, filter"], options.rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is printed")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the file")
    parser.add_argument("--quick", action="store_true", help="one round, and not ten times the rows")
    parser.add_argument("--no-peers", action="store_true", help="without pandas and polars")
    return parser.parse_args()


def show_million(
    files: Files, rounds: int, peers: Path | None, options: argparse.Namespace
) -> dict[str, Measure]:  # fmt: skip
    """Print every contender, one round of each after the other, so that a busy moment hits all of them."""
    contenders: dict[str, Callable[[], Measure]] = {
        r"psql \copy of the clean file": lambda: copied(files.clean),
        "ours: cast, filter": lambda: ours("plain", files.arrived, lineage=False),
        "ours: cast, filter, lineage": lambda: ours("plain", files.arrived, lineage=True),
        "ours: and dedupe, rules, lineage": lambda: ours("checked", files.arrived, lineage=True),
        "ours: and dedupe, rules": lambda: ours("checked", files.arrived, lineage=False),
        "ours: upsert into an empty table": lambda: ours("upsert", files.arrived, lineage=False, key=True),
        "ours: upsert of the same again": lambda: ours("upsert", files.arrived, lineage=False, key=True, first=files),
        "ours: upsert, lineage": lambda: ours("upsert", files.arrived, lineage=True, key=True),
    }
    if peers:
        contenders["polars + ADBC: cast, filter"] = lambda: peer(peers, "by_polars", files.arrived)
    found: dict[str, list[Measure]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            found[name].append(contender())
    medians = {name: _median(each) for name, each in found.items()}
    if peers:
        medians["pandas.to_sql: cast, filter"] = peer(peers, "by_pandas", files.arrived)
    print(f"\n{f'{options.rows:,} rows of a file, median of {rounds}':36}{'seconds':>9}{'rows/s':>12}{'peak MB':>9}"
          f"{'of copy':>9}")  # fmt: skip
    base = medians[r"psql \copy of the clean file"].seconds
    for name, each in medians.items():
        rate = options.rows / each.seconds
        print(f"{name:36}{each.seconds:9.2f}{rate:12,.0f}{each.megabytes:9.0f}{base / each.seconds:9.2f}", flush=True)
    return medians


def show_growth(small: Measure, rows: int) -> None:
    """Print ten times the rows."""
    files = make_files(FOLDER / "files", rows * 10)
    copy = copied(files.clean)
    large = ours("plain", files.arrived, lineage=False)
    print(f"\n{rows * 10:,} rows: {large.seconds:.1f} s, {large.megabytes:.0f} MB; \\copy {copy.seconds:.1f} s")
    tell("ten times the rows, times the time", large.seconds / small.seconds, GROWTH_MARK, at_most=True)
    tell("ten times the rows, times the memory", large.megabytes / small.megabytes, 1.25, at_most=True)
    for path in (files.arrived, files.clean, files.unique):
        path.unlink()


def verdicts(found: dict[str, Measure]) -> None:
    """Print each mark and whether it was kept."""
    base = found[r"psql \copy of the clean file"].seconds
    print()
    tell(r"cast, filter / \copy", base / found["ours: cast, filter"].seconds, COPY_MARK)
    checked = base / found["ours: and dedupe, rules, lineage"].seconds
    tell(r"with dedupe, row rules, lineage / \copy", checked, CHECKED_MARK)
    upserts = [found[name].seconds for name in found if name.startswith("ours: upsert") and "lineage" not in name]
    tell(r"upsert, the slower of both / \copy", base / max(upserts), UPSERT_MARK)
    if "pandas.to_sql: cast, filter" in found:
        times = found["pandas.to_sql: cast, filter"].seconds / found["ours: cast, filter"].seconds
        tell("times as fast as pandas", times, PANDAS_MARK)
    most = max(each.megabytes for name, each in found.items() if name.startswith("ours"))
    tell("peak MB", most, MEMORY_MARK, at_most=True)


def ours(kind: str, file: Path, *, lineage: bool, key: bool = False, first: Files | None = None) -> Measure:
    """Run our pipeline into a fresh table, which may hold the same rows already."""
    _fresh(OURS, key=key)
    if first is not None:
        _process(sys.executable, "by_psql", lab.dsn_of(lab.OURS), OURS, first.unique)
        lab.settle(lab.OURS)
    measure = _process(sys.executable, "ours", kind, int(lineage), file, INBOX)
    assert first is not None or measure.rows == _count(OURS), (measure.rows, _count(OURS))
    return measure


def copied(file: Path) -> Measure:
    r"""Load a clean file by `\copy`."""
    _fresh(OURS)
    return _process(sys.executable, "by_psql", lab.dsn_of(lab.OURS), OURS, file)


def peer(python: Path, module: str, file: Path) -> Measure:
    """Run a peer into a fresh table."""
    _fresh(PEER)
    return _process(python, module, lab.dsn_of(lab.OURS), PEER, file)


def _process(python: Path | str, module: str, *arguments: Any) -> Measure:
    command = [str(python), "-m", f"{LAB}.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{module}: {done.stderr[-2_000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Measure(said["seconds"], said["megabytes"], said["rows"])


def _fresh(table: str, *, key: bool = False) -> None:
    with lab.connect(lab.OURS) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({COLUMNS}{', PRIMARY KEY (order_id)' if key else ''})")
        connection.execute("CHECKPOINT")


def _count(table: str) -> int:
    with lab.connect(lab.OURS) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def _median(rounds: list[Measure]) -> Measure:
    return Measure(
        statistics.median(each.seconds for each in rounds), max(each.megabytes for each in rounds), rounds[0].rows
    )


def _packages(peers: Path | None) -> str:
    names = ("duckdb", "ibis-framework", "pyarrow", "pgpq")
    own = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    if peers is None:
        return own
    script = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    names = ("pandas", "SQLAlchemy", "polars", "adbc-driver-postgresql")
    answer = subprocess.run([peers, "-c", script, *names], check=True, capture_output=True, encoding="utf-8")
    return f"{own}\nBeside: {answer.stdout.strip()}"


if __name__ == "__main__":
    with stopping(SERVER):
        main()
