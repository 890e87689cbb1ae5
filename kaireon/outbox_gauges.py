"""The outbox's figures as business metrics, so that alert rules can watch them: read now, for one tenant each."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.utils import timezone

from interactions.decisions import Window
from interactions.metrics import Gauge, Metric, Unit
from outbox.selectors.backlog import oldest_by_tenant, pending_by_tenant
from outbox.selectors.dead_letters import depth_by_tenant

ReadByTenant = Callable[[Collection[UUID]], Mapping[UUID, float]]


def _gauge(read: ReadByTenant) -> Gauge:
    def of_windows(windows: Collection[Window]) -> Mapping[Window, float | None]:
        figures = read({window.tenant_id for window in windows})
        return {window: figures.get(window.tenant_id) for window in windows}

    return Gauge(of_windows)


def _pending(tenant_ids: Collection[UUID]) -> Mapping[UUID, float]:
    return {tenant: float(count) for tenant, count in pending_by_tenant(tenant_ids).items()}


def _oldest(tenant_ids: Collection[UUID]) -> Mapping[UUID, float]:
    return oldest_by_tenant(tenant_ids, timezone.now())


def _dead(tenant_ids: Collection[UUID]) -> Mapping[UUID, float]:
    return {tenant: float(depth) for tenant, depth in depth_by_tenant(tenant_ids).items()}


OUTBOX_METRICS = (
    Metric("outbox_pending", "Outbox backlog", Unit.COUNT, "Events that have not left yet, now.", _gauge(_pending)),
    Metric("outbox_oldest_seconds", "Oldest event", Unit.SECONDS, "Age of the oldest waiting event.", _gauge(_oldest)),
    Metric("dlq_depth", "Dead letters", Unit.COUNT, "Events that could not be published, now.", _gauge(_dead)),
)
