"""Send a run again to those that did not get it, and to nobody else: the same words, the same files."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.budget import Budget
from kaireon.platform.errors import Conflict
from kaireon.platform.notifications.decisions import RESENDABLE_STATES
from kaireon.platform.notifications.services import deliver_due, open_resend
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import RunStatus, Stage
from reports.models import ReportRun
from reports.selectors.runs import deliveries_of, find_run
from reports.services.settling import settle_runs
from reports.services.telling import RUN

SEND_BUDGET_SECONDS: Final = 20.0
NOT_OVER: Final = "The run is not over yet; only what has failed can be sent again."
NOTHING_FAILED: Final = "No destination of this run is left that did not get it; there is nothing to send again."


def resend_run(*, tenant: Tenant, run_id: uuid.UUID, actor: Actor, now: datetime) -> ReportRun:
    """Send a run again where it failed, was capped, or may not have arrived; wait for the answers and return the run.

    The run is `running` until they are there. Raises NotFound; Conflict when it is not over, or nothing failed.
    """
    ids = _open(tenant, run_id, actor, now)
    deliver_due(now=now, budget=Budget(SEND_BUDGET_SECONDS), tenant_id=tenant.pk, delivery_ids=ids)
    settle_runs(now=now, run_ids=[run_id])
    return find_run(tenant, run_id)


@transaction.atomic(durable=True)
def _open(tenant: Tenant, run_id: uuid.UUID, actor: Actor, now: datetime) -> Sequence[uuid.UUID]:
    find_run(tenant, run_id)
    # The lock lets one of two clicks in; the second finds a run that is on its way.
    run = ReportRun.objects.for_tenant(tenant).select_for_update().get(pk=run_id)
    if run.status == RunStatus.RUNNING:
        raise Conflict(NOT_OVER)
    deliveries = deliveries_of(run)
    failed = {each.delivery_id for each in deliveries if each.state in RESENDABLE_STATES}
    if not failed:
        raise Conflict(NOTHING_FAILED)
    entries: list[Entry] = []
    again: dict[uuid.UUID, uuid.UUID] = {}
    for delivery_id in failed:
        row, entry = open_resend(tenant_id=tenant.pk, delivery_id=delivery_id, actor=actor, now=now)
        again[delivery_id] = row.pk
        entries.append(entry)
    run.delivery_ids = [again.get(each.delivery_id, each.delivery_id) for each in deliveries]
    # When it was finished first stays: a report that is sent again days later did not take days to make.
    run.status, run.stage = RunStatus.RUNNING, Stage.DELIVERING
    run.save(update_fields=["delivery_ids", "status", "stage"])
    name = run.definition.get("name", "")
    entries.append(Entry(tenant.pk, actor, "resend", RUN, str(run.pk), name, after={"deliveries": len(failed)}))
    record_many(entries, now=now)
    return list(again.values())
