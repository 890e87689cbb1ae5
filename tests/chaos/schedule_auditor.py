"""What a ledger of schedules must hold, derived without our decisions: minute by minute, by croniter, by dateutil."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from dateutil.rrule import rrulestr

from flows.models import PipelineRun
from triggers.models import Occurrence

MINUTE = timedelta(minutes=1)
Spec = Mapping[str, Any]


def expected(spec: Spec, after: datetime, until: datetime) -> list[datetime]:
    """Return the instants in (after, until] that a schedule names."""
    return [at for at in _KINDS[spec["kind"]](spec, after, until) if after < at <= until]


def _cron(spec: Spec, after: datetime, until: datetime) -> Iterator[datetime]:
    zone, at = ZoneInfo(spec.get("timezone", "UTC")), after.replace(second=0, microsecond=0)
    has_fixed_hour = not spec["expression"].split()[1].startswith("*")
    while (at := at + MINUTE) <= until:
        local = at.astimezone(zone)
        # The second pass of a repeated hour is no other time for a fixed hour. (No clock goes forward in this test.)
        if not (has_fixed_hour and local.fold) and croniter.match(spec["expression"], local.replace(tzinfo=None)):
            yield at


def _interval(spec: Spec, after: datetime, until: datetime) -> Iterator[datetime]:
    at = datetime.fromisoformat(spec["anchor"])
    while at <= until:
        yield at
        at += timedelta(minutes=spec["minutes"])


def _rrule(spec: Spec, after: datetime, until: datetime) -> Iterator[datetime]:
    start = datetime.fromisoformat(spec["dtstart"]).replace(tzinfo=None)
    rule = rrulestr(spec["rule"], dtstart=start)
    bounds = (after.replace(tzinfo=None), until.replace(tzinfo=None))
    yield from (at.replace(tzinfo=UTC) for at in rule.between(*bounds, inc=True))


_KINDS = {"cron": _cron, "interval": _interval, "rrule": _rrule}
# What may become of an instant beside a run of its own.
_OTHERS = {"latest": {"coalesced"}, "none": {"coalesced", "missed"}, "all": set()}


@dataclass(frozen=True)
class Audited:
    """A schedule under audit: what it says, and since when its instants count."""

    name: str
    pipeline_id: uuid.UUID
    spec: Spec
    since: datetime


def audit(schedule: Audited, until: datetime) -> list[str]:
    """Return what is wrong with the ledger and the runs of a schedule, in words; nothing when all is right."""
    wanted = expected(schedule.spec, schedule.since, until)
    rows = list(
        Occurrence.objects.across_tenants()
        .filter(pipeline_id=schedule.pipeline_id, kind="schedule", occurrence_at__lte=until)
        .order_by("occurrence_at")
    )
    runs = {
        run.pk: run for run in PipelineRun.objects.across_tenants().filter(pipeline_id=schedule.pipeline_id)
    }  # fmt: skip
    problems = [*_rows(wanted, rows), *_outcomes(schedule, rows), *_runs(schedule, rows, runs, until)]
    return [f"{schedule.name}: {problem}" for problem in problems]


def _rows(wanted: list[datetime], rows: list[Occurrence]) -> Iterator[str]:
    counted: Counter[datetime] = Counter()
    for row in rows:
        instants = [row.occurrence_at]
        if row.until is not None:
            instants = [at for at in wanted if row.occurrence_at <= at <= row.until]
            if len(instants) != row.count:
                yield f"the stretch from {row.occurrence_at} counts {row.count} instead of {len(instants)}"
        counted.update(instants)
    yield from (f"{at} has {counted[at]} rows" for at in wanted if counted[at] != 1)
    yield from (f"{at} was not expected" for at in sorted(set(counted) - set(wanted)))


def _outcomes(schedule: Audited, rows: list[Occurrence]) -> Iterator[str]:
    spec = schedule.spec
    allowed = {"fired"} | _OTHERS[spec.get("catchUp", "latest")]
    allowed |= {"skipped_overlap"} if spec.get("overlap") == "skip" else set()
    for row in rows:
        if row.outcome not in allowed:
            yield f"{row.occurrence_at} is {row.outcome}: {row.reason}"
        if row.outcome not in {"fired", "held"} and not row.reason:
            yield f"{row.occurrence_at} is {row.outcome} without a reason"


def _runs(
    schedule: Audited, rows: list[Occurrence], runs: Mapping[uuid.UUID, PipelineRun], until: datetime
) -> Iterator[str]:
    fired = [row for row in rows if row.outcome == "fired"]
    of_runs = Counter(row.run_id for row in fired)
    yield from (f"{row.occurrence_at} fired without a run" for row in fired if row.run_id not in runs)
    yield from (f"run {run} is that of {count} rows" for run, count in of_runs.items() if count != 1)
    if len(runs) < len(of_runs):
        yield f"{len(of_runs)} rows have fired and there are {len(runs)} runs"
    later = Occurrence.objects.across_tenants().filter(
        pipeline_id=schedule.pipeline_id, outcome="fired", occurrence_at__gt=until
    )
    known = {*of_runs, *later.values_list("run_id", flat=True)}
    yield from (f"run {run} of {runs[run].parameters} has no row that fired" for run in runs if run not in known)
    for row in rows:
        if row.outcome == "coalesced" and row.run_id is not None and row.run_id not in runs:
            yield f"{row.occurrence_at} is coalesced into a run that is not there"
