"""Tell of triggers that cannot watch: parked ones, and folders that do not answer."""

import uuid
from datetime import datetime
from typing import Final

from kaireon.platform.health.decisions import HealthAlert, Severity, Source
from kaireon.platform.health.services import raise_alert, resolve
from kaireon.platform.ids import new_id
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, TriggerState
from triggers.models import FileTrigger, Occurrence, WatchedFolder

LONGEST: Final = 1_000
NOT_WATCHED: Final = "nobody watches its folder"


def tell_parking(trigger: FileTrigger, name: str, now: datetime) -> None:
    """Say that a trigger has been parked, with its reason, or that it watches again."""
    key = f"file-trigger-parked:{trigger.pipeline_id}"
    if trigger.state != TriggerState.PARKED:
        resolve(tenant_id=trigger.tenant_id, dedupe_key=key, now=now)
        return
    raise_alert(
        tenant_id=trigger.tenant_id, severity=Severity.ERROR, source=Source.FLOW,
        title=f"Pipeline {name} watches no folder", message=trigger.reason[:LONGEST],
        link=f"/data/flow-pipelines/{trigger.pipeline_id}/edit", dedupe_key=key,
        metadata={"pipelineId": str(trigger.pipeline_id)}, now=now,
    )  # fmt: skip
    Occurrence.objects.for_tenant(trigger.tenant_id).create(
        id=new_id(), tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, kind=OccurrenceKind.FILE,
        key=f"parked:{now.isoformat()}", occurrence_at=now, decided_at=now, outcome=Outcome.PARKED,
        reason=trigger.reason, version=trigger.version,
    )  # fmt: skip


def folder_alert_key(folder_id: uuid.UUID) -> str:
    """Return the key of the alert about a folder that does not answer."""
    return f"watched-folder:{folder_id}"


def folder_alert(folder: WatchedFolder) -> HealthAlert:
    """Return what is told of a folder that has not answered several times in a row."""
    return HealthAlert(
        tenant_id=folder.tenant_id, severity=Severity.ERROR, source=Source.FLOW,
        title=f"{folder.store} cannot be watched",
        message=f"{folder.folder or '/'}: {folder.error} Failed {folder.failures} times in a row."[:LONGEST],
        link="/data/scheduler", dedupe_key=folder_alert_key(folder.pk), metadata={"folderId": str(folder.pk)},
    )  # fmt: skip
