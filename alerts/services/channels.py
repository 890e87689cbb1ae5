"""Resolve a rule's channels, in their three documented shapes, to destinations.

A UUID and `{"providerId"}` name a destination of the tenant. The legacy `{"type": "webhook"|"email", "target"}` is
turned into one when the rule is saved: the destination of that kind made for the same target earlier, else a new one
(`Webhook hooks.example.com #1f3a9c2e`, `Email ops@example.com`), which shows under Integrations like any other, is
checked like any other, and is delivered to through the same ledger. The rule's `channels` read back as they were sent.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from kaireon.platform.errors import Forbidden, Unprocessable
from kaireon.platform.notifications.selectors import list_destinations
from kaireon.platform.notifications.services import ensure_destination
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.roles import Role

UNKNOWN = "There is no such destination for this tenant."
NOT_YOURS_TO_MAKE = "A target that is new here makes a destination, which is up to admins; name one that there is."


def resolve_channels(
    *, tenant_id: uuid.UUID, channels: Sequence[Any], known: Collection[uuid.UUID], actor: Actor, now: datetime
) -> list[uuid.UUID]:
    """Return the destinations of the channels, each once, in order.

    `known` are ids that the rule names already: they stay valid after their destination was deleted, and are
    reported as `delivery_failed` when the rule fires. Raises Unprocessable that names the channel, and Forbidden for
    a legacy target that would make a destination on behalf of somebody who may make none.
    Call it outside a transaction: a new destination commits by itself, and is found again should the rule be refused.
    """
    existing = [overview.destination for overview in list_destinations(tenant_id)]
    valid = {row.pk for row in existing} | set(known)
    by_name = {(row.kind, row.name): row.pk for row in existing}
    found: dict[uuid.UUID, None] = {}
    for index, channel in enumerate(channels):
        if isinstance(channel, Mapping) and "type" in channel:
            found[_legacy(tenant_id, channel, index, by_name, actor, now)] = None
            continue
        provider_id = uuid.UUID(channel["providerId"] if isinstance(channel, Mapping) else channel)
        if provider_id not in valid:
            raise Unprocessable(f"channels[{index}]: {UNKNOWN}", fields={f"channels[{index}]": [UNKNOWN]})
        found[provider_id] = None
    return list(found)


def _legacy(
    tenant_id: uuid.UUID, channel: Mapping[str, str], index: int, by_name: dict[tuple[str, str], uuid.UUID],
    actor: Actor, now: datetime,
) -> uuid.UUID:  # fmt: skip
    kind, name, config = _as_destination(channel["type"], channel["target"])
    path = f"channels[{index}].target"
    if (kind, name) not in by_name:
        # Rules are written by editors and by keys for alerts alone; where messages may go is decided by admins.
        if not actor.may_write("notifications", role=Role.ADMIN):
            raise Forbidden(f"{path}: {NOT_YOURS_TO_MAKE}", fields={path: [NOT_YOURS_TO_MAKE]})
        try:
            row = ensure_destination(tenant_id=tenant_id, kind=kind, name=name, config=config, actor=actor, now=now)
        except Unprocessable as error:
            texts = [text for texts in error.fields.values() for text in texts]
            raise Unprocessable(f"{path}: {texts[0]}", fields={path: texts}) from None
        by_name[kind, name] = row.pk
    return by_name[kind, name]


def _as_destination(channel_type: str, target: str) -> tuple[str, str, dict[str, Any]]:
    if channel_type == "email":
        config = {"fromEmail": settings.DEFAULT_FROM_EMAIL, "recipients": [target]}
        return "ops_email", f"Email {target}"[:120], config
    # The address is a credential: the name shows its host and a fingerprint that tells two of one host apart.
    try:
        host = urlsplit(target).hostname or "address"
    except ValueError:
        host = "address"
    return "webhook", f"Webhook {host[:80]} #{hashlib.sha256(target.encode()).hexdigest()[:8]}", {"url": target}
