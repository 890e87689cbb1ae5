"""Change a tenant's settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from kaireon.platform.audit.services import record
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.settings_serializers import check_settings, merge_settings


@transaction.atomic(durable=True)
def update_tenant_settings(*, tenant: Tenant, patch: Mapping[str, Any], actor: Actor, now: datetime) -> dict[str, Any]:
    """Merge `patch` into the tenant's settings and return them all; null removes a key, so its default counts again.

    `timezone` is the tenant's own zone, too. The row is locked while merging: two patches at once both count.
    Raises BadRequest, Unprocessable, TooLarge; then nothing has changed.
    """
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    before = row.settings if isinstance(row.settings, dict) else {}
    after = merge_settings(before, patch)
    check_settings(after)
    if after != before:
        zone = after.get("timezone") or row.timezone
        Tenant.objects.filter(pk=row.pk).update(settings=after, timezone=zone)
        record(
            tenant_id=row.pk, actor=actor, action="update", entity_type="tenant_settings", entity_id=str(row.pk),
            entity_name=row.name, before=before, after=after, now=now,
        )  # fmt: skip
    return after
