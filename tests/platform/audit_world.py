"""What the tests of the audit log write."""

from datetime import UTC, datetime
from typing import Any

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def write(tenant: Tenant, count: int = 1, *, now: datetime = NOW, **more: Any) -> list[AuditEntry]:
    values: dict[str, Any] = {
        "actor": SYSTEM,
        "action": "update",
        "entity_type": "rule",
        "entity_id": "r1",
        "entity_name": "Rule",
    }
    return record_many([Entry(tenant.pk, **(values | more)) for _ in range(count)], now=now)


def forget_everything() -> None:
    """Empty the log: making the people has recorded something."""
    AuditEntry.objects.across_tenants().delete()
