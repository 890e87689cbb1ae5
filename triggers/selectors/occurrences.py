"""The ledger as people ask it: why did it run, or not."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Q

from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.models import Occurrence

NEWEST = ("-occurrence_at", "-pk")
# What a row of a list shows of a run; the rest of it may be large.
_SHOWN = ("pipeline__name", "run__status", "run__finished_at", "run__error")


def list_occurrences(
    tenant: Tenant, *, pipeline_id: uuid.UUID | None = None, outcome: str = "", kind: str = "",
    start: datetime | None = None, end: datetime | None = None,
) -> TenantQuerySet[Occurrence]:  # fmt: skip
    """Return occurrences in `[start, end]` with their pipelines and runs; each filter may be left out."""
    rows: TenantQuerySet[Occurrence] = Occurrence.objects.for_tenant(tenant)
    wanted: dict[str, Any] = {
        "pipeline_id": pipeline_id, "outcome": outcome, "kind": kind, "occurrence_at__lte": end,
    }  # fmt: skip
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    if start:
        # A stretch that began before and reaches into the span belongs to it; over all pipelines that costs too much.
        begins = Q(occurrence_at__gte=start)
        rows = rows.filter(begins | Q(until__gte=start) if pipeline_id else begins)
    return rows.select_related("pipeline", "run").only(*_own_fields(), *_SHOWN)


def _own_fields() -> list[str]:
    return [field.attname for field in Occurrence._meta.concrete_fields]


def find_occurrence(tenant: Tenant, occurrence_id: uuid.UUID) -> Occurrence:
    """Return one occurrence with its pipeline, run and tick; raise NotFound."""
    rows = Occurrence.objects.for_tenant(tenant).select_related("pipeline", "run", "tick")
    row = rows.filter(pk=occurrence_id).first()
    if row is None:
        raise NotFound("There is no such occurrence for this tenant.")
    return row


def newest_of(tenant: Tenant, outcome: str, *, since: datetime, limit: int) -> list[Occurrence]:
    """Return the newest occurrences that ended so since a moment."""
    return list(list_occurrences(tenant, outcome=outcome).filter(occurrence_at__gte=since).order_by(*NEWEST)[:limit])


def held(tenant: Tenant, *, limit: int) -> list[Occurrence]:
    """Return what was decided and waits for its time, newest first."""
    return list(list_occurrences(tenant, outcome="held").order_by(*NEWEST)[:limit])
