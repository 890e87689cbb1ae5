"""Secrets with which a producer of files fires one pipeline: made, changed over, revoked, recognised."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from flows.selectors.pipelines import find_pipeline
from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.models import TriggerSecret

PREFIX: Final = "kts_"
SHOWN_LENGTH: Final = 12
LONGEST_SECRET: Final = 200
ENTITY: Final = "trigger_secret"
# Those that were rotated and still work until their end do not count among the ten, but all of them are bounded.
MOST_LIVE: Final = 10
MOST_WORKING: Final = 20
OVERLAP_HOURS: Final = 24
LONGEST_OVERLAP_HOURS: Final = 168
LAST_USED_RESOLUTION: Final = timedelta(minutes=1)
NOT_FOUND: Final = "The pipeline has no such trigger secret."


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A secret's row with the secret itself, which cannot be had again. Its repr keeps it to itself."""

    row: TriggerSecret
    text: str

    def __repr__(self) -> str:
        return f"MadeSecret({self.row})"


@transaction.atomic(durable=True)
def create_secret(
    *, tenant: Tenant, pipeline_id: uuid.UUID, name: str = "", actor: Actor, now: datetime
) -> MadeSecret:  # fmt: skip
    """Make a secret for a pipeline. Raises NotFound, and Unprocessable when it has ten that are live."""
    pipeline_name = _lock(tenant, pipeline_id)
    _require_room(tenant, pipeline_id, now)
    made = _insert(tenant, pipeline_id, name, actor, now)
    _record(made.row, pipeline_name, "create", actor, now)
    return made


@transaction.atomic(durable=True)
def rotate_secret(
    *, tenant: Tenant, pipeline_id: uuid.UUID, secret_id: uuid.UUID, overlap_hours: int = OVERLAP_HOURS, actor: Actor,
    now: datetime,
) -> MadeSecret:  # fmt: skip
    """Make the successor of a secret; the old one works on for so many hours, 0 to 168.

    Raises NotFound, Conflict for one that does not work any more or has a successor, Unprocessable for other hours.
    """
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        rule = f"Must be 0 to {LONGEST_OVERLAP_HOURS}."
        raise Unprocessable(f"overlapHours: {rule}", fields={"overlapHours": [rule]})
    pipeline_name = _lock(tenant, pipeline_id)
    old = _find(tenant, pipeline_id, secret_id)
    _require_rotatable(old, now)
    if _live(tenant, pipeline_id, now).count() >= MOST_WORKING:
        raise _full(f"{MOST_WORKING} secrets of the pipeline still work; revoke one that was rotated.")
    made = _insert(tenant, pipeline_id, old.name, actor, now)
    old.rotated_to, old.expires_at = made.row, now + timedelta(hours=overlap_hours)
    old.save(update_fields=["rotated_to", "expires_at"])
    _record(made.row, pipeline_name, "rotate", actor, now, replaces=old)
    return made


@transaction.atomic(durable=True)
def revoke_secret(
    *, tenant: Tenant, pipeline_id: uuid.UUID, secret_id: uuid.UUID, actor: Actor, now: datetime
) -> None:  # fmt: skip
    """Revoke a secret at once; again changes nothing. Raises NotFound."""
    pipeline_name = _lock(tenant, pipeline_id)
    row = _find(tenant, pipeline_id, secret_id)
    if row.revoked_at is None:
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        _record(row, pipeline_name, "revoke", actor, now)


def owner_of(secret_text: str, now: datetime) -> TriggerSecret | None:
    """Return the row of a secret that works, and note that it was used; None for any other text.

    It is found by its keyed hash: what the look-up takes tells nothing about the secret.
    """
    if not secret_text.startswith(PREFIX) or len(secret_text) > LONGEST_SECRET or not secret_text.isascii():
        return None
    row = TriggerSecret.objects.across_tenants().filter(_works(now), secret_hash=hash_secret(secret_text)).first()
    if row is not None and (row.last_used_at is None or now - row.last_used_at >= LAST_USED_RESOLUTION):
        TriggerSecret.objects.for_tenant(row.tenant_id).filter(pk=row.pk).update(last_used_at=now)
    return row


