"""Create tenants, users, memberships and API keys."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, Forbidden, Unprocessable
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.keys import generate_key, hash_key, shown_prefix
from kaireon.platform.tenancy.models import ApiKey, Membership, Tenant, User
from kaireon.platform.tenancy.roles import Role

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SCOPE = re.compile(r"[a-z][a-z-]{0,40}:(read|write)")
LONGEST_SLUG = 57
LONGEST_ADDRESS = 254
TenantStep = Callable[[Tenant, datetime], None]
_tenant_steps: list[TenantStep] = []


def on_tenant_created(step: TenantStep) -> None:
    """Register what a subsystem adds to a new tenant; it runs in the transaction that creates it."""
    if step not in _tenant_steps:
        _tenant_steps.append(step)


@transaction.atomic(durable=True)
def create_tenant(*, name: str, now: datetime, slug: str = "", timezone: str = "UTC") -> Tenant:
    """Create a tenant with its defaults and return it.

    Raises Unprocessable for an empty name, a bad slug or an unknown zone, Conflict when the slug is taken.
    """
    clean_name = _clean_name(name)
    clean_slug = _clean_slug(slug or slugify(clean_name).replace("_", "-")[:LONGEST_SLUG].strip("-"))
    if timezone not in zoneinfo.available_timezones():
        raise Unprocessable(f"There is no time zone {timezone!r}.", fields={"timezone": ["unknown IANA zone"]})
    is_first = not Tenant.objects.exists()
    data_schema = "public" if is_first else "t_" + clean_slug.replace("-", "_")
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
    """Create a user (or take the one with that address, whose password stays) and make them a member of the tenant.

    Raises Unprocessable for a bad address or a weak password.
    """
    address = email.strip().lower()
    user = User.objects.filter(email=address).first() or _new_user(address, password)
    Membership.objects.update_or_create(user=user, tenant=tenant, defaults={"role": role})
    record(
        tenant_id=tenant.pk, actor=SYSTEM, action="add_member", entity_type="user", entity_id=str(user.pk),
        entity_name=user.email, after={"role": role.value}, now=now,
    )  # fmt: skip
    return user


def _new_user(address: str, password: str | None) -> User:
    _require("email", lambda: validate_email(address))
    if len(address) > LONGEST_ADDRESS:
        raise Unprocessable("The address is too long.", fields={"email": [f"at most {LONGEST_ADDRESS} characters"]})
    if password is not None:
        _require("password", lambda: validate_password(password, User(email=address)))
    try:
        with transaction.atomic():
            return User.objects.create_user(address, password)
    except IntegrityError:  # somebody else was faster
        return User.objects.get(email=address)


def _require(field: str, validate: Callable[[], None]) -> None:
    try:
        validate()
    except ValidationError as error:
        raise Unprocessable(" ".join(error.messages), fields={field: error.messages}) from None


@transaction.atomic(durable=True)
def create_api_key(
    *, tenant: Tenant, name: str, role: Role, actor: Actor, now: datetime,
    scopes: list[str] | None = None, expires_at: datetime | None = None, key: str = "",
) -> tuple[ApiKey, str]:  # fmt: skip
    """Create a key and return its row and the key itself, which cannot be had again; `key` gives one made before.

    Raises Unprocessable for an empty name, a bad scope or an expiry that has passed; Forbidden when the new key
    could do more than the actor.
    """
    _require_within(actor, role, scopes or [])
    _require_no_longer_life(actor, expires_at)
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


def _require_within(actor: Actor, role: Role, scopes: list[str]) -> None:
    if wrong := [scope for scope in scopes if not SCOPE.fullmatch(scope)]:
        raise Unprocessable(f"{wrong[0]!r} is no scope; one is like alerts:read.", fields={"scopes": ["bad scope"]})
    if not actor.role.allows(role):
        raise Forbidden(f"You have the role {actor.role} and cannot give {role}.")
    # No scopes mean everything, so a restricted key must name some, and none but its own.
    if actor.scopes and not (scopes and set(scopes) <= set(actor.scopes)):
        raise Forbidden(f"Your key is limited to {', '.join(actor.scopes)}; name scopes among these.")


def _require_no_longer_life(actor: Actor, expires_at: datetime | None) -> None:
    # Otherwise a key lent for a day makes one that stays for ever.
    if actor.expires_at is not None and (expires_at is None or expires_at > actor.expires_at):
        until = actor.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        raise Forbidden(f"Your key ends at {until}; name an expiresAt that is no later.")


def _clean_slug(slug: str) -> str:
    # The slug names the tenant's schemas t_<slug> and t_<slug>_dlq (PostgreSQL: 63 bytes), in which - becomes _.
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG or slug.endswith("-dlq"):
        rule = f"1 to {LONGEST_SLUG} lower-case letters, digits and single hyphens, not ending in -dlq"
        raise Unprocessable(f"The slug {slug[:100]!r} cannot be: it needs {rule}.", fields={"slug": [rule]})
    return slug


def _clean_name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > 120 or not text.isprintable():
        raise Unprocessable("The name needs 1 to 120 printable characters.", fields={"name": ["1 to 120 characters"]})
    return text
