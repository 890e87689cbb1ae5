"""Times a piece of work in this process and prints it as JSON, with its peak memory. Standard library only."""

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path


def weigh(work: Callable[[], int]) -> None:
    """Do the work, which returns the rows that stand in the table; print what it took."""
    started, used = time.perf_counter(), time.process_time()
    rows = work()
    seconds, used = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"seconds": seconds, "processor": used, "megabytes": _peak(), "rows": rows}))


def _peak() -> float:
    """Return the peak of this process, or of a child of it that was larger, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, child) / 1024
