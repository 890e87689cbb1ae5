"""Wire shapes of outcome types, the metrics catalogue and the import's report."""

from typing import Any

from rest_framework import serializers

from interactions.decisions import Category, Classification
from interactions.metrics import Metric, Total, Unit
from interactions.models import OutcomeType
from interactions.services import ImportReport
from kaireon.platform.fields import StrictCharField, StrictDateTimeField, StrictSerializer, StrictUUIDField, format_time


class OutcomeTypeShape(StrictSerializer):
    """An outcome type as it is listed."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()  # noqa: N815
    key = StrictCharField()
    name = StrictCharField()
    description = StrictCharField()
    classification = serializers.ChoiceField(choices=[word.value for word in Classification])
    category = serializers.ChoiceField(choices=[word.value for word in Category])
    isSystem = serializers.BooleanField()  # noqa: N815
    ordinal = serializers.IntegerField()
    status = StrictCharField()
    version = serializers.IntegerField()
    deletedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    createdAt = StrictDateTimeField()  # noqa: N815
    updatedAt = StrictDateTimeField()  # noqa: N815


class MetricShape(StrictSerializer):
    """A metric that a rule may watch."""

    name = StrictCharField()
    title = StrictCharField(help_text="The name for people")
    unit = serializers.ChoiceField(choices=[unit.value for unit in Unit])
    kind = serializers.ChoiceField(choices=["total", "ratio", "percentile", "gauge"])
    description = StrictCharField()
    valueWithoutData = serializers.IntegerField(  # noqa: N815
        allow_null=True, help_text="0 for counts and sums; null means that a window without rows has no value"
    )


def outcome_type_json(row: OutcomeType) -> dict[str, Any]:
    """Return an outcome type as it is listed."""
    return {
        "id": str(row.pk),
        "tenantId": str(row.tenant_id),
        "key": row.key,
        "name": row.name,
        "description": row.description,
        "classification": row.classification,
        "category": row.category,
        "isSystem": row.is_system,
        "ordinal": row.ordinal,
        "status": row.status,
        "version": row.version,
        "deletedAt": row.deleted_at and format_time(row.deleted_at),
        "createdAt": format_time(row.created_at),
        "updatedAt": format_time(row.updated_at),
    }


def metric_json(metric: Metric) -> dict[str, Any]:
    """Return a metric as the rule form needs it."""
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit.value,
        "kind": metric.kind,
        "description": metric.description,
        "valueWithoutData": 0 if isinstance(metric.formula, Total) else None,
    }


def import_report_json(report: ImportReport) -> dict[str, Any]:
    """Return the import's counts."""
    return {
        "rows": report.rows,
        "valid": report.valid,
        "imported": report.imported,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "rejectedFile": report.rejected_file,
        "dryRun": report.dry_run,
    }
