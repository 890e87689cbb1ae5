"""Our scheduler over a number of pipelines, in a process of its own: `ours SIZE DUE`, then a line for each measurement.

It fills the database that DATABASE_URL names, says `ready`, and answers `tick`, `statements` and `save` with JSON.
"""

import json
import os
import resource
import sys
import time
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.flows_lab.pipelines import pipeline
from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from benchmarks.triggers_lab.filling import START, STEP, end_runs, fill, pipeline_of
from flows.services import save_version
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.vocabulary import TickSource
from triggers.services.ticking import tick_scheduler

SAVES = 20


class Bench:
    """One database with its pipelines; its clock goes from tick to tick."""

    def __init__(self, size: int, due: int) -> None:
        self.size, self.due, self.now = size, due, START
        folder = os.environ["FLOW_LOCAL_FS_ROOTS"]
        self.ir = pipeline(folder, "plain", "ds_orders")
        self.tenants = fill(size, due, self.ir)
        self.saves = 0

    def tick(self) -> dict[str, Any]:
        """Time one whole tick in which `due` pipelines fire, and let their runs end."""
        began, cpu = time.perf_counter(), time.process_time()
        result = tick_scheduler(now=self.now, budget=Budget(3_600), source=TickSource.COMMAND)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        counts = (result.total_pipelines, result.scheduled, result.due, result.dispatched, result.failed)
        assert counts == (self.size, self.size, self.due, self.due, 0), counts
        end_runs()
        self.now += STEP
        return {"ms": took * 1_000, "cpu": cpu * 1_000}

    def statements(self) -> dict[str, Any]:
        """Count the statements of a tick, and say what each took."""
        with CaptureQueriesContext(connection) as found:
            self.tick()
        said = [(float(each["time"]) * 1_000, each["sql"][:200]) for each in found.captured_queries]
        return {"count": len(said) - 1, "slowest": sorted(said, reverse=True)[:8]}

    def save(self) -> dict[str, Any]:
        """Time saving and publishing other schedules, one after the other."""
        times = []
        for _ in range(SAVES):
            self.saves += 1
            number = self.due + 1 + self.saves * 7 % (self.size - self.due)
            tenant = Tenant.objects.get(pk=self.tenants[number % len(self.tenants)])
            # On Sundays: none of them falls due while this measures.
            schedule = {"kind": "cron", "expression": f"{self.saves % 60} 3 * * 0", "timezone": "Europe/Berlin"}
            began = time.perf_counter()
            save_version(
                tenant=tenant, pipeline_id=pipeline_of(number), ir={**self.ir, "schedule": schedule}, actor=SYSTEM,
                now=self.now, publish=True,
            )  # fmt: skip
            times.append((time.perf_counter() - began) * 1_000)
        return {"ms": times}


def main() -> None:
    """Fill, then answer until the input ends."""
    bench = Bench(int(sys.argv[1]), int(sys.argv[2]))
    _say({"ready": True})
    for line in sys.stdin:
        _say(getattr(bench, line.strip())() | {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024})


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
