"""Connectors: where data lies and how to get in; what is secret is in the vault."""

from django.db import models

from flows.decisions.vocabulary import ConnectorStatus, ConnectorType
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

TYPES = [(item.value, item.value) for item in ConnectorType]
STATUSES = [(item.value, item.value) for item in ConnectorStatus]


class Connector(TenantModel):
    """A place that data comes from. `authConfig` is in the vault under `connector:<id>` and is never returned."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=20, choices=TYPES)
    description = models.TextField(blank=True)
    config = models.JSONField(default=dict, blank=True)
    auth_method = models.CharField(max_length=40, default="access_key")
    has_secret = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=STATUSES, default=ConnectorStatus.UNTESTED)
    last_tested_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_sync_row_count = models.PositiveBigIntegerField(null=True, blank=True)
    last_sync_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="connector_name_once")]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="connector_tenant_created")]

    def __str__(self) -> str:
        return self.name
