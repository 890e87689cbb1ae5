r"""Claim: what a tick costs depends on how many pipelines are due, not on how many there are; nor does saving one.

1,000, 10,000 and 100,000 scheduled pipelines, 100 of them due at every tick, each count in a database and a process of
its own, one round of each after the other. Beside it, on the same server: croniter asked for every pipeline,
APScheduler 3 with its SQLAlchemy store, django-celery-beat. Then the poll of 1,000 triggers on 10 folders, and how long
a file that was dropped waits for its run. `--quick` leaves out 100,000; `--no-peers` and `--no-arrivals` say it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
FOLDER = ROOT / ".kaireon" / "bench" / "triggers"
# A server of its own: the benchmark drops and makes databases as it likes.
os.environ["KAIREON_DATA_DIR"] = str(FOLDER)
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""
os.environ["FLOW_LOCAL_FS_ROOTS"] = str(FOLDER / "files")
os.environ["FLOW_INTERNAL_SCHEDULER_ENABLED"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = prepare()
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.generators.telling import stopping, tell  # noqa: E402
from benchmarks.outbox_lab import lab  # noqa: E402
from benchmarks.triggers_lab import by_croniter  # noqa: E402
from benchmarks.triggers_lab.asking import Asked  # noqa: E402
from benchmarks.triggers_lab.latency import measure  # noqa: E402

DUE = 100
SMALL, MIDDLE, LARGE = 1_000, 10_000, 100_000
GROWTH_MARK, TICK_MARK, CRONITER_MARK, SAVE_MARK = 1.5, 60.0, 100.0, 1.3
FOLDERS, TRIGGERS = 10, 1_000
ARRIVAL_MARK = 1_000.0
Times = dict[str, list[float]]


def main() -> None:
    """Measure and print the tables and the verdicts."""
    options = _options()
    sizes = [SMALL, MIDDLE] if options.quick else [SMALL, MIDDLE, LARGE]
    peers = None if options.no_peers else lab.ready_peers()
    lab.fresh_database(lab.OURS)
    call_command("migrate", verbosity=0)
    connection.close()
    print(lab.versions(with_peers=False), _packages(peers), sep="\n")
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
    found = dict(zip(sizes, _ours(sizes, options.rounds), strict=True))
    for size in sizes:
        found[size] |= _croniter(size) | (_peers(peers, size) if peers else {})
    show(found)
    verdicts(found)
    if not options.no_arrivals:
        show_poll()
        show_latency()
    print(f"\nload average {os.getloadavg()[0]:.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41, help="ticks of each count, of which the median is printed")
    parser.add_argument("--quick", action="store_true", help="without 100,000 pipelines")
    parser.add_argument("--no-peers", action="store_true", help="without APScheduler and django-celery-beat")
    parser.add_argument("--no-arrivals", action="store_true", help="without polls and pushes")
    return parser.parse_args()


def _ours(sizes: list[int], rounds: int) -> list[Times]:
    """Tick and save in turns, so that a busy moment hits all counts."""
    asked = [Asked("ours", _copy_of_ours(f"ours_{size}"), size, DUE) for size in sizes]
    found: list[Times] = [{"tick": [], "cpu": [], "save": []} for _ in sizes]
    try:
        for each in asked:
            each.ask("tick")
            each.ask("save")
        for number in range(rounds):
            for one, times in zip(asked, found, strict=True):
                ticked = one.ask("tick")
                times["tick"].append(ticked["ms"])
                times["cpu"].append(ticked["cpu"])
                if number % 4 == 0:
                    times["save"] += one.ask("save")["ms"]
        for one, times in zip(asked, found, strict=True):
            times["statements"] = [one.ask("statements")["count"]]
    finally:
        for each in asked:
            each.close()
    return found


def _copy_of_ours(name: str) -> str:
    """Make a database with our tables, and return its address as Django takes it."""
    with lab.connect("postgres") as session:
        session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        session.execute(f'CREATE DATABASE "{name}" TEMPLATE "{lab.OURS}"')
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


def _croniter(size: int) -> Times:
    found: Times = {"one query": [], "one fetch each": []}
    with lab.connect(f"ours_{size}") as session:
        for _ in range(1 if size >= LARGE else 3):
            found["one query"].append(by_croniter.one_query(session)[0])
        found["one fetch each"].append(by_croniter.one_fetch_each(session)[0])
    return found


def _peers(python: Path, size: int) -> Times:
    found: Times = {}
    for name, rounds in (("apscheduler", 5), ("celery_beat", 1 if size >= LARGE else 3)):
        lab.fresh_database("bench_peer")
        command = [python, ROOT / "benchmarks" / "peers" / f"tick_{name}.py", lab.dsn_of("bench_peer")]
        done = subprocess.run(
            [*map(str, command), str(size), str(DUE), str(rounds)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-2_000:]}")
        found |= {f"{name} {what}": times for what, times in json.loads(done.stdout.splitlines()[-1]).items()}
    return found


ROWS = {
    "ours: the whole tick": "tick",
    "ours: CPU of its process": "cpu",
    "one query, croniter for each": "one query",
    "list, a fetch and croniter for each": "one fetch each",
    "APScheduler: one pass": "apscheduler tick",
    "celery-beat: ticks that send what is due": "celery_beat tick",
    "celery-beat: a tick after a change": "celery_beat reload",
    "celery-beat: a tick, nothing due": "celery_beat idle",
    "ours: save and publish a schedule": "save",
    "APScheduler: reschedule a job": "apscheduler save",
    "celery-beat: save, and take it in": "celery_beat save",
}


def show(found: dict[int, Times]) -> None:
    """Print medians and, where there are enough rounds, the 95th percentile."""
    heads = "".join(f"{f'{size:,}':>12}{'p95':>9}" for size in found)
    print(f"\n{f'{DUE} due of … pipelines, ms, median':42}{heads}")
    for name, key in ROWS.items():
        cells = "".join(_cell(times.get(key)) for times in found.values())
        if cells.strip():
            print(f"{name:42}{cells}")
    counts = ", ".join(f"{times['statements'][0]:g}" for times in found.values())
    print(f"statements of a tick: {counts}", flush=True)


def _cell(times: list[float] | None) -> str:
    if not times:
        return " " * 21
    high = f"{statistics.quantiles(times, n=20)[-1]:9.1f}" if len(times) >= 20 else " " * 9
    return f"{statistics.median(times):12,.1f}{high}"


def verdicts(found: dict[int, Times]) -> None:
    """Print each mark and whether it was kept."""
    medians = {size: {name: statistics.median(each) for name, each in times.items()} for size, times in found.items()}
    small, large = medians[SMALL], medians[max(medians)]
    is_claim = max(medians) == LARGE
    print()
    tell(f"tick at {max(medians):,} / at {SMALL:,}", large["tick"] / small["tick"], GROWTH_MARK, at_most=True)
    tell(f"tick at {max(medians):,}, ms", large["tick"], TICK_MARK, at_most=True)
    tell("times as fast as one query and croniter", large["one query"] / large["tick"],
         CRONITER_MARK if is_claim else None)  # fmt: skip
    tell("times as fast as a fetch and croniter for each", large["one fetch each"] / large["tick"], None)
    tell(f"saving at {max(medians):,} / at {SMALL:,}", large["save"] / small["save"], SAVE_MARK, at_most=True)


def show_poll() -> None:
    """Print what the poll of many triggers on few folders costs: listings, milliseconds, statements."""
    print(f"\n{f'poll of {TRIGGERS:,} triggers on {FOLDERS} folders':42}{'ms':>12}{'listings':>12}{'runs':>9}")
    for kind in ("local_fs", "s3"):
        asked = Asked("polling", _copy_of_ours("ours_poll"), kind, TRIGGERS, FOLDERS)
        try:
            for what, name in (("idle", "nothing there"), ("arrived", f"{DUE} sentinels there")):
                found = asked.ask(what)
                print(f"{f'{kind}: {name}':42}{statistics.median(found['ms']):12.1f}{found['listings']:12}"
                      f"{found['runs']:9}", flush=True)  # fmt: skip
                tell(f"listings of {kind}", found["listings"], FOLDERS, at_most=True)
        finally:
            asked.close()


def show_latency() -> None:
    """Print how long after its drop a file's run is there."""
    found: Times = {}
    print(f"\n{'drop to dispatch, ms':42}{'median':>12}{'p95':>9}{'most':>9}")
    for name, times in measure(FOLDER / "houses"):
        found[name] = times
        print(f"{name:42}{_cell(times)}{max(times):9.1f}", flush=True)
    for name, times in found.items():
        if not name.startswith("tick"):
            tell(f"{name}, the slowest, ms", max(times), ARRIVAL_MARK, at_most=True)


def _packages(peers: Path | None) -> str:
    script = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    said = []
    for python, names in (
        (Path(sys.executable), ("croniter", "python-dateutil")),
        (peers, ("APScheduler", "SQLAlchemy", "django-celery-beat", "celery", "Django", "psycopg")),
    ):
        if python is not None:
            answer = subprocess.run([python, "-c", script, *names], check=True, capture_output=True, encoding="utf-8")
            said.append(answer.stdout.strip())
    return f"Beside: {'; '.join(said)}"


if __name__ == "__main__":
    with stopping(SERVER):
        main()
