"""Cancel a run: at once while it waits, else by whoever works on it, within a second or two."""

import uuid
from datetime import datetime

from django.db import transaction

from flows.decisions.runs import cancelled_by
from flows.decisions.vocabulary import LogLevel, RunStatus, Stage
from flows.models import PipelineRun
from flows.services.announcing import note_end
from flows.services.progressing import log_line
from flows.services.requesting import record_run
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant


@transaction.atomic(durable=True)
def cancel_run(*, tenant: Tenant, run_id: uuid.UUID, actor: Actor, now: datetime) -> PipelineRun:
    """Cancel a run and return it: `cancelled` when it waited, else `running` until its worker has stopped.

    Its files go back to where they lay and nothing of it is kept. A run that has ended, or whose rows are committed
    already, is a Conflict; a second cancel changes nothing. Raises NotFound.
    """
    rows = PipelineRun.objects.for_tenant(tenant).select_for_update(of=("self",), no_key=True)
    run = rows.select_related("pipeline").filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    if RunStatus(run.status).is_final:
        raise Conflict(f"The run has ended already: {run.status}.", code="ENDED")
    if run.committed_at is not None:
        raise Conflict("The run has committed its rows already; only its files are put away.", code="COMMITTED")
    if run.cancel_requested_at is not None:
        return run
    run.cancel_requested_at, run.cancelled_by = now, actor.name[:254]
    run.save(update_fields=["cancel_requested_at", "cancelled_by"])
    if run.status == RunStatus.PENDING:
        _end(run, now)
    record_run(run, "cancel", actor, now=now)
    return run


def _end(run: PipelineRun, now: datetime) -> None:
    run.status, run.stage, run.finished_at = RunStatus.CANCELLED, Stage.DONE, now
    run.error = cancelled_by(run.cancelled_by)
    run.save(update_fields=["status", "stage", "finished_at", "error"])
    log_line(run, Stage.DONE, run.error, now=now, level=LogLevel.WARNING)
    note_end(run)
