"""The small world of run tests: sources that behave as told, templates, schedules, destinations that really listen."""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kaireon.platform.budget import Budget
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.document import Column, Row, Unit
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate
from reports.services import ReportTick, run_tick
from reports.sources import Scope, Source, Table, register, registry
from reports.sources.params import Params
from tests.servers import Got, Receiver

# A Friday, minutes after the hour at which the daily schedule is due.
NOW = datetime(2026, 4, 17, 8, 1, tzinfo=UTC)
DUE = datetime(2026, 4, 17, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SOURCE = "told_rows"


class ToldParams(Params):
    """None."""


@dataclass
class Told:
    """What the source does: `act` is called in each reading, with the number of the reading from 1."""

    rows: list[Row] = field(default_factory=lambda: [("offer-a", 3), ("offer-b", 5)])
    act: Callable[[int], None] = lambda number: None
    readings: int = 0

    def read(self, params: ToldParams, scope: Scope) -> Table:
        """Answer as told."""
        self.readings += 1
        self.act(self.readings)
        columns = (Column("offerId", "Offer"), Column("accepted", "Accepted", Unit.COUNT))
        return Table(columns, scope.spool.keep(self.rows))


@contextmanager
def told_source() -> Iterator[Told]:
    """Register a source that behaves as told, for the length of a block."""
    told = Told()
    register(Source(SOURCE, "Told rows", "What the test says.", ToldParams, told.read))
    try:
        yield told
    finally:
        registry._registry.pop(SOURCE)


def make_template(tenant: Tenant, **changes: Any) -> ReportTemplate:
    """Create the plain template: one section of the told source as CSV, with the words that need no model."""
    values: dict[str, Any] = {
        "name": "Weekly performance", "data_sources": [{"sourceKey": SOURCE, "params": {}}], "formats": ["csv"],
        "narrative": {"enabled": True}, "created_at": NOW - DAY, "updated_at": NOW - DAY, **changes,
    }  # fmt: skip
    return ReportTemplate.objects.create(tenant=tenant, **values)


def make_schedule(template: ReportTemplate, *destinations: Destination, **changes: Any) -> ReportSchedule:
    """Create the plain schedule: daily at 08:00 UTC, due one minute before NOW."""
    values: dict[str, Any] = {
        "name": "Every morning", "cron_expression": "0 8 * * *", "destination_ids": [each.pk for each in destinations],
        "next_run_at": DUE, "last_occurrence_at": DUE - DAY, "created_at": NOW - DAY, "updated_at": NOW - DAY,
        **changes,
    }  # fmt: skip
    return ReportSchedule.objects.create(tenant=template.tenant, template=template, **values)


def make_webhook(tenant: Tenant, receiver: Receiver, name: str = "Hook") -> Destination:
    """Create a webhook destination that is the receiver; NOTIFICATIONS_ALLOWED_HOSTS must name it."""
    return make_destination(tenant, "webhook", name, url=receiver.url())


def make_destination(tenant: Tenant, kind: str, name: str, **config: Any) -> Destination:
    """Create a destination."""
    return create_destination(
        tenant_id=tenant.pk, kind=kind, name=name, config=config, enabled=True, actor=SYSTEM, now=NOW - DAY
    )  # fmt: skip


def tick(now: datetime = NOW, *, seconds: float = 50, tenant: Tenant | None = None) -> ReportTick:
    """Run one tick."""
    return run_tick(now=now, budget=Budget(seconds), tenant_id=tenant.pk if tenant else None)


def fresh(schedule: ReportSchedule) -> ReportSchedule:
    """Read the schedule again."""
    return ReportSchedule.objects.for_tenant(schedule.tenant_id).get(pk=schedule.pk)


def runs(tenant: Tenant) -> list[ReportRun]:
    """Return the tenant's runs, oldest first."""
    return list(ReportRun.objects.for_tenant(tenant).order_by("created_at", "pk"))


def only_run(tenant: Tenant) -> ReportRun:
    """Return the tenant's one run."""
    return ReportRun.objects.for_tenant(tenant).get()


def occurrences(schedule: ReportSchedule) -> list[tuple[datetime, str]]:
    """Return the schedule's occurrences with their outcomes, oldest first."""
    rows = ReportOccurrence.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule)
    return list(rows.order_by("occurrence_at").values_list("occurrence_at", "outcome"))


def states(tenant: Tenant) -> list[str]:
    """Return the states of the tenant's deliveries of reports, oldest first."""
    rows = Delivery.objects.for_tenant(tenant).filter(event_type="report.completed").order_by("created_at", "pk")
    return list(rows.values_list("state", flat=True))


def health(tenant: Tenant) -> list[tuple[str, str]]:
    """Return severity and title of the tenant's open system-health alerts, oldest first."""
    rows = SystemHealthAlert.objects.for_tenant(tenant).filter(resolved_at=None).order_by("created_at", "pk")
    return list(rows.values_list("severity", "title"))


def bodies(got: Sequence[Got]) -> list[dict[str, Any]]:
    """Return what a webhook got."""
    return [json.loads(each.body) for each in got]


def told_runs(receiver: Receiver) -> list[uuid.UUID]:
    """Return the runs that a webhook was told of, in order."""
    return [uuid.UUID(body["data"]["runId"]) for body in bodies(receiver.got) if body["type"] == "report.completed"]
