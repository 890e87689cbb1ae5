"""How many pipelines a tenant has, and how many are scheduled: kept in the transaction that changes it (settled 6).

The row of the counts is the last thing that a transaction locks, after pipelines and the audit chain: so nobody who
waits for it holds what its owner wants.
"""

import uuid
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Sum

from flows.selectors.pipelines import count_pipelines
from triggers.decisions.vocabulary import TriggerState
from triggers.models import FileTrigger, PipelineSchedule, TenantCounts

_CHANGE: Final = """
INSERT INTO triggers_tenantcounts AS kept (tenant_id, pipelines, scheduled, file_triggers)
VALUES (%(tenant)s, greatest(0, %(pipelines)s), greatest(0, %(scheduled)s), greatest(0, %(triggers)s))
ON CONFLICT (tenant_id) DO UPDATE SET
    pipelines = greatest(0, kept.pipelines + %(pipelines)s), scheduled = greatest(0, kept.scheduled + %(scheduled)s),
    file_triggers = greatest(0, kept.file_triggers + %(triggers)s)"""


def change_counts(tenant_id: uuid.UUID, *, pipelines: int = 0, scheduled: int = 0, file_triggers: int = 0) -> None:
    """Add to a tenant's counts; one statement at most, in the caller's transaction, and its last but commits."""
    if not (pipelines or scheduled or file_triggers):
        return
    changes: dict[str, Any] = {
        "tenant": tenant_id,
        "pipelines": pipelines,
        "scheduled": scheduled,
        "triggers": file_triggers,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, changes)


@transaction.atomic
def count_anew(tenant_id: uuid.UUID) -> None:
    """Count what a tenant has and write it; exact also while others change it."""
    # Whoever has changed the counts and not committed holds the row; whoever changes them later adds to what is
    # written here. Each count is a statement of its own after the lock, so that it sees what the last holder wrote.
    TenantCounts.objects.bulk_create([TenantCounts(tenant_id=tenant_id)], ignore_conflicts=True)
    row = TenantCounts.objects.for_tenant(tenant_id).select_for_update().get()
    row.pipelines = count_pipelines(tenant_id)
    row.scheduled = PipelineSchedule.objects.for_tenant(tenant_id).filter(state=TriggerState.ACTIVE).count()
    row.file_triggers = FileTrigger.objects.for_tenant(tenant_id).filter(state=TriggerState.ACTIVE).count()
    row.save(update_fields=["pipelines", "scheduled", "file_triggers"])


def total_counts(tenant_id: uuid.UUID | None) -> tuple[int, int]:
    """Return how many pipelines there are and how many are scheduled, of one tenant or of all."""
    rows = TenantCounts.objects.across_tenants() if tenant_id is None else TenantCounts.objects.for_tenant(tenant_id)
    sums = rows.aggregate(pipelines=Sum("pipelines"), scheduled=Sum("scheduled"))
    return sums["pipelines"] or 0, sums["scheduled"] or 0
