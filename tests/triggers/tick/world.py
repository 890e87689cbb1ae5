"""The world of tick tests: pipelines with schedules, saved through flows' own services, and ticks by a given clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.text import slugify

from flows.models import Pipeline, PipelineRun
from flows.services import create_pipeline
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import orders_ir
from triggers.decisions.vocabulary import TickSource
from triggers.models import Occurrence, PipelineSchedule, TenantCounts
from triggers.services.ticking import TickResult, tick_scheduler

NOW = datetime(2026, 4, 17, 8, 0, 30, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Every hour, so that of the day before NOW the occurrence of 08:00 is the most recent one.
HOURLY: dict[str, Any] = {"kind": "cron", "expression": "0 * * * *"}


def at(hour: int, minute: int = 0, second: int = 0, *, day: int = 17) -> datetime:
    """Return an instant of April 2026."""
    return datetime(2026, 4, day, hour, minute, second, tzinfo=UTC)


def scheduled(
    tenant: Tenant, schedule: dict[str, Any] | None = None, *, name: str = "Load orders", now: datetime = NOW
) -> Pipeline:
    """Create a pipeline with a schedule; hourly unless another is given."""
    ir = orders_ir(id=slugify(name), schedule=HOURLY if schedule is None else schedule)
    return create_pipeline(tenant=tenant, values={"name": name, "ir": ir}, actor=SYSTEM, now=now)


def tick(now: datetime = NOW, *, seconds: float = 50, **given: Any) -> TickResult:
    """Tick as a scheduler's command does."""
    return tick_scheduler(now=now, budget=Budget(seconds), **{"source": TickSource.COMMAND, **given})


def rows_of(pipeline: Pipeline) -> list[Occurrence]:
    """Return the ledger of a pipeline, oldest occurrence first."""
    return list(Occurrence.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).order_by("occurrence_at"))


def runs_of(pipeline: Pipeline) -> list[PipelineRun]:
    """Return the runs of a pipeline, oldest first."""
    rows = PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    return list(rows.order_by("created_at", "pk"))


def outcomes(pipeline: Pipeline) -> list[tuple[datetime, str]]:
    """Return when each occurrence was expected and what became of it."""
    return [(row.occurrence_at, str(row.outcome)) for row in rows_of(pipeline)]


def schedule_of(pipeline: Pipeline) -> PipelineSchedule:
    """Return the mirrored schedule of a pipeline."""
    return PipelineSchedule.objects.for_tenant(pipeline.tenant_id).get(pipeline=pipeline)


def counts_of(tenant: Tenant) -> TenantCounts:
    """Return the counts that are kept for a tenant."""
    return TenantCounts.objects.for_tenant(tenant).get()
