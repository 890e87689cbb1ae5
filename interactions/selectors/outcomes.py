"""Questions about the catalogue."""

import uuid

from interactions.models import OutcomeType


def outcome_types(tenant_id: uuid.UUID, *, include_deleted: bool = False) -> list[OutcomeType]:
    """Return the tenant's outcome types by ordinal; deleted ones only when asked for."""
    rows = OutcomeType.objects.for_tenant(tenant_id)
    if not include_deleted:
        rows = rows.filter(deleted_at=None)
    return list(rows.order_by("ordinal", "key"))
