"""Three web servers that tick, with clocks that flap, killed at random: every occurrence once, and every run once.

Time is simulated, a minute in a second. KAIREON_CHAOS_MINUTES=200 runs for longer than CI does.
"""

import itertools
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

from flows.models import Pipeline, PipelineRun
from flows.services import create_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.processes import test_database_url, wait_until
from tests.chaos.replicas import Replica, serving
from tests.chaos.schedule_auditor import Audited, audit, expected
from tests.chaos.simulated_clock import SimulatedClock
from tests.chaos.test_outbox_pgbouncer import bouncer
from tests.flows.pipeline_world import orders_ir
from triggers.models import Occurrence, PipelineSchedule, SchedulerTick

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
MINUTES = int(os.environ.get("KAIREON_CHAOS_MINUTES", "40"))
SPEED = 60.0
FLAP = 2.0
SIMULATED = "tests.chaos.simulated_wsgi:application"
# Half an hour before Berlin's clocks go back.
ORIGIN = datetime(2026, 10, 25, 0, 30, 20, tzinfo=UTC)
ANCHOR = "2026-10-23T23:59:00+00:00"
# After the last minute, and before a clock that is fast could have seen the next.
MARGIN = timedelta(seconds=2 * FLAP)
PATIENCE = 90.0
DAY = timedelta(hours=24)

SCHEDULES: dict[str, dict[str, Any]] = {
    "every minute": {"kind": "cron", "expression": "* * * * *"},
    "every minute, all": {"kind": "cron", "expression": "* * * * *", "catchUp": "all", "overlap": "allow"},
    "every minute, none, skip": {"kind": "cron", "expression": "* * * * *", "catchUp": "none", "overlap": "skip"},
    "Berlin, fixed hour": {"kind": "cron", "expression": "35,45 2 * * *", "timezone": "Europe/Berlin"},
    "Berlin, any hour": {"kind": "cron", "expression": "*/7 * * * *", "timezone": "Europe/Berlin", "catchUp": "all"},
    "Kathmandu": {"kind": "cron", "expression": "1-59/3 */1 * * 0", "timezone": "Asia/Kathmandu", "overlap": "skip"},
    "grid of three": {"kind": "interval", "minutes": 3, "anchor": ANCHOR, "catchUp": "all"},
    "grid of one": {"kind": "interval", "minutes": 1, "anchor": ANCHOR, "overlap": "allow"},
    "grid of four, none": {"kind": "interval", "minutes": 4, "anchor": ANCHOR, "catchUp": "none"},
    "rule of two": {"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=2", "dtstart": ANCHOR, "catchUp": "all"},
    "rule by minutes": {
        "kind": "rrule", "rule": "FREQ=HOURLY;BYMINUTE=0,5,11,25,40,41,55", "dtstart": ANCHOR, "overlap": "skip",
    },
    "jitter": {"kind": "cron", "expression": "*/3 * * * *", "jitterSeconds": 50, "catchUp": "all"},
    "jitter, latest": {"kind": "cron", "expression": "*/2 * * * *", "jitterSeconds": 30, "overlap": "allow"},
}  # fmt: skip
# These begin as every new schedule does, with a day behind them.
LOOKS_BACK = {"rule by minutes", "grid of four, none"}
RELATIVE = {"kind": "interval", "minutes": 2}


def test_every_occurrence_has_one_row_and_one_run_whatever_dies(acme: Tenant, tmp_path: Path) -> None:
    assert_exactly_once(acme, tmp_path, test_database_url())


def test_behind_a_pooler_too_every_occurrence_has_one_row_and_one_run(acme: Tenant, tmp_path: Path) -> None:
    with bouncer(pool=4) as url:
        assert_exactly_once(acme, tmp_path, url)


def assert_exactly_once(tenant: Tenant, folder: Path, url: str) -> None:
    """Let three replicas live through the simulated time, and audit what they did."""
    schedules = [plan(tenant, name, spec) for name, spec in SCHEDULES.items()]
    relative = plan(tenant, "since the last run", RELATIVE)
    clock = SimulatedClock(began=time.time(), origin=ORIGIN, speed=SPEED, flap=FLAP)
    replicas = [
        Replica(folder / f"replica-{number}", target=SIMULATED, environment={"DATABASE_URL": url} | clock.environment())
        for number in range(3)
    ]
    until = ORIGIN + timedelta(minutes=MINUTES)

    with serving(*replicas), runs_that_end():
        kills = kill_at_random(replicas, clock, until)
        wait_until(lambda: not undecided(until), timeout=PATIENCE, said=lambda: undecided(until))

    problems = [problem for schedule in schedules for problem in audit(schedule, until)]
    tell(schedules, kills)
    assert problems == []
    assert_spaced(relative)
    assert [entry["message"] for each in replicas for entry in each.entries() if entry["level"] == "ERROR"] == []


