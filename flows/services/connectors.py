"""Create, change and delete connectors; what is secret goes into the vault and never comes out on the wire."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from flows.decisions.connector_types import Errors, config_errors, moves_elsewhere, secret_errors
from flows.decisions.vocabulary import ConnectorStatus, ConnectorType
from flows.models import Connector
from flows.selectors.connectors import CONNECTOR_NOT_FOUND, pipelines_using
from flows.services.auditing import connector_entry, connector_state
from flows.services.following import tell_connector_change
from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.audit.services import record_many
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.http import tenant_session
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.services import delete_secret, put_secret

VAULT_CATEGORY: Final = "connectors"
WRITTEN: Final = (
    "name", "description", "auth_method", "config", "has_secret", "status", "last_error", "updated_at",
)  # fmt: skip
# Keys of a config that are web addresses, which this server will call.
URLS: Final = ("url", "endpointUrl")


@transaction.atomic(durable=True)
def create_connector(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> Connector:
    """Create a connector and return it, untested.

    `values` has the model's names, and `auth_config` for the vault. Raises Unprocessable that names every field that
    cannot be, Conflict for a name that is taken.
    """
    connector = Connector(id=new_id(), tenant=tenant, created_at=now, updated_at=now)
    for name in ("name", "type", "description", "config", "auth_method"):
        if name in values:
            setattr(connector, name, values[name])
    secret = dict(values.get("auth_config") or {})
    _require(connector, secret)
    _require_name(connector)
    connector.has_secret = bool(secret)
    connector.save(force_insert=True)
    _keep(connector, secret)
    record_many([connector_entry(connector, "create", actor, after=connector_state(connector))], now=now)
    return connector


@transaction.atomic(durable=True)
def update_connector(
    *, tenant: Tenant, connector_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> Connector:
    """Change the given settings of a connector and return it; its type stays.

    `config` is merged into what is kept, a key set to null goes. `auth_config` replaces the secret as a whole, null or
    {} removes it. A config that would send the kept secret to another address needs the secret again. Whatever changes
    how it is reached makes it untested. Raises NotFound, Conflict, Unprocessable.
    """
    connector = _locked(tenant, connector_id)
    before, old_config = connector_state(connector), dict(connector.config)
    for name in ("name", "description", "auth_method"):
        if name in changes:
            setattr(connector, name, changes[name])
    if "config" in changes:
        merged = {**old_config, **changes["config"]}
        connector.config = {name: value for name, value in merged.items() if value is not None}
    secret = dict(changes["auth_config"] or {}) if "auth_config" in changes else None
    _require(connector, secret or {})
    if secret is None:
        _require_same_place(connector, old_config)
    _require_name(connector)
    if connector.auth_method == "none" and secret is None:
        secret = {}
    if secret is not None:
        connector.has_secret = bool(secret)
        _keep(connector, secret)
    if secret is not None or connector.config != old_config or "auth_method" in changes:
        connector.status, connector.last_error = ConnectorStatus.UNTESTED, ""
    connector.updated_at = now
    connector.save(update_fields=WRITTEN)
    after = connector_state(connector) | ({"secretChanged": True} if secret is not None else {})
    record_many([connector_entry(connector, "update", actor, before=before, after=after)], now=now)
    _tell_if_it_leads_elsewhere(connector, now)
    return connector


@transaction.atomic(durable=True)
def delete_connector(*, tenant: Tenant, connector_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a connector with its secret. Raises NotFound, and Conflict that names the pipelines that use it."""
    connector = _locked(tenant, connector_id)
    if names := pipelines_using(tenant, connector.pk):
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise Conflict(
            f"The connector is used by {shown}. Give these pipelines another connector, or delete them, first.",
            code="CONNECTOR_IN_USE",
        )
    before = connector_state(connector)
    delete_secret(tenant_id=tenant.pk, key=vault_key(connector.pk))
    Connector.objects.for_tenant(tenant).filter(pk=connector.pk).delete()
    record_many([connector_entry(connector, "delete", actor, before=before)], now=now)


def _tell_if_it_leads_elsewhere(connector: Connector, now: datetime) -> None:
    """Tell whoever follows, unless the connector was only given another name: what changes it makes it untested."""
    if connector.status == ConnectorStatus.UNTESTED:
        tell_connector_change(connector.tenant_id, connector.pk, now)


def vault_key(connector_id: uuid.UUID) -> str:
    """Return the name under which the vault keeps a connector's authConfig."""
    return f"connector:{connector_id}"


def check_connector(
    kind: ConnectorType, config: Mapping[str, Any], auth_method: str, secret: Mapping[str, Any]
) -> None:  # fmt: skip
    """Raise Unprocessable that names all that cannot be: in its config, the addresses in it, its secret."""
    errors = config_errors(kind, config) | secret_errors(kind, auth_method, secret)
    for key in (*URLS, "host"):
        if key in config and not errors.keys() & {f"config.{key}", "config.port"}:
            try:
                _check_address(key, config)
            except AddressRefusedError as error:
                errors[f"config.{key}"] = [str(error)]
    _raise(errors)


def _check_address(key: str, config: Mapping[str, Any]) -> None:
    if key == "host":
        tenant_session().check_host(config[key], config["port"])
    elif isinstance(config[key], str):
        tenant_session().check(config[key])


def _require(connector: Connector, secret: Mapping[str, Any]) -> None:
    check_connector(ConnectorType(connector.type), connector.config, connector.auth_method, secret)


def _require_same_place(connector: Connector, old_config: Mapping[str, Any]) -> None:
    moved = moves_elsewhere(ConnectorType(connector.type), old_config, connector.config)
    if connector.has_secret and moved:
        rule = f"Is needed again, for config.{moved[0]} changes: kept credentials are sent to no other address."
        _raise({"authConfig": [rule]})


def _require_name(connector: Connector) -> None:
    # Two requests with one name must not both find it free.
    xact_lock(lock_key("flows.connectors", connector.tenant_id))
    same = Connector.objects.for_tenant(connector.tenant_id).filter(name=connector.name).exclude(pk=connector.pk)
    if same.exists():
        rule = "Another connector has this name."
        raise Conflict(f"name: {rule}", fields={"name": [rule]})


def _raise(errors: Errors) -> None:
    if errors:
        first = next(iter(errors))
        raise Unprocessable(f"{first}: {errors[first][0]}", fields=errors)


def _keep(connector: Connector, secret: dict[str, Any]) -> None:
    key = vault_key(connector.pk)
    if secret:
        put_secret(tenant_id=connector.tenant_id, category=VAULT_CATEGORY, key=key, value=secret)
    else:
        delete_secret(tenant_id=connector.tenant_id, key=key)


def _locked(tenant: Tenant, connector_id: uuid.UUID) -> Connector:
    row = Connector.objects.for_tenant(tenant).select_for_update().filter(pk=connector_id).first()
    if row is None:
        raise NotFound(CONNECTOR_NOT_FOUND)
    return row
