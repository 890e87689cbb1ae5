"""Create tenants, users, memberships and API keys."""

import zoneinfo
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, Unprocessable
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.keys import generate_key, hash_key, shown_prefix
from kaireon.platform.tenancy.models import ApiKey, Membership, Tenant, User
from kaireon.platform.tenancy.roles import Role

TenantStep = Callable[[Tenant, datetime], None]
_tenant_steps: list[TenantStep] = []


def on_tenant_created(step: TenantStep) -> None:
    """Register what a subsystem adds to a new tenant; it runs in the transaction that creates it."""
    if step not in _tenant_steps:
        _tenant_steps.append(step)


@transaction.atomic(durable=True)
def create_tenant(*, name: str, now: datetime, slug: str = "", timezone: str = "UTC") -> Tenant:
    """Create a tenant with its defaults and return it.

    Raises Unprocessable for an empty name or an unknown zone, Conflict when the slug is taken.
    """
    clean_name = _clean_name(name)
    clean_slug = slug or slugify(clean_name)[:63]
    if not clean_slug:
        raise Unprocessable(
            "The name has no letter or digit to make a slug of; give one.", fields={"slug": ["required"]}
        )
    if timezone not in zoneinfo.available_timezones():
        raise Unprocessable(f"There is no time zone {timezone!r}.", fields={"timezone": ["unknown IANA zone"]})
    is_first = not Tenant.objects.exists()
    data_schema = "public" if is_first else "t_" + clean_slug.replace("-", "_")[:61]
    try:
        with transaction.atomic():
            tenant = Tenant.objects.create(name=clean_name, slug=clean_slug, timezone=timezone, data_schema=data_schema)
    except IntegrityError:
        raise Conflict(f"There is a tenant {clean_slug!r} already.", fields={"slug": ["taken"]}) from None
    for step in _tenant_steps:
        step(tenant, now)
    record(
        tenant_id=tenant.pk, actor=SYSTEM, action="create", entity_type="tenant", entity_id=str(tenant.pk),
        entity_name=tenant.name, after={"name": tenant.name, "slug": tenant.slug}, now=now,
    )  # fmt: skip
    return tenant


@transaction.atomic(durable=True)
def create_user(*, email: str, password: str | None, tenant: Tenant, role: Role, now: datetime) -> User:
    """Create a user (or take the one with that address) and make them a member of the tenant.

    Raises Unprocessable for a bad address or a weak password.
    """
    user = User.objects.filter(email=email.strip().lower()).first() or _new_user(email, password)
    Membership.objects.update_or_create(user=user, tenant=tenant, defaults={"role": role})
    record(
        tenant_id=tenant.pk, actor=SYSTEM, action="add_member", entity_type="user", entity_id=str(user.pk),
        entity_name=user.email, after={"role": role.value}, now=now,
    )  # fmt: skip
    return user


def _new_user(email: str, password: str | None) -> User:
    try:
        validate_email(email)
        if password is not None:
            validate_password(password, User(email=email))
    except ValidationError as error:
        raise Unprocessable(" ".join(error.messages), fields={"email": error.messages}) from None
    return User.objects.create_user(email, password)


@transaction.atomic(durable=True)
def create_api_key(
    *, tenant: Tenant, name: str, role: Role, actor: Actor, now: datetime,
    scopes: list[str] | None = None, expires_at: datetime | None = None, key: str = "",
) -> tuple[ApiKey, str]:  # fmt: skip
    """Create a key and return its row and the key itself, which cannot be had again; `key` gives one made before.

    Raises Unprocessable for an empty name or an expiry that has passed.
    """
    if expires_at is not None and expires_at <= now:
        raise Unprocessable("The key would have expired already.", fields={"expiresAt": ["must be in the future"]})
    key = key or generate_key()
    row = ApiKey.objects.create(
        tenant=tenant, name=_clean_name(name), prefix=shown_prefix(key), key_hash=hash_key(key), role=role,
        scopes=scopes or [], expires_at=expires_at,
    )  # fmt: skip
    record(
        tenant_id=tenant.pk, actor=actor, action="create", entity_type="api_key", entity_id=str(row.pk),
        entity_name=row.name, after={"role": role.value, "scopes": row.scopes, "prefix": row.prefix}, now=now,
    )  # fmt: skip
    return row, key


@transaction.atomic(durable=True)
def revoke_api_key(*, key: ApiKey, actor: Actor, now: datetime) -> None:
    """Revoke a key at once; revoking it again changes nothing."""
    changed = ApiKey.objects.for_tenant(key.tenant_id).filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    if changed:
        record(
            tenant_id=key.tenant_id, actor=actor, action="revoke", entity_type="api_key", entity_id=str(key.pk),
            entity_name=key.name, now=now,
        )  # fmt: skip


def _clean_name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > 120 or not text.isprintable():
        raise Unprocessable("The name needs 1 to 120 printable characters.", fields={"name": ["1 to 120 characters"]})
    return text
