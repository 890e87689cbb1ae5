"""Claim: respond keeps 0.7 of the requests a second of a bare Django view that inserts the same two rows.

Both over real HTTP, each behind a granian of its own as the Procfile starts it, on one database server that syncs every
commit; in turns, and the medians are printed. Then the same with ten million rows in the table beside an empty one: the
first run makes the rows, which takes some minutes, and keeps them in `.kaireon/bench`. `--quick` is a minute.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
os.environ["KAIREON_DATA_DIR"] = str(ROOT / ".kaireon" / "bench" / "respond")
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = prepare()
django.setup()

# Models exist only after setup.
from django.conf import settings  # noqa: E402

from benchmarks.generators.telling import stopping, tell  # noqa: E402
from benchmarks.outbox_lab import lab  # noqa: E402
from benchmarks.respond_lab import databases  # noqa: E402
from benchmarks.respond_lab.rounds import Contender, compete, ratio  # noqa: E402
from benchmarks.respond_lab.servers import APPLICATION, serving  # noqa: E402

BARE = "benchmarks.generators.bare:application"
PATH = "/api/v1/respond"
QUESTIONS = ("bare", "rows")
BARE_MARK, ROWS_MARK = 0.7, 0.8


def main() -> None:
    """Measure both and print a table for each."""
    options = _options()
    settings.LOGGING_CONFIG = None
    print(lab.versions(with_peers=False))
    served = f"{options.workers} workers × {options.threads} threads, {options.connections} connections"
    print(f"granian {version('granian')}, {served}, {options.rounds} rounds of {options.seconds:g} s in turn")
    if "bare" in options.only:
        beside_bare(options)
    if "rows" in options.only:
        beside_many_rows(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 3 seconds, 300,000 rows")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, help="the questions to ask")
    parser.add_argument("--rounds", type=int, help="9 by default")
    parser.add_argument("--seconds", type=float, help="of each round of each contender; 6 by default")
    parser.add_argument("--rows", type=int, help="in the full table; 10,000,000 by default")
    parser.add_argument("--connections", type=int, default=16, help="persistent, each with one request at a time")
    parser.add_argument("--workers", type=int, default=2, help="WEB_PROCESSES")
    parser.add_argument("--threads", type=int, default=4, help="WEB_THREADS")
    options = parser.parse_args()
    for name, usual, quick in (("rounds", 9, 3), ("seconds", 6.0, 3.0), ("rows", 10_000_000, 300_000)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    return options


def beside_bare(options: argparse.Namespace) -> None:
    """Answer whether respond is 0.7 of a bare view or more."""
    print("\nrespond beside a bare Django view that inserts the same two rows", flush=True)
    tenant, key = databases.ready_empty()
    url = databases.url_of(databases.EMPTY)
    bare = {"DATABASE_URL": url, "BARE_TENANT": tenant, "DJANGO_SETTINGS_MODULE": ""}
    with contextlib.ExitStack() as stack:

        def start(application: str, environment: dict[str, str]) -> object:
            server = serving(application, environment, workers=options.workers, threads=options.threads)
            return stack.enter_context(server)

        ours, plain, default = (
            start(APPLICATION, {"DATABASE_URL": url}),
            start(BARE, bare),
            start(BARE, bare | {"BARE_MIDDLEWARE": "default"}),
        )
        contenders = [
            Contender("respond", ours, PATH, databases.EMPTY, {"X-API-Key": key}),
            Contender("bare view, no middleware", plain, "/two", databases.EMPTY),
            Contender("bare view, one statement", plain, "/cte", databases.EMPTY),
            Contender("bare view, startproject", default, "/two", databases.EMPTY),
        ]
        compete(contenders, rounds=options.rounds, seconds=options.seconds, connections=options.connections)
    show(contenders)
    for other in contenders[1:]:
        is_mark = other is contenders[1]
        tell(f"respond / {other.name}", ratio(contenders[0], other), BARE_MARK if is_mark else None)


def beside_many_rows(options: argparse.Namespace) -> None:
    """Answer what rows in the table change."""
    print(f"\nrespond with {options.rows:,} rows in the table, beside an empty one", flush=True)
    _, full_key = databases.ready_full(options.rows)
    _, empty_key = databases.ready_empty()
    contenders = []
    with contextlib.ExitStack() as stack:
        for name, database, key in (
            ("empty table", databases.EMPTY, empty_key),
            (f"{options.rows:,} rows", databases.FULL, full_key),
        ):
            environment = {"DATABASE_URL": databases.url_of(database)}
            server = stack.enter_context(
                serving(APPLICATION, environment, workers=options.workers, threads=options.threads)
            )
            contenders.append(Contender(name, server, PATH, database, {"X-API-Key": key}))
        compete(contenders, rounds=options.rounds, seconds=options.seconds, connections=options.connections)
    show(contenders)
    tell("full / empty", ratio(contenders[1], contenders[0]), ROWS_MARK)


def show(contenders: Sequence[Contender]) -> None:
    """Print the medians."""
    print(f"{'':30}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU s per 1,000: web':>23}{'database':>10}{'both':>8}")
    for each in contenders:
        web, database = each.median("web_cpu"), each.median("database_cpu")
        figures = f"{each.median('rate'):12,.0f}{each.median('p50'):9.2f}{each.median('p99'):9.2f}"
        print(f"{each.name:30}{figures}{web:23.3f}{database:10.3f}{web + database:8.3f}")


if __name__ == "__main__":
    with stopping(SERVER):
        main()
