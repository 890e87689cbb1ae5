"""Configure destinations: validate, merge, mask, keep the secrets in the vault; and note how they do."""

import copy
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from pydantic import BaseModel, SecretStr, ValidationError

from kaireon.platform.audit.services import record
from kaireon.platform.errors import BadRequest, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.notifications.decisions import DestinationState, State, Verdict, destination_state_after
from kaireon.platform.notifications.models import Destination
from kaireon.platform.notifications.transports import TRANSPORTS
from kaireon.platform.notifications.transports.base import Transport, TransportConfig
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.vault.services import VaultError, delete_secret, put_secret, read_secret

logger = logging.getLogger(__name__)

PLACEHOLDER: Final = "••••••••"
VAULT_CATEGORY: Final = "notifications"


@dataclass(frozen=True, slots=True)
class DestinationChange:
    """A destination that broke or works again, as told to whoever registered for it."""

    tenant_id: uuid.UUID
    destination_id: uuid.UUID
    kind: str
    name: str
    reason: str


ChangeListener = Callable[[DestinationChange, datetime], None]
_broken_listeners: list[ChangeListener] = []
_recovered_listeners: list[ChangeListener] = []


def on_destination_broken(listener: ChangeListener) -> None:
    """Register who is told, after the commit, when a destination is marked broken."""
    if listener not in _broken_listeners:
        _broken_listeners.append(listener)


def on_destination_recovered(listener: ChangeListener) -> None:
    """Register who is told, after the commit, when a broken destination took a message again."""
    if listener not in _recovered_listeners:
        _recovered_listeners.append(listener)


@transaction.atomic(durable=True)
def create_destination(
    *, tenant_id: uuid.UUID, kind: str, name: str, config: Mapping[str, Any], enabled: bool, actor: Actor, now: datetime
) -> Destination:
    """Create a destination. Raises BadRequest for an unknown kind, Unprocessable for a config that cannot be."""
    return _create(tenant_id, kind, name, config, actor, now, enabled=enabled)


@transaction.atomic(durable=True)
def ensure_destination(
    *, tenant_id: uuid.UUID, kind: str, name: str, config: Mapping[str, Any], actor: Actor, now: datetime
) -> Destination:
    """Return the destination of this kind and name, made now unless there is one; two callers at once make one.

    Raises as `create_destination` does.
    """
    xact_lock(lock_key("notifications.destinations", tenant_id))
    same = Destination.objects.for_tenant(tenant_id).filter(kind=kind, name=name).order_by("created_at", "pk")
    return same.first() or _create(tenant_id, kind, name, config, actor, now, enabled=True)


