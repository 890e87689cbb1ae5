"""Wire shapes of the editor's questions; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from flows.engines.base import Sample
from flows.serializers.versions import IR_HELP, IrField
from kaireon.platform.fields import (
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
)

DIALECTS = ["duckdb", "spark"]
MAX_SAMPLE = 100


class NodePreviewInput(StrictSerializer):
    """An IR that nobody has saved, or nothing for the latest version; and in which SQL."""

    ir = IrField(required=False, help_text=IR_HELP)
    dialect = StrictChoiceField(choices=DIALECTS, required=False, default=DIALECTS[0])


class NodeSampleInput(StrictSerializer):
    """Of which node, of an IR that nobody has saved or of the latest version."""

    ir = IrField(required=False, help_text=IR_HELP)
    nodeId = StrictCharField(source="node_id", max_length=63)
    limit = StrictIntegerField(required=False, default=20, min_value=1, max_value=MAX_SAMPLE)


class NodeSqlShape(StrictSerializer):
    """A node's SQL."""

    nodeId = StrictCharField()
    kind = StrictCharField()
    sql = StrictCharField(allow_null=True, max_length=None)


class NodePreviewShape(StrictSerializer):
    """The SQL of each node, in the order in which they run."""

    dialect = serializers.ChoiceField(choices=DIALECTS)
    nodes = NodeSqlShape(many=True)


class ColumnShape(StrictSerializer):
    """A column and the engine's type of it."""

    name = StrictCharField()
    type = StrictCharField()


class NodeSampleShape(StrictSerializer):
    """The first rows that leave a node."""

    nodeId = StrictCharField()
    columns = ColumnShape(many=True)
    rows = serializers.ListField(child=serializers.DictField(child=StrictJSONField(allow_any=True, allow_null=True)))


def preview_json(sql: Mapping[str, str], kinds: Mapping[str, str], dialect: str) -> dict[str, Any]:
    """Return the SQL of each node; `kinds` gives their order."""
    return {
        "dialect": dialect,
        "nodes": [{"nodeId": node_id, "kind": kind, "sql": sql.get(node_id)} for node_id, kind in kinds.items()],
    }


def sample_json(node_id: str, sample: Sample) -> dict[str, Any]:
    """Return the first rows of a node."""
    return {
        "nodeId": node_id,
        "columns": [{"name": column.name, "type": column.type} for column in sample.columns],
        "rows": sample.rows,
    }
