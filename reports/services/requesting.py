"""Run now: somebody asks for a report, and it is made as a tick's are."""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from time import sleep
from typing import Final

from django.db import transaction

from kaireon.platform.budget import Budget
from kaireon.platform.errors import Busy
from kaireon.platform.notifications.services import deliver_due
from kaireon.platform.notifications.services.dispatch import Clock, running_clock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import TriggeredBy
from reports.models import ReportRun
from reports.selectors.runs import find_run, is_in_hand, open_delivery_ids, zone_of_template
from reports.selectors.templates import find_template
from reports.services.running import work_off_runs
from reports.services.settling import settle_runs
from reports.services.snapshots import new_run
from reports.services.telling import record_run
from reports.turns import TURNS

LONGEST_WAIT: Final = 120.0
LONGEST_NAME: Final = 254
SECONDS_BETWEEN_LOOKS: Final = 0.2


def run_template(
    *, tenant: Tenant, template_id: uuid.UUID, actor: Actor, triggered_by: TriggeredBy | str, now: datetime,
    wait_seconds: float = LONGEST_WAIT,
) -> ReportRun:  # fmt: skip
    """Queue a run of a template for its own destinations and return it; wait for its end, two minutes at most.

    With `wait_seconds` 0 a worker or the next tick makes it; so it is with a run that takes longer than the wait: it
    goes back to the queue, and with one for whose wait there is no thread to spare. Raises NotFound. Not inside a
    transaction.
    """
    run = _queue(tenant, template_id, actor, TriggeredBy(triggered_by), now)
    wait = min(wait_seconds, LONGEST_WAIT)
    if wait > 0:
        with suppress(Busy), TURNS.take(tenant.pk):
            _see_through(run, Budget(wait), running_clock(now))
    return find_run(tenant, run.pk)


def _see_through(run: ReportRun, budget: Budget, clock: Clock) -> None:
    """Make the run, or wait for the worker that was faster; done when it has ended or waits for a later retry."""
    while True:
        work_off_runs(
            now=clock(), budget=budget, tenant_id=run.tenant_id, run_ids=[run.pk],
            ends_after=timedelta(seconds=budget.remaining()),
        )  # fmt: skip
        # Whoever made it may be busy with other reports; a message goes out once, whoever sends it.
        ids = open_delivery_ids(run.tenant_id, run.pk)
        if ids:
            deliver_due(now=clock(), budget=budget, tenant_id=run.tenant_id, delivery_ids=ids)
            settle_runs(now=clock(), run_ids=[run.pk])
        if not is_in_hand(run.tenant_id, run.pk) or budget.is_spent:
            return
        sleep(SECONDS_BETWEEN_LOOKS)


@transaction.atomic(durable=True)
def _queue(tenant: Tenant, template_id: uuid.UUID, actor: Actor, triggered_by: TriggeredBy, now: datetime) -> ReportRun:
    template = find_template(tenant, template_id)
    run = new_run(
        template, triggered_by=triggered_by, now=now, requested_by=actor.name[:LONGEST_NAME],
        zone=zone_of_template(template),
    )  # fmt: skip
    run.save(force_insert=True)
    record_run(run, "run_now", actor, now=now, templateId=str(template.pk))
    return run
