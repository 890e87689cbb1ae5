"""How the scheduler is doing for a tenant: alive, how late, what is due, what was missed, failed or parked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.pulse import Lag, PulseState, lag_of, late_after, pulse_state
from triggers.decisions.vocabulary import OccurrenceKind, Outcome
from triggers.models import Occurrence, SchedulerTick, TenantCounts
from triggers.selectors.ticks import last_tick, tick_interval

# Counting goes no further: beyond this a page says "1,000+".
COUNTED_UP_TO: Final = 1_000
LAG_SAMPLES: Final = 500
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
_OF_A_DAY: Final = (
    Outcome.FIRED, Outcome.COALESCED, Outcome.SKIPPED_OVERLAP, Outcome.MISSED, Outcome.PAUSED, Outcome.FAILED,
    Outcome.GONE, Outcome.DEADLINE_MISSED,
)  # fmt: skip
_OCCURRENCES: Final = "triggers_occurrence WHERE tenant_id = %(tenant)s AND outcome = "
_SCHEDULES: Final = "triggers_pipelineschedule WHERE tenant_id = %(tenant)s AND state = "
# What is counted, and where it stands; every one of them goes through an index.
_COUNTED: Final = {
    **{each.value: f"{_OCCURRENCES}'{each}' AND occurrence_at BETWEEN %(day)s AND %(now)s" for each in _OF_A_DAY},
    "held": f"{_OCCURRENCES}'held'",
    "overdue": f"{_SCHEDULES}'active' AND next_due_at < %(late)s",
    "due_soon": f"{_SCHEDULES}'active' AND next_due_at BETWEEN %(late)s AND %(hour)s",
    "parked": f"{_SCHEDULES}'parked'",
    "paused_schedules": f"{_SCHEDULES}'paused'",
    "parked_triggers": "triggers_filetrigger WHERE tenant_id = %(tenant)s AND state = 'parked'",
}
_KEPT: Final = ("pipelines", "scheduled", "file_triggers")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of what: kept counters of the tenant, and outcomes of the last 24 hours up to `COUNTED_UP_TO`."""

    pipelines: int
    scheduled: int
    file_triggers: int
    fired: int
    coalesced: int
    skipped_overlap: int
    missed: int
    paused: int
    failed: int
    gone: int
    deadline_missed: int
    held: int
    overdue: int
    due_soon: int
    parked: int
    paused_schedules: int
    parked_triggers: int

    @property
    def is_used(self) -> bool:
        """Tell whether anything waits for the scheduler."""
        return bool(self.scheduled or self.file_triggers or self.parked or self.parked_triggers)

    @property
    def all_parked(self) -> int:
        """Return how many schedules and file triggers cannot be read."""
        return self.parked + self.parked_triggers


@dataclass(frozen=True, slots=True)
class Status:
    """The scheduler as one tenant sees it."""

    now: datetime
    interval: timedelta
    state: PulseState
    last: SchedulerTick | None
    lag: Lag
    counts: Counts

    @property
    def is_alive(self) -> bool:
        """Tell whether ticks come as they should."""
        return self.state in {PulseState.ALIVE, PulseState.FAILING}


def scheduler_status(tenant: Tenant, *, now: datetime) -> Status:
    """Return how the scheduler is doing; three queries, whatever stands behind them."""
    interval, last = tick_interval(), last_tick()
    state = pulse_state(
        last_tick_at=last.at if last else None, error=last.error if last else "", interval=interval, now=now
    )
    return Status(now, interval, state, last, _lag(tenant, now), count_all(tenant, now=now))


def clock_of(tenant: Tenant, *, now: datetime) -> tuple[int, bool, datetime | None]:
    """Return how many pipelines wait for the scheduler, whether it is silent, and its last tick; two queries."""
    kept = TenantCounts.objects.for_tenant(tenant).first()
    waiting = kept.scheduled + kept.file_triggers if kept else 0
    if not waiting:
        return 0, False, None
    last = last_tick()
    state = pulse_state(last_tick_at=last.at if last else None, error="", interval=tick_interval(), now=now)
    return waiting, state in {PulseState.NEVER, PulseState.SILENT}, last.at if last else None


def _lag(tenant: Tenant, now: datetime) -> Lag:
    """Return how late what was due in the last hour was decided; what was missed in an outage is counted as missed."""
    rows = Occurrence.objects.for_tenant(tenant).filter(
        outcome=Outcome.FIRED, occurrence_at__gte=now - HOUR, kind=OccurrenceKind.SCHEDULE
    )
    newest = rows.order_by("-occurrence_at", "-pk").values_list("occurrence_at", "due_at", "decided_at")[:LAG_SAMPLES]
    return lag_of([(due or at, decided) for at, due, decided in newest])


def count_all(tenant: Tenant, *, now: datetime) -> Counts:
    """Return every count in one statement; each goes through an index and stops early."""
    parts = [
        f"(SELECT count(*) FROM (SELECT 1 FROM {where} LIMIT %(most)s) AS counted) AS {name}"  # noqa: S608 - our words
        for name, where in _COUNTED.items()
    ]
    parts += [f"coalesce(max(kept.{name}), 0) AS {name}" for name in _KEPT]
    statement = f"SELECT {', '.join(parts)} FROM triggers_tenantcounts AS kept WHERE kept.tenant_id = %(tenant)s"  # noqa: S608 - our words
    values: dict[str, Any] = {
        "tenant": tenant.pk, "now": now, "day": now - DAY, "hour": now + HOUR, "most": COUNTED_UP_TO + 1,
        "late": now - late_after(tick_interval()),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    assert row is not None
    return Counts(**dict(zip((*_COUNTED, *_KEPT), row, strict=True)))