def hash_secret(text: str) -> str:
    """Return the hex HMAC under which a secret is kept; a stolen table is useless without the pepper."""
    # Its own kind of message: no API key and no secret have one hash.
    return hmac.new(settings.API_KEY_PEPPER.encode(), b"trigger\x00" + text.encode(), hashlib.sha256).hexdigest()


def _lock(tenant: Tenant, pipeline_id: uuid.UUID) -> str:
    """Take secrets of a pipeline one after the other; return its name. Raises NotFound."""
    pipeline_name = find_pipeline(tenant, pipeline_id).name
    xact_lock(lock_key("triggers.secrets", pipeline_id))
    return pipeline_name


def _find(tenant: Tenant, pipeline_id: uuid.UUID, secret_id: uuid.UUID) -> TriggerSecret:
    rows = TriggerSecret.objects.for_tenant(tenant).select_for_update()
    row = rows.filter(pipeline_id=pipeline_id, pk=secret_id).first()
    if row is None:
        raise NotFound(NOT_FOUND)
    return row


def _insert(tenant: Tenant, pipeline_id: uuid.UUID, name: str, actor: Actor, now: datetime) -> MadeSecret:
    text = PREFIX + secrets.token_urlsafe(32)
    row = TriggerSecret(
        id=new_id(), tenant=tenant, pipeline_id=pipeline_id, name=name, prefix=text[:SHOWN_LENGTH],
        secret_hash=hash_secret(text), created_by=actor.name[:254], created_at=now,
    )  # fmt: skip
    row.save(force_insert=True)
    return MadeSecret(row, text)


def _works(now: datetime) -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


def _live(tenant: Tenant, pipeline_id: uuid.UUID, now: datetime) -> TenantQuerySet[TriggerSecret]:
    rows: TenantQuerySet[TriggerSecret] = TriggerSecret.objects.for_tenant(tenant)
    return rows.filter(_works(now), pipeline_id=pipeline_id)


def _require_room(tenant: Tenant, pipeline_id: uuid.UUID, now: datetime) -> None:
    if _live(tenant, pipeline_id, now).filter(rotated_to=None).count() >= MOST_LIVE:
        raise _full(f"The pipeline has {MOST_LIVE} live trigger secrets; revoke one of them.")


def _full(text: str) -> Conflict:
    return Conflict(text, code="TOO_MANY_SECRETS")


def _require_rotatable(row: TriggerSecret, now: datetime) -> None:
    if row.revoked_at is not None:
        raise Conflict("The secret was revoked; make another one.", code="REVOKED")
    if row.rotated_to_id is not None:
        raise Conflict("The secret was rotated already; rotate its successor.", code="ROTATED")
    if row.expires_at is not None and row.expires_at <= now:
        raise Conflict("The secret has expired; make another one.", code="EXPIRED")


def _record(
    row: TriggerSecret, pipeline_name: str, action: str, actor: Actor, now: datetime,
    replaces: TriggerSecret | None = None,
) -> None:  # fmt: skip
    # `prefix`, as with API keys; a field named for the secret would be masked.
    after = {"pipelineId": str(row.pipeline_id), "name": row.name, "prefix": row.prefix}
    if replaces is not None:
        ends = replaces.expires_at and replaces.expires_at.isoformat()
        after |= {"replaces": str(replaces.pk), "replacesPrefix": replaces.prefix, "replacedEndsAt": ends or ""}
    record(
        tenant_id=row.tenant_id, actor=actor, action=action, entity_type=ENTITY, entity_id=str(row.pk),
        entity_name=f"{pipeline_name} · {row.name or row.prefix}", after=after, now=now,
    )  # fmt: skip
