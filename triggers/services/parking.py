"""Schedules that cannot be read: people are told, and told again when they can."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from kaireon.platform.health.decisions import HealthAlert, Severity, Source
from kaireon.platform.health.services import raise_many, resolve_many

SCHEDULE_TAB: Final = "/data/flow-pipelines/{pipeline_id}/edit"


class Parked(NamedTuple):
    """A schedule that never fires until somebody saves it anew."""

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    name: str
    reason: str


def tell_parked(parked: Sequence[Parked], *, now: datetime) -> None:
    """Open a system-health alert for each; joins the caller's transaction."""
    raise_many([_alert(each) for each in parked], now=now)


def tell_unparked(tenant_id: uuid.UUID, pipeline_ids: Collection[uuid.UUID], *, now: datetime) -> None:
    """Resolve the alerts of schedules that can be read again, or are gone."""
    resolve_many([(tenant_id, _key(pipeline_id)) for pipeline_id in pipeline_ids], now=now)


def _alert(parked: Parked) -> HealthAlert:
    return HealthAlert(
        tenant_id=parked.tenant_id, severity=Severity.ERROR, source=Source.FLOW,
        title=f"The schedule of {parked.name} is parked",
        message=f"{parked.reason} It does not fire until a schedule that can be read is saved and published.",
        link=SCHEDULE_TAB.format(pipeline_id=parked.pipeline_id),
        metadata={"pipelineId": str(parked.pipeline_id)}, dedupe_key=_key(parked.pipeline_id),
    )  # fmt: skip


def _key(pipeline_id: uuid.UUID) -> str:
    return f"schedule-parked:{pipeline_id}"
