"""Hand a finished report over: its files, its words and its deliveries appear together or not at all.

From this transaction on the run is never built again. Whoever dies later leaves deliveries in the ledger, which sends
each of them once or calls it `unknown`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from kaireon.platform.audit.services import record_many
from kaireon.platform.notifications.decisions import DeliveryRequest
from kaireon.platform.notifications.selectors import destination_kinds
from kaireon.platform.notifications.services import open_deliveries
from reports.decisions.document import Document
from reports.decisions.messages import Told, compose, dedupe_key
from reports.decisions.narrative_json import narrative_output
from reports.decisions.runs import NOTHING_TO_TELL, SCHEDULE_GONE, TEMPLATE_GONE
from reports.decisions.section_json import sections_data
from reports.decisions.vocabulary import OccurrenceOutcome, RunStatus, Stage, TriggeredBy
from reports.metrics import RUNS
from reports.models import ReportOccurrence, ReportRun, ReportSchedule
from reports.services.artifacts import Rendered, keep_artifacts, reference_of
from reports.services.claims import Claim, fence
from reports.services.telling import end_of_run


class RunRefused(Exception):
    """The run cannot be made, for a reason that people can read."""


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was built, with its files."""

    document: Document
    rendered: Sequence[Rendered] = ()
    is_empty: bool = False


def require_origin(run: ReportRun) -> None:
    """Raise RunRefused when what the run is of was deleted meanwhile: nobody is told of what nobody wants any more."""
    if run.triggered_by == TriggeredBy.CRON and run.schedule_id is None:
        raise RunRefused(SCHEDULE_GONE)
    if run.template is None:
        raise RunRefused(TEMPLATE_GONE)


@transaction.atomic(durable=True)
def hand_over(*, claim: Claim, made: Made, now: datetime) -> list[uuid.UUID]:
    """Keep the report and open its deliveries, as the owner of the claim; return the deliveries' ids.

    Raises LeaseLost when another process has the run, RunRefused when its template or schedule was deleted.
    """
    run = fence(claim)
    require_origin(run)
    run.sections_data = sections_data(made.document)
    run.narrative_output = narrative_output(made.document.narrative)
    artifacts = [reference_of(each) for each in keep_artifacts(run, made.rendered, now=now)]
    run.delivery_ids = [row.pk for row in open_deliveries(_requests(run, made.document, artifacts, now), now)]
    run.stage, run.claim_token, run.lease_until, run.is_empty = Stage.DELIVERING, None, None, made.is_empty
    run.save(
        update_fields=[
            "sections_data", "narrative_output", "delivery_ids", "stage", "claim_token", "lease_until", "is_empty"
        ]
    )  # fmt: skip
    return run.delivery_ids


@transaction.atomic(durable=True)
def end_empty(*, claim: Claim, document: Document, now: datetime) -> None:
    """End a run that has nothing to tell and was asked to be silent then: no words, no files, no deliveries."""
    schedule = _lock_schedule(claim)
    run = fence(claim)
    require_origin(run)
    run.is_empty, run.sections_data = True, sections_data(document)
    _end(run, RunStatus.COMPLETED, now)
    occurrences = ReportOccurrence.objects.for_tenant(run.tenant_id).filter(run=run, outcome=OccurrenceOutcome.RUN)
    occurrences.update(outcome=OccurrenceOutcome.SKIPPED_EMPTY, reason=NOTHING_TO_TELL)
    record_many(end_of_run(schedule, run, now=now, is_skipped=True) if schedule else [], now=now)


@transaction.atomic(durable=True)
def end_failed(*, claim: Claim, reason: str, now: datetime) -> None:
    """End a run that cannot be made, with the reason; raises LeaseLost."""
    schedule = _lock_schedule(claim)
    run = fence(claim)
    run.error = reason
    _end(run, RunStatus.FAILED, now)
    record_many(end_of_run(schedule, run, now=now) if schedule else [], now=now)


def _lock_schedule(claim: Claim) -> ReportSchedule | None:
    """Lock the run's schedule, before the run: as whoever deletes a schedule does."""
    rows = ReportSchedule.objects.for_tenant(claim.tenant_id).select_for_update()
    return rows.filter(pk=claim.schedule_id).first() if claim.schedule_id else None


def _end(run: ReportRun, status: RunStatus, now: datetime) -> None:
    run.status, run.stage, run.finished_at = status, Stage.DONE, now
    run.claim_token = run.lease_until = None
    RUNS.labels(status.value).inc()
    run.save(
        update_fields=[
            "status", "stage", "finished_at", "claim_token", "lease_until", "error", "is_empty", "sections_data"
        ]
    )  # fmt: skip


def _requests(
    run: ReportRun, document: Document, artifacts: Sequence[dict[str, Any]], now: datetime
) -> list[DeliveryRequest]:
    told = Told(
        run_id=run.pk, template_id=run.template_id, schedule_id=run.schedule_id, triggered_by=run.triggered_by,
        occurrence_at=run.occurrence_at, document=document, artifacts=artifacts, public_url=settings.PUBLIC_URL, at=now,
    )  # fmt: skip
    kinds = destination_kinds(run.tenant_id, run.destination_ids)
    return [
        DeliveryRequest(
            tenant_id=run.tenant_id, provider_id=provider_id, dedupe_key=dedupe_key(run.pk, provider_id),
            message=compose(told, kinds.get(provider_id, "")),
        )
        for provider_id in run.destination_ids
    ]  # fmt: skip
