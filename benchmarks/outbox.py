"""Claim: the outbox drains at 0.7 of a bare claim-and-delete loop or more, and latency and gauges are milliseconds.

Beside it, in the same run on the same server, which syncs every commit: the bare loop, pgqueuer, django-outbox-pattern
and procrastinate, each in a process of its own. `--only drain latency gauge wakeup` picks questions, `--no-peers`
leaves the packages away; `--events 20000 --rounds 1` is quicker.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaireon.settings")
# A server of its own: the benchmark drops and makes databases as it likes.
os.environ["KAIREON_DATA_DIR"] = str(ROOT / ".kaireon" / "bench" / "outbox")
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_FILE"] = ""

from kaireon.environment import prepare  # noqa: E402 - reads the variables above

SERVER = prepare()
django.setup()

# Models exist only after setup.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.outbox_lab import contest, drains, gauge, lab, latency, wakeup  # noqa: E402
from benchmarks.outbox_lab.kafka import mock_cluster  # noqa: E402

QUESTIONS = ("drain", "latency", "gauge", "wakeup")


def main() -> None:
    """Measure what is asked for and print a table for each."""
    options = _options()
    settings.LOGGING_CONFIG = None
    with_peers = "drain" in options.only and not options.no_peers
    peers = lab.ready_peers() if with_peers else None
    lab.fresh_database(lab.OURS)
    call_command("migrate", verbosity=0)
    print(lab.versions(with_peers=with_peers), flush=True)
    questions: dict[str, Callable[[], None]] = {
        "drain": lambda: show_drains(options, peers),
        "latency": lambda: show_latency(options),
        "gauge": lambda: show_gauge(options),
        "wakeup": lambda: show_wakeup(options),
    }
    for name in QUESTIONS:
        if name in options.only:
            questions[name]()
            sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, help="the questions to ask")
    parser.add_argument("--who", default="", help="drain: only contenders whose name contains this")
    parser.add_argument("--no-peers", action="store_true", help="drain: without the other packages")
    parser.add_argument("--events", type=int, default=100_000, help="drain: pending events")
    parser.add_argument("--rounds", type=int, default=3, help="drain, wakeup: rounds; the median is printed")
    parser.add_argument("--rate", type=int, default=500, help="latency: events a second")
    parser.add_argument("--seconds", type=int, default=30, help="latency: how long")
    parser.add_argument("--pauses", type=int, default=30, help="latency: events after a pause of 3 s")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="gauge: pending events")
    parser.add_argument("--wakeup-seconds", type=int, default=4, help="wakeup: seconds of each pgbench")
    return parser.parse_args()


def show_drains(options: argparse.Namespace, peers: Path | None) -> None:
    """Answer A."""
    print(f"\nDraining {options.events:,} pending events of about 500 bytes, median of {options.rounds}", flush=True)
    with mock_cluster() as kafka:
        entered = [each for each in drains.contenders(kafka, peers) if options.who in each.name]
        drains.show(contest.compete(entered, events=options.events, rounds=options.rounds))


def show_latency(options: argparse.Namespace) -> None:
    """Answer B."""
    print("\nFrom commit to publish, one publisher", flush=True)
    load = latency.measure_load(rate=options.rate, seconds=options.seconds)
    latency.show(load, latency.measure_pauses(options.pauses), options.rate)


def show_gauge(options: argparse.Namespace) -> None:
    """Answer C."""
    print("\nGauges of the backlog", flush=True)
    gauge.show(gauge.measure(options.backlog))


def show_wakeup(options: argparse.Namespace) -> None:
    """Answer D."""
    print(f"\nTransactions a second that enqueue, pgbench, median of {options.rounds}", flush=True)
    wakeup.show(wakeup.measure(seconds=options.wakeup_seconds, rounds=options.rounds))


if __name__ == "__main__":
    try:
        main()
    finally:
        if SERVER is not None:
            with contextlib.suppress(Exception):
                connection.close()
            SERVER.stop()
