"""What is live: what the areas above read of pipelines in order to start them."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import F
from django.db.models.fields.json import KeyTextTransform

from flows.ir.parsing import IrInvalid, parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.timing import FileArrivalTrigger, Schedule
from flows.models import Pipeline, PipelineVersion


@dataclass(frozen=True, slots=True)
class LivePipeline:
    """A pipeline with what its live version says about when it runs. Times are UTC.

    `ir` is None when nothing is live, or when what is live cannot be read any more: then `problem` says why.
    """

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    name: str
    created_at: datetime
    last_run_at: datetime | None
    paused_at: datetime | None
    connector_id: uuid.UUID | None
    version: int | None
    ir: PipelineIR | None
    problem: str = ""

    @property
    def schedule(self) -> Schedule | None:
        """Return the schedule, also one that is off."""
        return None if self.ir is None else self.ir.schedule

    @property
    def trigger(self) -> FileArrivalTrigger | None:
        """Return the file-arrival trigger."""
        return None if self.ir is None else self.ir.trigger

    @property
    def watched(self) -> SourceNode | None:
        """Return the source node that the trigger names."""
        if self.ir is None or self.ir.trigger is None:
            return None
        wanted = self.ir.trigger.source_id
        found = (node for node in self.ir.nodes if isinstance(node, SourceNode) and node.id == wanted)
        return next(found, None)


def live_pipelines(pipeline_ids: Collection[uuid.UUID]) -> list[LivePipeline]:
    """Return the pipelines of any tenant that are there, by id; two queries."""
    rows = list(Pipeline.objects.across_tenants().filter(pk__in=pipeline_ids).order_by("pk"))
    versions = PipelineVersion.objects.across_tenants().filter(pipeline__in=rows)
    irs = {
        (row.pipeline_id, row.version): row.ir for row in versions.filter(version__in={r.live_version for r in rows})
    }
    return [_live(row, irs.get((row.pk, row.live_version or 0))) for row in rows]


class LiveTiming(NamedTuple):
    """Whether the live version of a pipeline says when it runs; the kinds are those of the IR, None for none."""

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    version: int
    paused_at: datetime | None
    schedule: str | None
    trigger: str | None


def live_timings() -> list[LiveTiming]:
    """Return the pipelines of every tenant that have a live version; one query, and of each IR two words."""
    live = PipelineVersion.objects.across_tenants().filter(version=F("pipeline__live_version"))
    kinds = {"schedule": KeyTextTransform("kind", "ir__schedule"), "trigger": KeyTextTransform("kind", "ir__trigger")}
    wanted = ("tenant_id", "pipeline_id", "version", "pipeline__paused_at", "schedule", "trigger")
    return [LiveTiming(*row) for row in live.annotate(**kinds).values_list(*wanted)]


def _live(row: Pipeline, saved: object) -> LivePipeline:
    ir, problem = None, ""
    if saved is not None:
        try:
            ir = parse_pipeline_ir(saved)
        except IrInvalid as invalid:
            problem = "; ".join(f"{each.path}: {each.message}" for each in invalid.problems[:3])
    return LivePipeline(
        tenant_id=row.tenant_id, pipeline_id=row.pk, name=row.name, created_at=row.created_at,
        last_run_at=row.last_run_at, paused_at=row.paused_at, connector_id=row.connector_id, version=row.live_version,
        ir=ir, problem=problem,
    )  # fmt: skip