def _create(
    tenant_id: uuid.UUID, kind: str, name: str, config: Mapping[str, Any], actor: Actor, now: datetime, *, enabled: bool
) -> Destination:
    transport = transport_of(kind)
    validated = _validate(transport, _without_placeholders(config, {}))
    row = Destination(
        id=new_id(), tenant_id=tenant_id, kind=kind, name=name, enabled=enabled, shown_config=_shown(validated),
        config_summary=transport.summary(validated), state_changed_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    row.save(force_insert=True)
    _keep(row, validated)
    _record(row, "create", actor, now, after=_audited(row))
    return row


@transaction.atomic(durable=True)
def update_destination(
    *, tenant_id: uuid.UUID, destination_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> Destination:
    """Change `name`, `enabled` and `config`; the config is merged into the kept one and validated again.

    A key set to null is removed; a secret that reads as the placeholder stays as it is. A new config puts a broken
    destination back to work. Raises NotFound, Unprocessable.
    """
    row = _locked(tenant_id, destination_id)
    before = _audited(row)
    written = ["updated_at"]
    row.updated_at = now
    for name in ("name", "enabled"):
        if name in changes:
            setattr(row, name, changes[name])
            written.append(name)
    if "config" in changes:
        written += _reconfigure(row, changes["config"], now)
    row.save(update_fields=written)
    _record(row, "update", actor, now, before=before, after=_audited(row))
    return row


@transaction.atomic(durable=True)
def delete_destination(*, tenant_id: uuid.UUID, destination_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a destination and its secrets; rules that name it go on and log `delivery_failed`. Raises NotFound."""
    row = _locked(tenant_id, destination_id)
    delete_secret(tenant_id=tenant_id, key=vault_key(row.pk))
    Destination.objects.for_tenant(tenant_id).filter(pk=row.pk).delete()
    _record(row, "delete", actor, now, before=_audited(row))


def note_delivery(
    *, tenant_id: uuid.UUID, destination_id: uuid.UUID, verdict: Verdict, now: datetime
) -> None:  # fmt: skip
    """Note on the destination how a delivery ended; tell the listeners when it broke or works again."""
    rows = Destination.objects.for_tenant(tenant_id).filter(pk=destination_id)
    if verdict.pause_destination_until is not None:
        rows.update(paused_until=verdict.pause_destination_until)
    new = destination_state_after(verdict.state, is_broken=verdict.is_destination_broken)
    if new is None:
        return
    # A failure of another kind does not lift "broken": only an answer that took the message does.
    before = [DestinationState.OK] if new is DestinationState.FAILING else [s for s in DestinationState if s is not new]
    row = rows.filter(state__in=before).first()
    if row is None:
        return
    was = row.state
    changed = rows.filter(state=was).update(state=new, state_reason=verdict.error, state_changed_at=now)
    if changed and new is DestinationState.BROKEN:
        _tell(_broken_listeners, row, verdict.error, now)
    elif changed and was == DestinationState.BROKEN and new is DestinationState.OK:
        _tell(_recovered_listeners, row, "", now)


def note_lost(*, tenant_id: uuid.UUID, destination_id: uuid.UUID, error: str, now: datetime) -> None:
    """Note on the destination that a delivery ended as `unknown` because its process died."""
    note_delivery(
        tenant_id=tenant_id, destination_id=destination_id, verdict=Verdict(State.UNKNOWN, error), now=now
    )  # fmt: skip


def transport_of(kind: str) -> Transport:
    """Return the transport of a kind; raise BadRequest for an unknown one."""
    transport = TRANSPORTS.get(kind)
    if transport is None:
        known = ", ".join(TRANSPORTS)
        raise BadRequest(f"There is no kind {kind[:50]!r}; known are {known}.", fields={"kind": [f"One of {known}."]})
    return transport


def vault_key(destination_id: uuid.UUID) -> str:
    """Return the name under which the vault keeps a destination's config."""
    return f"notifications.provider.{destination_id}"


def parse_config(transport: Transport, config: Mapping[str, Any]) -> TransportConfig:
    """Return the config as its model. Raises Unprocessable that names `config.<field>`."""
    return _validate(transport, config)


def _locked(tenant_id: uuid.UUID, destination_id: uuid.UUID) -> Destination:
    row = Destination.objects.for_tenant(tenant_id).select_for_update().filter(pk=destination_id).first()
    if row is None:
        raise NotFound("There is no such destination for this tenant.")
    return row


def _reconfigure(row: Destination, patch: Mapping[str, Any], now: datetime) -> list[str]:
    transport = transport_of(row.kind)
    kept = _kept_config(row)
    merged = {**kept, **_without_placeholders(patch, kept)}
    validated = _validate(transport, {name: value for name, value in merged.items() if value is not None})
    row.shown_config, row.config_summary = _shown(validated), transport.summary(validated)
    _keep(row, validated)
    written = ["shown_config", "config_summary"]
    if row.state != DestinationState.OK and _revealed(validated) != kept:
        row.state, row.state_reason, row.state_changed_at, row.paused_until = DestinationState.OK, "", now, None
        written += ["state", "state_reason", "state_changed_at", "paused_until"]
    return written


def _kept_config(row: Destination) -> dict[str, Any]:
    """Return the config as it is kept; one that no longer opens is nothing, so that it can be typed in again."""
    try:
        return read_secret(tenant_id=row.tenant_id, key=vault_key(row.pk))
    except VaultError:
        return {}


def _without_placeholders(patch: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each placeholder by the value kept under the same name. Raises Unprocessable where there is none."""
    filled = copy.deepcopy(dict(patch))
    for name, value in filled.items():
        if value == PLACEHOLDER:
            filled[name] = _kept_value(kept, name, f"config.{name}")
        elif name == "headers" and isinstance(value, dict):
            old = kept.get("headers", {})
            filled[name] = {
                header: _kept_value(old, header, "config.headers") if text == PLACEHOLDER else text
                for header, text in value.items()
            }
    return filled


def _kept_value(kept: Mapping[str, Any], name: str, path: str) -> Any:
    if name not in kept:
        rule = "The placeholder stands for a value that is kept; here there is none."
        raise Unprocessable(f"{path}: {rule}", fields={path: [rule]})
    return kept[name]


def _validate(transport: Transport, config: Mapping[str, Any]) -> TransportConfig:
    try:
        return transport.config_model.model_validate(dict(config))
    except ValidationError as error:
        fields = _field_errors(error)
    # Outside the `except`: the library's error holds the input, and the input is a credential.
    first = next(iter(fields))
    raise Unprocessable(f"{first}: {fields[first][0]}", fields=fields)


def _field_errors(error: ValidationError) -> dict[str, list[str]]:
    words = {"missing": "This field is required.", "extra_forbidden": "Unknown field."}
    fields: dict[str, list[str]] = {}
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        path = "config"
        for part in detail["loc"]:
            path += f"[{part}]" if isinstance(part, int) else f".{str(part)[:100]}"
        text = words.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        fields.setdefault(path, []).append(text)
    return fields


def _keep(row: Destination, config: TransportConfig) -> None:
    put_secret(tenant_id=row.tenant_id, category=VAULT_CATEGORY, key=vault_key(row.pk), value=_revealed(config))


def _revealed(config: BaseModel) -> dict[str, Any]:
    """Return the config with its secrets in the clear: for the vault alone."""
    return {name: _map_secrets(value, SecretStr.get_secret_value) for name, value in _set_fields(config)}


def _shown(config: BaseModel) -> dict[str, Any]:
    """Return the config as people may see it."""
    return {name: _map_secrets(value, lambda _: PLACEHOLDER) for name, value in _set_fields(config)}


def _set_fields(config: BaseModel) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in config if value is not None and value != {}]


def _map_secrets(value: Any, replace: Callable[[SecretStr], str]) -> Any:
    if isinstance(value, SecretStr):
        return replace(value)
    if isinstance(value, dict):
        return {name: _map_secrets(inner, replace) for name, inner in value.items()}
    return value


def _audited(row: Destination) -> dict[str, Any]:
    return {"kind": row.kind, "name": row.name, "enabled": row.enabled, "config": row.shown_config}


def _record(
    row: Destination, action: str, actor: Actor, now: datetime, *,
    before: dict[str, Any] | None = None, after: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    record(
        tenant_id=row.tenant_id, actor=actor, action=action, entity_type="destination", entity_id=str(row.pk),
        entity_name=row.name, before=before, after=after, now=now,
    )  # fmt: skip


def _tell(listeners: list[ChangeListener], row: Destination, reason: str, now: datetime) -> None:
    change = DestinationChange(row.tenant_id, row.pk, row.kind, row.name, reason)
    for listener in listeners:
        try:
            listener(change, now)
        except Exception:  # one tenant's trouble must not end a pass over everybody's deliveries
            fields = {"event": "destination.listener_failed", "tenantId": str(row.tenant_id)}
            logger.exception("telling about a destination failed", extra=fields)
