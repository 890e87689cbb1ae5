"""Questions about connectors."""

import uuid

from django.db.models import F, Q

from flows.models import Connector, Pipeline, PipelineVersion
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

CONNECTOR_NOT_FOUND = "There is no such connector for this tenant."


def list_connectors(tenant: Tenant) -> TenantQuerySet[Connector]:
    """Return the tenant's connectors; the caller orders and pages them."""
    rows: TenantQuerySet[Connector] = Connector.objects.for_tenant(tenant)
    return rows


def find_connector(tenant: Tenant, connector_id: uuid.UUID) -> Connector:
    """Return one connector of the tenant; raise NotFound."""
    row = Connector.objects.for_tenant(tenant).filter(pk=connector_id).first()
    if row is None:
        raise NotFound(CONNECTOR_NOT_FOUND)
    return row


def pipelines_using(tenant: Tenant, connector_id: uuid.UUID) -> list[str]:
    """Return the names of the pipelines that read through a connector: as their own, or in a source of what they do.

    Of the versions, the live one and the latest count; older ones may name what is gone.
    """
    in_source = [{"kind": "source", "config": {"connectorId": str(connector_id)}}]
    current = Q(version=F("pipeline__live_version")) | Q(version=F("pipeline__latest_version"))
    versions = PipelineVersion.objects.for_tenant(tenant).filter(current, ir__nodes__contains=in_source)
    rows = Pipeline.objects.for_tenant(tenant).filter(
        Q(connector_id=connector_id) | Q(pk__in=versions.values("pipeline_id"))
    )
    return list(rows.order_by("name").values_list("name", flat=True))
