"""Pipelines and their versions."""

from django.db import models
from django.db.models import Q

from flows.decisions.vocabulary import PipelineStatus
from flows.models.connectors import Connector
from flows.models.schemas import DataSchema
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

STATUSES = [(item.value, item.value) for item in PipelineStatus]


class Pipeline(TenantModel):
    """A pipeline under its name; what it does stands in its versions, of which `live_version` is the one that runs.

    `last_run_at` is what people read, and what the seed's due rule counts from: the fire time of the last run that
    counts (settled 34). What prevents a double is the triggers area's ledger.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=6, choices=STATUSES, default=PipelineStatus.DRAFT)
    connector = models.ForeignKey(Connector, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines")
    data_schema = models.ForeignKey(
        DataSchema, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines"
    )
    execution_config = models.JSONField(default=dict, blank=True)
    live_version = models.PositiveIntegerField(null=True, blank=True)
    latest_version = models.PositiveIntegerField(default=0)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_reason = models.TextField(blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_run_status = models.CharField(max_length=21, blank=True)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="pipeline_name_once")]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="pipeline_tenant_created")]

    def __str__(self) -> str:
        return self.name


class PipelineVersion(TenantModel):
    """One saved IR; the database refuses to change it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    ir = models.JSONField()
    comment = models.TextField(blank=True)
    authored_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "version"], name="pipelineversion_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="pipelineversion_from_one"),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"
