"""Runs one piece of work in a process of its own: seconds, and how far its memory rose above what it idles at."""

import json
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent


class Measure(NamedTuple):
    """The median of the rounds."""

    seconds: float
    megabytes: float
    written: int


def measured(python: Path | str, module: str, *arguments: str | int, rounds: int = 3) -> Measure:
    """Run `python -m module arguments` and return what it prints, the median of several runs."""
    command: Sequence[str] = [str(python), "-m", module, *map(str, arguments)]
    found = []
    for _ in range(rounds):
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return Measure(
        statistics.median(each["seconds"] for each in found),
        statistics.median(each["megabytes"] for each in found),
        found[0]["written"],
    )
