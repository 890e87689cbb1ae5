"""Schemas: tables that pipelines fill, as people describe them. The table itself stands in the tenant's data schema."""

from django.db import models

from flows.decisions.vocabulary import EntityType
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel

ENTITY_TYPES = [(item.value, item.value) for item in EntityType]


class DataSchema(TenantModel):
    """A table `ds_<name>` of the tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=60)
    display_name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    table_name = models.CharField(max_length=63)
    entity_type = models.CharField(max_length=10, choices=ENTITY_TYPES, default=EntityType.CUSTOM)
    schema_type = models.CharField(max_length=40, default="customer")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="dataschema_name_once")]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="dataschema_tenant_created")]

    def __str__(self) -> str:
        return self.display_name


class SchemaField(TenantModel):
    """A column of a schema's table."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    data_schema = models.ForeignKey(DataSchema, on_delete=models.CASCADE, related_name="fields", db_index=False)
    name = models.CharField(max_length=63)
    display_name = models.CharField(max_length=120, blank=True)
    data_type = models.CharField(max_length=20, default="varchar")
    length = models.PositiveIntegerField(null=True, blank=True)
    precision = models.PositiveSmallIntegerField(null=True, blank=True)
    scale = models.PositiveSmallIntegerField(null=True, blank=True)
    is_nullable = models.BooleanField(default=True)
    is_primary_key = models.BooleanField(default=False)
    is_unique = models.BooleanField(default=False)
    is_predictor = models.BooleanField(default=False)
    # Null is no default; an empty text is one.
    default_value = models.TextField(null=True, blank=True)  # noqa: DJ001
    description = models.TextField(blank=True)
    ordinal = models.PositiveIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["data_schema", "name"], name="schemafield_name_once")]

    def __str__(self) -> str:
        return self.name
