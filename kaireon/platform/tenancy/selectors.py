"""Questions about people and access."""

import uuid
from datetime import datetime

from django.db.models import Q

from kaireon.platform.fields import read_uuid
from kaireon.platform.tenancy.keys import hash_key
from kaireon.platform.tenancy.models import ApiKey, Membership, Tenant, User
from kaireon.platform.tenancy.roles import Role


def find_tenant(text: str) -> Tenant | None:
    """Return the tenant with this slug or id, or None."""
    tenant_id = read_uuid(text)
    return Tenant.objects.filter(Q(pk=tenant_id) if tenant_id else Q(slug=text)).first()


def memberships_of(user: User) -> list[Membership]:
    """Return the user's memberships with their tenants, by tenant name."""
    return list(Membership.objects.filter(user=user).select_related("tenant").order_by("tenant__name", "pk"))


def find_live_key(key: str, now: datetime) -> ApiKey | None:
    """Return the row of a key that is neither revoked nor expired, with its tenant, or None."""
    is_live = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    rows = ApiKey.objects.across_tenants().filter(is_live, key_hash=hash_key(key))
    return rows.select_related("tenant").first()


def members_with_role(tenant_id: uuid.UUID, role: Role) -> list[User]:
    """Return the active users who hold exactly this role in the tenant."""
    rows = Membership.objects.filter(tenant_id=tenant_id, role=role, user__is_active=True).select_related("user")
    return [row.user for row in rows]
