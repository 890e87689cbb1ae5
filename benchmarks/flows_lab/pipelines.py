"""The pipelines that are measured, as their IR."""

from typing import Any, Final

CASTS: Final = [
    {"op": "cast", "field": "order_id", "to": "bigint"},
    {"op": "cast", "field": "amount", "to": "decimal", "precision": 12, "scale": 2},
    {"op": "cast", "field": "quantity", "to": "integer"}, {"op": "cast", "field": "day", "to": "date"},
    {"op": "cast", "field": "placed_at", "to": "timestamp"}, {"op": "cast", "field": "is_paid", "to": "boolean"},
]  # fmt: skip
FILTER: Final = {"op": "filter", "expr": "amount >= 0"}
DEDUPLICATE: Final = {"op": "deduplicate", "keys": ["order_id"], "keep": "first"}
RULES: Final = [
    {"id": "has-customer", "field": "customer", "rule": "not_null", "onFail": "quarantine"},
    {"id": "some", "field": "quantity", "rule": "gt:0", "onFail": "quarantine"},
]


def pipeline(folder: str, kind: str, table: str) -> dict[str, Any]:
    """Return the IR of `plain` (cast, filter), `checked` (and dedupe, row rules) or `upsert` (cast, filter, dedupe)."""
    ops = [*CASTS, FILTER] + ([] if kind == "plain" else [DEDUPLICATE])
    target: dict[str, Any] = {
        "id": "out", "kind": "target", "input": "clean", "schema": f"public.{table}", "loadMode": "append"
    }  # fmt: skip
    nodes: list[dict[str, Any]] = [
        {"id": "src", "kind": "source", "connector": "local_fs",
         "config": {"path": folder, "pattern": {"type": "glob", "value": "*.csv"}, "format": "csv"}},
        {"id": "clean", "kind": "transform", "input": "src", "ops": ops},
    ]  # fmt: skip
    if kind == "checked":
        nodes.append({"id": "check", "kind": "validate", "input": "clean", "rowLevel": RULES})
        target["input"] = "check"
    if kind == "upsert":
        target |= {"loadMode": "upsert", "upsertKey": "order_id"}
    return {
        "kind": "pipeline", "version": "1.0", "id": "orders", "metadata": {"name": "Orders"}, "nodes": [*nodes, target],
        "errorHandling": {"dlq": {"enabled": True}},
    }  # fmt: skip
