"""Wire shapes of rows that were set aside, and of where rows came from; camelCase lives here only."""
# ruff: noqa: N815 - the wire's names

from typing import Any, Final

from rest_framework import serializers

from flows.selectors.lineage import LineagePage
from flows.selectors.quarantine import QuarantinedRow, QuarantinePage
from flows.serializers.pipelines import SchemaNameShape
from kaireon.platform.fields import (
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

BIG: Final = 2**63 - 1


class QuarantinedShape(StrictSerializer):
    """A row that was set aside: the documented keys, and what was wrong with it."""

    id = StrictIntegerField(max_value=BIG)
    ruleId = StrictCharField(allow_blank=True, allow_null=True, max_length=None)
    row = StrictJSONField(allow_any=True, allow_null=True)
    createdAt = StrictDateTimeField()
    nodeId = StrictCharField(allow_blank=True)
    column = StrictCharField(allow_blank=True, allow_null=True)
    value = StrictCharField(allow_blank=True, allow_null=True, max_length=None)
    error = StrictCharField(allow_blank=True, allow_null=True, max_length=None)
    file = StrictCharField(allow_blank=True, allow_null=True, max_length=None)
    line = StrictIntegerField(allow_null=True, max_value=BIG)


class DlqShape(StrictSerializer):
    """What a run set aside at a node, or at all of them; `message` says why there are no rows."""

    runId = StrictUUIDField()
    nodeId = StrictCharField(allow_null=True)
    quarantineTable = StrictCharField(allow_null=True)
    count = StrictIntegerField(max_value=BIG)
    rows = QuarantinedShape(many=True)
    message = StrictCharField(required=False, max_length=None)


class LineageShape(StrictSerializer):
    """Which run of which pipeline wrote a row, from which source, as which of its rows."""

    runId = StrictUUIDField()
    pipelineId = StrictUUIDField()
    sourceNodeId = StrictCharField()
    writeOrder = StrictIntegerField(max_value=BIG, required=False)


class LineageRowShape(StrictSerializer):
    """A row, and where it came from."""

    row = serializers.DictField(child=StrictJSONField(allow_any=True, allow_null=True))
    lineage = LineageShape()


class LineagePageShape(StrictSerializer):
    """The newest rows of a table."""

    schema = SchemaNameShape(allow_null=True)
    table = StrictCharField()
    lineageColumn = StrictCharField()
    rows = LineageRowShape(many=True)
    count = StrictIntegerField()


def dlq_json(page: QuarantinePage) -> dict[str, Any]:
    """Return what a run set aside."""
    shown = {
        "runId": str(page.run_id),
        "nodeId": page.node_id or None,
        "quarantineTable": page.table,
        "count": page.count,
        "rows": [_quarantined_json(row) for row in page.rows],
    }
    return shown | ({"message": page.message} if page.message else {})


def lineage_json(page: LineagePage) -> dict[str, Any]:
    """Return rows with where they came from."""
    described = page.schema
    return {
        "schema": described
        and {"id": str(described.pk), "name": described.name, "displayName": described.display_name},
        "table": page.table,
        "lineageColumn": page.column,
        "rows": [{"row": row, "lineage": lineage} for row, lineage in page.rows],
        "count": len(page.rows),
    }


def _quarantined_json(row: QuarantinedRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "ruleId": row.rule_id,
        "row": row.row,
        "createdAt": format_time(row.created_at),
        "nodeId": row.node_id,
        "column": row.column,
        "value": row.value,
        "error": row.error,
        "file": row.file,
        "line": row.line,
    }
