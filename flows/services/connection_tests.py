"""The Test of connectors: against the real thing, within seconds, and noted on the connector."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from flows.decisions.vocabulary import ConnectorStatus, ConnectorType
from flows.models import Connector
from flows.selectors.connectors import find_connector
from flows.services.auditing import connector_entry
from flows.services.connecting import secret_of
from flows.services.connectors import check_connector
from flows.services.probing import Described, Unreachable, probe
from flows.storage.base import StorageError
from kaireon.platform.audit.services import record_many
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found, in words without a secret, and how long it took."""

    status: ConnectorStatus
    message: str
    milliseconds: int


def test_connector(*, tenant: Tenant, connector_id: uuid.UUID, actor: Actor, now: datetime) -> Tested:
    """Test a kept connector with its kept secret, note the result on it and return it. Raises NotFound."""
    connector = find_connector(tenant, connector_id)
    try:
        described = Described(
            ConnectorType(connector.type), connector.config, connector.auth_method, secret_of(connector), tenant.slug
        )
    except StorageError as error:
        result = Tested(ConnectorStatus.FAILED, error.message, 0)
    else:
        result = _timed(described)
    _note(connector, result, actor, now)
    return result


def try_connector(
    *, tenant: Tenant, kind: ConnectorType, config: Mapping[str, Any], auth_method: str, secret: Mapping[str, Any]
) -> Tested:
    """Test a connector that nobody has saved; nothing is kept. Raises Unprocessable for one that cannot be."""
    check_connector(kind, config, auth_method, secret)
    return _timed(Described(kind, config, auth_method, secret, tenant.slug))


def _timed(described: Described) -> Tested:
    started = time.monotonic()
    try:
        status, message = ConnectorStatus.OK, probe(described)
    except Unreachable as error:
        status, message = ConnectorStatus.FAILED, str(error)
    return Tested(status, message, round((time.monotonic() - started) * 1000))


@transaction.atomic(durable=True)
def _note(connector: Connector, result: Tested, actor: Actor, now: datetime) -> None:
    # Only if nobody has changed it meanwhile: the test was of what it was.
    rows = Connector.objects.for_tenant(connector.tenant_id).filter(pk=connector.pk, updated_at=connector.updated_at)
    error = result.message if result.status == ConnectorStatus.FAILED else ""
    if rows.update(status=result.status, last_tested_at=now, last_error=error):
        after = {"status": result.status.value, "message": result.message}
        record_many([connector_entry(connector, "test", actor, after=after)], now=now)
