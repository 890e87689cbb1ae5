"""Times a piece of work in this process and prints it as JSON. Needs nothing but the standard library."""

import json
import time
from collections.abc import Callable
from pathlib import Path


class Sink:
    """Counts what is written to it and forgets it."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self.written += len(data)
        return len(data)


def gauge(work: Callable[[Sink], None]) -> None:
    """Do the work and print seconds, megabytes above what was used before, and bytes written."""
    # The peak is counted anew from here.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    idle, sink = _memory("VmRSS"), Sink()
    started = time.perf_counter()
    work(sink)
    seconds = time.perf_counter() - started
    grown = max(_memory("VmHWM") - idle, 0)
    print(json.dumps({"seconds": seconds, "megabytes": grown, "written": sink.written}))


def _memory(name: str) -> float:
    """Return a figure of the process's memory in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
