"""What is held while its pipeline pauses, or loses its trigger or schedule."""

import uuid
from datetime import datetime

from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.decisions.arrivals import UNMATCHED
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome
from triggers.models import FileTrigger, Occurrence


def held_files(tenant_id: uuid.UUID, pipeline_id: uuid.UUID) -> TenantQuerySet[Occurrence]:
    """Return the rows of a pipeline's files that are held."""
    rows = Occurrence.objects.for_tenant(tenant_id)
    return rows.filter(pipeline_id=pipeline_id, kind=OccurrenceKind.FILE, outcome=Outcome.HELD)


def wake_held(tenant_id: uuid.UUID, pipeline_id: uuid.UUID, now: datetime) -> None:
    """Let the files be looked at again whose time came while the pipeline was paused."""
    held_files(tenant_id, pipeline_id).filter(due_at=None).update(due_at=now)


def end_held(trigger: FileTrigger, now: datetime) -> None:
    """End what is held for a trigger that is there no more."""
    held_files(trigger.tenant_id, trigger.pipeline_id).update(
        outcome=Outcome.GONE, reason=UNMATCHED, decided_at=now, due_at=None, held_for=HeldFor.NOTHING
    )


def end_held_instants(tenant_id: uuid.UUID, pipeline_id: uuid.UUID, reason: str, now: datetime) -> None:
    """End the occurrences that jitter holds for a schedule that makes way: none of them fires any more."""
    rows = Occurrence.objects.for_tenant(tenant_id).filter(pipeline_id=pipeline_id, kind=OccurrenceKind.SCHEDULE)
    rows.filter(outcome=Outcome.HELD).update(
        outcome=Outcome.MISSED, reason=reason, decided_at=now, due_at=None, held_for=HeldFor.NOTHING
    )
