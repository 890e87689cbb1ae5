"""What fires next: schedules by when they are due, and where they stand in the next hour or day."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice, takewhile
from typing import Any, Final

from flows.selectors.showing import trigger_words
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.decisions.timetable import TimetableError, read_timetable
from triggers.decisions.vocabulary import TriggerState
from triggers.models import PipelineSchedule

# Of so many schedules each fire is placed; of more only the next one of each.
SPREAD: Final = 100
MOST_FIRES: Final = 1_500
MOST_PLACED: Final = 2_000
BARS: Final = 60


@dataclass(frozen=True, slots=True)
class Fire:
    """A schedule that is due at an instant."""

    at: datetime
    pipeline_id: uuid.UUID
    name: str
    spec: Mapping[str, Any]

    @property
    def words(self) -> str:
        """Say when the schedule is due."""
        return trigger_words({"schedule": self.spec})


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the timeline and how many runs are to begin in it; `share` is of the highest one, in percent."""

    at: datetime
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The fires of a span: where they stand, how many, and whether only the next one of each schedule is among them."""

    bars: Sequence[Bar]
    count: int
    is_first_only: bool
    is_more: bool


def next_fires(tenant: Tenant, *, limit: int, until: datetime | None = None) -> list[Fire]:
    """Return the schedules that are due next, soonest first; one query."""
    rows = _active(tenant)
    rows = rows.filter(next_due_at__lte=until) if until else rows
    found = rows.select_related("pipeline").only("next_due_at", "spec", "pipeline__name", "tenant_id")
    return [
        Fire(row.next_due_at, row.pipeline_id, row.pipeline.name, row.spec)
        for row in found.order_by("next_due_at", "pk")[:limit]
        if row.next_due_at is not None
    ]


def overdue(tenant: Tenant, *, before: datetime, limit: int) -> list[Fire]:
    """Return the schedules that were due before a moment and that no tick has looked at since, oldest first."""
    return next_fires(tenant, limit=limit, until=before)


def timeline_of(tenant: Tenant, *, now: datetime, span: timedelta) -> Timeline:
    """Return where fires stand in the time to come, as bars; one query."""
    rows = _active(tenant).filter(next_due_at__lte=now + span).order_by("next_due_at", "pk")
    found = list(rows.values_list("next_due_at", "spec", "created_at")[: SPREAD + 1])
    if len(found) <= SPREAD:
        fires = list(islice(_all_fires(found, now, now + span), MOST_FIRES + 1))
        return Timeline(_bars(fires, now, span), len(fires), is_first_only=False, is_more=len(fires) > MOST_FIRES)
    instants = list(rows.values_list("next_due_at", flat=True)[: MOST_PLACED + 1])
    firsts = [at for at in instants if at is not None]
    return Timeline(_bars(firsts, now, span), len(firsts), is_first_only=True, is_more=len(firsts) > MOST_PLACED)


def _active(tenant: Tenant) -> TenantQuerySet[PipelineSchedule]:
    rows: TenantQuerySet[PipelineSchedule] = PipelineSchedule.objects.for_tenant(tenant)
    return rows.filter(state=TriggerState.ACTIVE, next_due_at__isnull=False)


def _all_fires(found: Sequence[tuple[Any, Any, datetime]], now: datetime, until: datetime) -> Iterator[datetime]:
    return merge(*(_fires(at, spec, created_at, now, until) for at, spec, created_at in found))


def _fires(at: datetime, spec: Any, created_at: datetime, now: datetime, until: datetime) -> Iterator[datetime]:
    """Yield when a schedule is due; of one that is overdue the coming tick makes one run."""
    yield at
    try:
        timetable = read_timetable(spec, created_at=created_at)
        yield from takewhile(lambda later: later <= until, timetable.upcoming(max(at, now)))
    except (TimetableError, LookupError):
        # It will be parked when its time comes; the one instant that is known is shown.
        return


def _bars(fires: Sequence[datetime], now: datetime, span: timedelta) -> list[Bar]:
    """Return a bar for each stretch; what is due already stands in the first."""
    width = span / BARS
    counts = [0] * BARS
    for at in fires:
        counts[min(max(int((at - now) / width), 0), BARS - 1)] += 1
    highest = max(counts) or 1
    return [Bar(now + place * width, count, round(100 * count / highest)) for place, count in enumerate(counts)]
