"""Keep, read, delete and re-encrypt secrets; the one module that decrypts."""

import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kaireon.platform.vault.cipher import KeyRing, Place, VaultError
from kaireon.platform.vault.models import PlatformSetting

__all__ = ["VaultError", "delete_secret", "put_secret", "read_secret", "read_secrets", "rotate_batch"]

ROTATION_BATCH = 100
SecretPlace = tuple[uuid.UUID, str]
Rotation = tuple[int, dict[uuid.UUID, str]]


@lru_cache(maxsize=4)
def _ring_of(current: str, previous: str) -> KeyRing:
    return KeyRing(current, [text for text in previous.split(",") if text.strip()])


def key_ring() -> KeyRing:
    """Return the ring made of CONNECTOR_ENCRYPTION_KEY and CONNECTOR_ENCRYPTION_KEY_PREVIOUS."""
    return _ring_of(settings.CONNECTOR_ENCRYPTION_KEY, settings.CONNECTOR_ENCRYPTION_KEY_PREVIOUS)


def put_secret(*, tenant_id: uuid.UUID, category: str, key: str, value: dict[str, Any]) -> None:
    """Keep a JSON object under a name, replacing what was there. Joins the caller's transaction."""
    ring = key_ring()
    fields = {
        "category": category,
        "ciphertext": ring.encrypt(value, Place(tenant_id, key)),
        "key_id": ring.current_id,
    }
    PlatformSetting.objects.for_tenant(tenant_id).update_or_create(tenant_id=tenant_id, key=key, defaults=fields)


def read_secret(*, tenant_id: uuid.UUID, key: str) -> dict[str, Any]:
    """Return the object under a name; raise VaultError when there is none or it does not open."""
    row = PlatformSetting.objects.for_tenant(tenant_id).filter(key=key).first()
    if row is None:
        raise VaultError(f"There is no secret {key}.")
    return key_ring().decrypt(row.ciphertext, Place(tenant_id, key))


def read_secrets(
    *, places: Iterable[tuple[uuid.UUID, str]]
) -> dict[tuple[uuid.UUID, str], dict[str, Any] | VaultError]:
    """Return the objects under many names of many tenants, in one query.

    A name without a row is left out; one that does not open holds its VaultError, so that it stops nobody else.
    """
    wanted = set(places)
    if not wanted:
        return {}
    names = Q(tenant_id__in={tenant_id for tenant_id, _ in wanted}, key__in={key for _, key in wanted})
    opened: dict[SecretPlace, dict[str, Any] | VaultError] = {}
    for row in PlatformSetting.objects.across_tenants().filter(names):
        place = (row.tenant_id, row.key)
        if place in wanted:
            opened[place] = _open(row)
    return opened


def _open(row: PlatformSetting) -> dict[str, Any] | VaultError:
    try:
        return key_ring().decrypt(row.ciphertext, Place(row.tenant_id, row.key))
    except VaultError as error:
        return error


def delete_secret(*, tenant_id: uuid.UUID, key: str) -> None:
    """Forget a secret; a name that is not there is no error. Joins the caller's transaction."""
    PlatformSetting.objects.for_tenant(tenant_id).filter(key=key).delete()


@transaction.atomic(durable=True)
def rotate_batch(
    *, skip: frozenset[uuid.UUID] = frozenset(), limit: int = ROTATION_BATCH
) -> tuple[int, dict[uuid.UUID, str]]:
    """Re-encrypt up to `limit` secrets with the current key; return how many, and why others did not open.

    Each batch commits by itself, so a rotation that was interrupted goes on where it stopped, and two at
    once skip each other's rows. `skip` are rows that failed before.
    """
    ring = key_ring()
    stale = PlatformSetting.objects.across_tenants().exclude(key_id=ring.current_id).exclude(pk__in=skip)
    done, failed = 0, {}
    for row in stale.select_for_update(skip_locked=True).order_by("pk")[:limit]:
        place = Place(row.tenant_id, row.key)
        try:
            value = ring.decrypt(row.ciphertext, place)
        except VaultError as error:
            failed[row.pk] = error.message
            continue
        row.ciphertext, row.key_id, row.updated_at = ring.encrypt(value, place), ring.current_id, timezone.now()
        row.save(update_fields=["ciphertext", "key_id", "updated_at"])
        done += 1
    return done, failed
