"""What the overview asks of flows: which pipelines are due soon, what is under way, what failed."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from flows.models import PipelineRun, PipelineVersion
from flows.selectors.overview import open_runs
from flows.selectors.showing import ends_of, next_run_at
from kaireon.platform.tenancy.models import Tenant

# As many as a tenant has at most by default.
LOOKED_AT: Final = 500
OUTLOOK_LIMIT: Final = 50
UNDER_WAY_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class DuePipeline:
    """A pipeline whose schedule comes at a known time."""

    at: datetime
    pipeline_id: uuid.UUID
    name: str
    text: str


def due_pipelines(tenant: Tenant, *, now: datetime, span: timedelta) -> list[DuePipeline]:
    """Return the scheduled pipelines that are due within the span, soonest first; one query."""
    live = PipelineVersion.objects.for_tenant(tenant).filter(
        version=F("pipeline__live_version"), pipeline__paused_at=None, ir__schedule__kind="cron"
    )
    found = [_due(row, now) for row in live.select_related("pipeline")[:LOOKED_AT]]
    soon = sorted((each for each in found if each and each.at <= now + span), key=lambda each: (each.at, each.name))
    return soon[:OUTLOOK_LIMIT]


def _due(version: PipelineVersion, now: datetime) -> DuePipeline | None:
    at = next_run_at(version.ir, now)
    if at is None:
        return None
    tables = ", ".join(ends_of(version.ir).targets) or "nowhere"
    return DuePipeline(at, version.pipeline_id, version.pipeline.name, f"runs, into {tables}")


def under_way(tenant: Tenant) -> list[PipelineRun]:
    """Return the runs that work or wait, with their pipelines; one query."""
    return open_runs(tenant, UNDER_WAY_SHOWN)
