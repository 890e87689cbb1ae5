"""A. How fast 100,000 pending events leave: ours, the bare loop that is the limit, and three packages."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.outbox_lab import ours
from benchmarks.outbox_lab.contest import Contender, Result
from benchmarks.outbox_lab.lab import OURS, PEERS, dsn_of, fresh_database
from outbox.tier.settings import TierSettings

BATCH: Final = TierSettings().batch_size
LIMIT_BATCH: Final = 1000
OURS_PLAIN, OURS_HISTORY = f"ours, batch {BATCH}, no history", f"ours, batch {BATCH}, 24 hours of history"
OURS_TWO, OURS_FOUR, OURS_KAFKA = "ours, 2 publishers", "ours, 4 publishers", "ours to Kafka, no history"
OURS_KAFKA_HISTORY = "ours to Kafka, 24 hours of history"
BARE, BARE_LARGE = f"bare claim and delete, batch {BATCH}", f"bare claim and delete, batch {LIMIT_BATCH:,}"
BARE_KAFKA = f"bare claim and delete to Kafka, batch {BATCH}"
PGQUEUER, PROCRASTINATE = "pgqueuer (asyncpg, batch 1,000)", "procrastinate (20 at once, a twentieth)"
OUTBOX_PATTERN: Final = "django-outbox-pattern (a quarter of them)"


def contenders(kafka: str, peers: Path | None) -> list[Contender]:
    """Return who competes: ours and the bare loop, and the other packages if their interpreter is given."""
    batch, large = str(BATCH), str(LIMIT_BATCH)
    here = Path(sys.executable)
    entered = [
        _other(BARE, here, "bare", batch),
        _ours(OURS_PLAIN, batch, "0"),
        _ours(OURS_HISTORY, batch, "24"),
        _other(BARE_LARGE, here, "bare", large),
        _ours(OURS_TWO, batch, "0", processes=2),
        _ours(OURS_FOUR, batch, "0", processes=4),
        _other(BARE_KAFKA, here, "bare", batch, kafka),
        _ours(OURS_KAFKA, batch, "0", kafka),
        _ours(OURS_KAFKA_HISTORY, batch, "24", kafka),
    ]
    if peers is None:
        return entered
    return [
        *entered,
        _other(PGQUEUER, peers, "pgqueuer"),
        _other(OUTBOX_PATTERN, peers, "django_outbox_pattern", part=4),
        _other(PROCRASTINATE, peers, "procrastinate", part=20),
    ]


def show(found: dict[str, Result]) -> None:
    """Print the table and the marks."""
    print(f"{'':44}{'events/s':>10}{'CPU s per 1,000':>17}{'of it client':>14}")
    for name, result in found.items():
        share = result.client_cpu / (result.client_cpu + result.server_cpu)
        print(f"{name:44}{result.rate:10,.0f}{result.cpu_per_thousand:17.4f}{share:13.0%}")
    for contender, other, factor in (
        (OURS_PLAIN, BARE, 0.7), (OURS_HISTORY, BARE, None), (OURS_KAFKA, BARE_KAFKA, None),
        (OURS_PLAIN, PGQUEUER, 3), (OURS_PLAIN, OUTBOX_PATTERN, 20), (OURS_PLAIN, PROCRASTINATE, None),
    ):  # fmt: skip
        if contender in found and other in found:
            mark = f" (mark: at least {factor})" if factor else ""
            print(f"{contender}: {found[contender].rate / found[other].rate:.2f} times {other}{mark}")


def _ours(name: str, *arguments: str, processes: int = 1) -> Contender:
    command = [sys.executable, "-m", "benchmarks.outbox_lab.drain_ours", *arguments]
    return Contender(name, OURS, ours.fill, command, processes)


def _other(name: str, python: Path, what: str, *arguments: str, part: int = 1) -> Contender:
    script, database = PEERS / f"drain_{what}.py", f"bench_{what}"
    command: Sequence[str | Path] = [python, script, "drain", dsn_of(database), *arguments]
    return Contender(name, database, _filler(python, script, database), command, part=part)


def _filler(python: Path, script: Path, database: str) -> Callable[[int], None]:
    def fill(events: int) -> None:
        fresh_database(database)
        command: Sequence[str | Path] = [python, script, "prepare", dsn_of(database), str(events)]
        subprocess.run(command, check=True)

    return fill
