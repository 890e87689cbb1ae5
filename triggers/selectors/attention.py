"""What needs somebody: what is parked, folders that cannot be listed, deadlines before they pass."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import F

from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.vocabulary import TriggerState
from triggers.models import FileTrigger, PipelineSchedule, WatchedFolder

_ARRIVALS: Final = """
SELECT wanted.id, arrival.occurrence_at
FROM unnest(%s::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
  SELECT occurrence_at FROM triggers_occurrence
  WHERE pipeline_id = wanted.id AND tenant_id = %s AND kind = 'file' AND outcome = 'fired'
  ORDER BY occurrence_at DESC, id DESC LIMIT %s
) AS arrival
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A schedule or a file trigger that cannot be read any more, and why."""

    pipeline_id: uuid.UUID
    name: str
    what: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder that is watched, how often it could not be listed in a row, and since when it was looked at."""

    folder: WatchedFolder
    is_listing: bool

    @property
    def is_failing(self) -> bool:
        """Tell whether the last look at it failed."""
        return self.folder.failures > 0

    @property
    def place(self) -> str:
        """Return where it is, as people write it."""
        folder = self.folder
        if folder.kind == "local_fs":
            return folder.folder or "/"
        return f"{folder.store}/{folder.folder.lstrip('/')}"


def parked(tenant: Tenant, *, limit: int) -> list[Parked]:
    """Return what is parked, most recently parked first; two queries."""
    found = [
        *_parked(PipelineSchedule, "schedule", tenant, limit),
        *_parked(FileTrigger, "file trigger", tenant, limit),
    ]
    return sorted(found, key=lambda each: each.since, reverse=True)[:limit]


def _parked(
    model: type[PipelineSchedule] | type[FileTrigger], what: str, tenant: Tenant, limit: int
) -> Sequence[Parked]:  # fmt: skip
    rows = model.objects.for_tenant(tenant).filter(state=TriggerState.PARKED).select_related("pipeline")
    found = rows.only("reason", "updated_at", "pipeline__name", "tenant_id").order_by("-updated_at", "-pk")[:limit]
    return [Parked(row.pipeline_id, row.pipeline.name, what, row.reason, row.updated_at) for row in found]


def watched_folders(tenant: Tenant, *, now: datetime, limit: int) -> list[FolderLine]:
    """Return the folders that are watched, those that cannot be listed first; one query."""
    rows = WatchedFolder.objects.for_tenant(tenant).select_related("connector")
    ordered = rows.order_by("-failures", F("looked_at").desc(nulls_last=True), "pk")[:limit]
    return [FolderLine(row, bool(row.lease_until and row.lease_until > now)) for row in ordered]


def coming_deadlines(tenant: Tenant, *, limit: int) -> list[FileTrigger]:
    """Return the file triggers with a deadline, the soonest first; one query."""
    rows = FileTrigger.objects.for_tenant(tenant).filter(state=TriggerState.ACTIVE, deadline_at__isnull=False)
    return list(rows.select_related("pipeline").order_by("deadline_at", "pk")[:limit])


def arrivals_of(tenant: Tenant, pipeline_ids: Sequence[uuid.UUID], *, limit: int) -> dict[uuid.UUID, list[datetime]]:
    """Return when the last files came that began a run, for each pipeline; one query."""
    found: dict[uuid.UUID, list[datetime]] = {each: [] for each in pipeline_ids}
    if found:
        with connection.cursor() as cursor:
            cursor.execute(_ARRIVALS, [list(pipeline_ids), tenant.pk, limit])
            for pipeline_id, at in cursor.fetchall():
                found[pipeline_id].append(at)
    return found


def schedule_of(tenant: Tenant, pipeline_id: uuid.UUID) -> PipelineSchedule | None:
    """Return the schedule of a pipeline's live version."""
    return PipelineSchedule.objects.for_tenant(tenant).filter(pipeline_id=pipeline_id).first()


def trigger_of(tenant: Tenant, pipeline_id: uuid.UUID) -> FileTrigger | None:
    """Return the file trigger of a pipeline's live version, with its folder."""
    rows = FileTrigger.objects.for_tenant(tenant).select_related("folder")
    return rows.filter(pipeline_id=pipeline_id).first()
