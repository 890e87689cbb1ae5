"""Questions about trigger secrets."""

import uuid

from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.models import TriggerSecret


def secrets_of(tenant: Tenant, pipeline_id: uuid.UUID) -> TenantQuerySet[TriggerSecret]:
    """Return a pipeline's secrets, also those that do not work any more; the caller orders and pages them."""
    rows: TenantQuerySet[TriggerSecret] = TriggerSecret.objects.for_tenant(tenant)
    return rows.filter(pipeline_id=pipeline_id)
