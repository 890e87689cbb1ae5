"""The outcome types that every tenant starts with."""

from datetime import datetime

from django.db import transaction

from interactions.decisions import SYSTEM_OUTCOMES
from interactions.models import OutcomeType
from kaireon.platform.tenancy.models import Tenant


def seed_outcome_types(tenant: Tenant, now: datetime) -> None:
    """Give a tenant the system outcome types that it lacks; joins the caller's transaction, and may run again."""
    rows = [
        OutcomeType(
            tenant=tenant,
            key=outcome.key,
            name=outcome.name,
            description=outcome.description,
            classification=outcome.classification,
            category=outcome.category,
            is_system=True,
            ordinal=ordinal,
            created_at=now,
            updated_at=now,
        )
        for ordinal, outcome in enumerate(SYSTEM_OUTCOMES)
    ]
    OutcomeType.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic(durable=True)
def ensure_outcome_types(*, tenant: Tenant, now: datetime) -> None:
    """Seed the outcome types of a tenant that has none: tenants made by other means have them at first use."""
    if not OutcomeType.objects.for_tenant(tenant).exists():
        seed_outcome_types(tenant, now)
