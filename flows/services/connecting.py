"""Through which connector a source node reads, and with which credentials."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.decisions.connector_types import OPEN_STORES, TYPES, Errors
from flows.decisions.vocabulary import ConnectorType
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.models import Connector, Pipeline
from flows.services.connectors import vault_key
from flows.storage.base import StorageError
from kaireon.platform.fields import read_uuid
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.services import VaultError, read_secret


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a source's store; `config` also carries `authMethod`. Its repr keeps the secret to itself."""

    kind: str
    path: str
    config: Mapping[str, Any]
    secret: Mapping[str, Any] = field(repr=False)
    connector_id: uuid.UUID | None = None


def store_access(pipeline: Pipeline, source: SourceNode) -> Access:
    """Return what opens the store of a source node: its own connector, else the pipeline's if that serves its kind.

    Folders of this server and web addresses need none. Raises StorageError that says what to change.
    """
    (connector,) = connectors_of([Reader(pipeline.tenant_id, source, pipeline.connector_id)])
    if isinstance(connector, StorageError):
        raise connector
    return access_through(connector, source)


@dataclass(frozen=True, slots=True)
class Reader:
    """A source node that reads, and the connector of its pipeline."""

    tenant_id: uuid.UUID
    source: SourceNode
    standard: uuid.UUID | None


def connectors_of(readers: Sequence[Reader]) -> list[Connector | StorageError | None]:
    """Return for each source, of any tenant, its connector, None when it needs none, or why it has none; one query."""
    named = [row_id for each in readers for row_id in (read_uuid(each.source.config.connector_id), each.standard)]
    ids = {row_id for row_id in named if row_id is not None}
    found = Connector.objects.across_tenants().filter(pk__in=ids) if ids else []
    rows: dict[uuid.UUID, dict[str, Connector]] = defaultdict(dict)
    for row in found:
        rows[row.tenant_id][str(row.pk)] = row
    chosen = (_choose(each.source, rows[each.tenant_id], each.standard) for each in readers)
    return [StorageError(each) if isinstance(each, str) else each for each in chosen]


def access_through(connector: Connector | None, source: SourceNode) -> Access:
    """Return what opens a source's store through a connector, or without any. Raises StorageError."""
    if connector is None:
        return Access(source.connector, source.config.path, {}, {})
    path, config = path_through(connector, source)
    return Access(source.connector, path, config, secret_of(connector), connector.pk)


def path_through(connector: Connector | None, source: SourceNode) -> tuple[str, dict[str, Any]]:
    """Return the path and the config with which a source's store is opened; nothing of it is secret."""
    path = source.config.path
    if connector is None:
        return path, {}
    base = connector.config.get("basePath")
    if base and not path.startswith("/"):
        path = f"{base.rstrip('/')}/{path}"
    return path, {**connector.config, "authMethod": connector.auth_method}


def secret_of(connector: Connector) -> dict[str, Any]:
    """Return a connector's authConfig, empty when it has none. Raises StorageError when it does not open."""
    if not connector.has_secret:
        return {}
    try:
        return read_secret(tenant_id=connector.tenant_id, key=vault_key(connector.pk))
    except VaultError:
        text = f"The credentials of the connector {connector.name} do not open; give it its authConfig again."
        raise StorageError(text) from None


def source_errors(tenant: Tenant, ir: PipelineIR, *, connector_id: uuid.UUID | None) -> Errors:
    """Return the sources of an IR that no connector serves, each as `nodes[index].config.connectorId`.

    `connector_id` is the pipeline's own.
    """
    sources = [(index, node) for index, node in enumerate(ir.nodes) if isinstance(node, SourceNode)]
    rows = _rows(tenant.pk, {connector_id, *(read_uuid(node.config.connector_id) for _, node in sources)})
    errors: Errors = {}
    for index, node in sources:
        chosen = _choose(node, rows, connector_id)
        if isinstance(chosen, str):
            name = "config.connectorId" if node.config.connector_id else "connector"
            errors[f"nodes[{index}].{name}"] = [chosen]
    return errors


def note_sync(*, pipeline: Pipeline, sources: Sequence[SourceNode], rows: int, now: datetime) -> None:
    """Note on the connectors of a run's sources when they gave rows, and how many. Joins the caller's transaction."""
    named = (read_uuid(node.config.connector_id) or pipeline.connector_id for node in sources)
    ids = {row_id for row_id in named if row_id is not None}
    Connector.objects.for_tenant(pipeline.tenant_id).filter(pk__in=ids).update(
        last_sync_at=now, last_sync_row_count=rows
    )


def _rows(tenant_id: uuid.UUID, ids: set[uuid.UUID | None]) -> dict[str, Connector]:
    known = {row_id for row_id in ids if row_id is not None}
    if not known:
        return {}
    return {str(row.pk): row for row in Connector.objects.for_tenant(tenant_id).filter(pk__in=known)}


def _choose(source: SourceNode, rows: Mapping[str, Connector], standard: uuid.UUID | None) -> Connector | str | None:
    """Return the source's connector, None when it needs none, or what is wrong in words."""
    if source.config.connector_id is not None:
        # An id has one spelling in an IR, so that a connector in use is found by it.
        row = rows.get(source.config.connector_id)
        if row is None:
            return "There is no such connector for this tenant."
        return row if _serves(row, source) else _mismatch(row, source)
    row = rows.get(str(standard))
    if row is not None and _serves(row, source):
        return row
    if source.connector in OPEN_STORES or not _known(source):
        return None
    return _mismatch(row, source) if row else f"The pipeline has no connector, which a {source.connector} source needs."


def _serves(connector: Connector, source: SourceNode) -> bool:
    return source.connector in TYPES[ConnectorType(connector.type)].stores


def _known(source: SourceNode) -> bool:
    """Tell whether any type serves this kind: ftp and streams are refused where they would be opened."""
    return any(source.connector in info.stores for info in TYPES.values())


def _mismatch(connector: Connector, source: SourceNode) -> str:
    return f"The connector {connector.name} is of type {connector.type}, which serves no {source.connector} source."