def plan(tenant: Tenant, name: str, spec: dict[str, Any]) -> Audited:
    """Save a pipeline with a schedule, and return what is to be audited of it."""
    ir = orders_ir(id=f"p-{abs(hash(name))}", schedule=spec)
    pipeline = create_pipeline(tenant=tenant, values={"name": name, "ir": ir}, actor=SYSTEM, now=ORIGIN)
    rows = PipelineSchedule.objects.for_tenant(tenant).filter(pipeline=pipeline)
    if name not in LOOKS_BACK:
        assert rows.update(decided_until=ORIGIN, next_due_at=ORIGIN) == 1
    return Audited(name, pipeline.pk, spec, ORIGIN - DAY if name in LOOKS_BACK else ORIGIN)


def kill_at_random(replicas: list[Replica], clock: SimulatedClock, until: datetime) -> Counter[str]:
    """Kill replicas, and workers of theirs, until the simulated time is over; each begins again at once."""
    dice, kills = random.Random(MINUTES), Counter[str]()
    while clock.true_now() < until:
        time.sleep(dice.uniform(0.5, 3.0))
        victim = dice.choice(replicas)
        # Some die while they start. Were it most, nobody would be left who ticks, and no two ticks would meet.
        if dice.random() < 0.8 and not victim.is_serving():
            continue
        if dice.random() < 0.25:
            victim.kill_worker()
            kills["worker"] += 1
        else:
            victim.kill()
            victim.start()
            kills["server"] += 1
    for each in replicas:
        # A server whose worker dies again and again gives up.
        each.kill()
        each.start()
    return kills


@contextmanager
def runs_that_end() -> Iterator[None]:
    """End runs a little after they began, as workers would, so that others may follow."""
    is_over = threading.Event()

    def end() -> None:
        while not is_over.wait(0.4):
            PipelineRun.objects.across_tenants().filter(status="pending").update(status="completed")
        connection.close()

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(30)


def undecided(until: datetime) -> list[str]:
    """Return, in words, what up to then has not been decided, or is held."""
    schedules = PipelineSchedule.objects.across_tenants().filter(
        Q(next_due_at__lte=until) | Q(next_due_at=None) | Q(state="parked")
    )
    held = Occurrence.objects.across_tenants().filter(outcome="held", occurrence_at__lte=until)
    return [
        *(f"{row.pipeline_id}: {row.state} {row.reason} next due {row.next_due_at}" for row in schedules),
        *(f"{row.pipeline_id}: {row.key} held until {row.due_at}" for row in held),
    ]


def assert_spaced(relative: Audited) -> None:
    """Check a schedule that counts from its last run: never two within its minutes, and each with a run."""
    rows = Occurrence.objects.across_tenants().filter(pipeline_id=relative.pipeline_id).order_by("decided_at")
    fired = [row for row in rows if row.outcome == "fired"]
    gaps = [later.decided_at - row.decided_at for row, later in itertools.pairwise(fired)]

    assert len(fired) >= 3
    assert min(gaps) >= timedelta(minutes=2) - MARGIN
    assert len({row.run_id for row in fired}) == len(fired)
    runs = PipelineRun.objects.across_tenants().filter(pipeline_id=relative.pipeline_id)
    assert runs.count() == len(fired)


def tell(schedules: list[Audited], kills: Counter[str]) -> None:
    """Print what happened: a test that killed nothing, or in which nothing fired, has shown nothing."""
    ids = [schedule.pipeline_id for schedule in schedules]
    rows = Occurrence.objects.across_tenants().filter(pipeline_id__in=ids)
    outcomes = Counter(rows.values_list("outcome", flat=True))
    ticks = SchedulerTick.objects.all()
    locked = ticks.filter(was_locked=True).count()
    sys.stdout.write(
        f"\n{MINUTES} simulated minutes: {kills['server']} servers and {kills['worker']} workers killed, "
        f"{ticks.count()} ticks ({locked} found another deciding), "
        f"{PipelineRun.objects.across_tenants().count()} runs; rows {dict(outcomes)}\n"
    )
    assert outcomes["fired"] > MINUTES
    assert kills["server"] >= 3
    assert Pipeline.objects.across_tenants().count() == len(schedules) + 1


def test_the_auditor_knows_what_it_expects() -> None:
    spec = SCHEDULES["Berlin, fixed hour"]

    found = expected(spec, ORIGIN, ORIGIN + timedelta(hours=4))

    assert [at.isoformat() for at in found] == ["2026-10-25T00:35:00+00:00", "2026-10-25T00:45:00+00:00"]
