"""Documents to begin with: one that has every node and every operation, and small ones with one thing in them."""

import copy
from typing import Any

from flows.ir.parsing import IrInvalid, parse_pipeline_ir

# Every operation, in an order in which each finds its columns.
OPS: list[dict[str, Any]] = [
    {"id": "amount", "op": "cast", "field": "amount", "to": "decimal", "precision": 18, "scale": 2, "onError": "null"},
    {"op": "cast", "field": "ordered_at", "to": "timestamp", "format": "%Y-%m-%d %H:%M:%S", "timezone": "UTC"},
    {"op": "expression", "field": "total", "expr": "amount * 2"},
    {"op": "rename", "from": "customer", "to": "customer_name"},
    {"op": "drop", "fields": ["note"]},
    {"op": "add_field", "field": "channel", "value": "web"},
    {"op": "hash", "field": "email", "algorithm": "sha256", "salt": "s"},
    {"op": "mask_pii", "field": "phone", "strategy": "last4"},
    {"op": "map_values", "field": "status", "mapping": {"n": "new", "p": "paid", "x": None}, "default": "other"},
    {"op": "split", "field": "customer_name", "separator": " ", "into": ["first", "last"]},
    {"op": "merge", "fields": ["last", "first"], "separator": ", ", "into": "sorted_name"},
    {"op": "filter", "expr": "amount > 0 and status <> 'other'"},
    {
        "op": "deduplicate", "keys": ["id"], "keep": "last",
        "orderBy": [{"field": "ordered_at", "direction": "desc"}, {"field": "id"}],
    },
    {"op": "lookup_join", "table": "ds_regions", "on": [{"left": "region", "right": "code"}], "fields": ["zone"]},
    {"op": "summarize", "field": "first", "into": "summary"},
    {"op": "vector_embed", "field": "first", "into": "vector"},
    {"op": "geo_resolve", "field": "region", "into": "place"},
    {"op": "sentiment_score", "field": "first", "into": "mood"},
    {"op": "language_detect", "field": "first", "into": "language"},
]  # fmt: skip
AGGREGATE: dict[str, Any] = {
    "op": "aggregate", "groupBy": ["zone"],
    "measures": [
        {"as": "orders", "fn": "count"}, {"as": "revenue", "fn": "sum", "field": "amount"},
        {"as": "customers", "fn": "count_distinct", "field": "sorted_name"},
    ],
}  # fmt: skip
COLUMNS = ["id", "amount", "ordered_at", "customer", "note", "email", "phone", "status", "region"]
SOURCE: dict[str, Any] = {
    "id": "orders", "kind": "source", "connector": "local_fs",
    "config": {
        "path": "inbox/",
        "pattern": {"type": "date_template", "value": "orders-{YYYYMMDD}*.csv", "timezone": "Europe/Berlin"},
        "format": "csv", "ordering": "process_all",
        "waitPolicy": {"maxRetries": 3, "intervalMinutes": 0.5, "onMissAction": "alert"},
        "atomicity": {
            "stagingFolder": ".processing/", "successFolder": ".archive/{YYYY}/{MM}/{DD}/", "failureFolder": ".failed/",
        },
        "formatOptions": {
            "delimiter": ";", "quote": '"', "escape": '"', "encoding": "utf-8", "header": True, "columns": COLUMNS,
            "nullValues": ["", "NULL"], "compression": "gz", "onBadRow": "quarantine",
        },
        "connectorId": "0190163d-8694-739b-aea5-966c26f8ad91", "maxFiles": 10,
    },
}  # fmt: skip
REGIONS: dict[str, Any] = {
    "id": "regions", "kind": "source", "connector": "s3",
    "config": {"path": "s3://bucket/regions/", "pattern": {"type": "regex", "value": r"r-\d+\.json"}, "format": "json"},
}  # fmt: skip
VALIDATE: dict[str, Any] = {
    "id": "check", "kind": "validate", "input": "clean",
    "datasetLevel": {
        "rowCount": {"min": 1, "max": 1000000, "onFail": "abort"},
        "nullRate": [{"field": "region", "max": 0.1, "onFail": "warn"}],
        "uniqueness": {"fields": ["id"]},
        "freshness": {"field": "ordered_at", "maxAgeMinutes": 1440, "onFail": "warn"},
        "schemaMatch": {"columns": [{"name": "id"}, {"name": "amount", "type": "decimal"}], "strict": False},
    },
    "rowLevel": [
        {"id": "positive", "field": "amount", "rule": "gt:0", "onFail": "quarantine"},
        {"id": "known", "field": "status", "rule": "in:new,paid", "onFail": "warn"},
    ],
    "quarantine": {"table": "dlq.orders"},
}  # fmt: skip
BRANCH: dict[str, Any] = {
    "id": "route", "kind": "branch", "input": "check",
    "cases": [{"id": "large", "when": "amount >= 1000"}, {"id": "small", "when": "amount < 10"}], "default": "rest",
}  # fmt: skip
JOIN: dict[str, Any] = {
    "id": "placed", "kind": "join", "left": "route.rest", "right": "regions",
    "on": [{"left": "region", "right": "code"}], "how": "left",
}  # fmt: skip
ENRICH: dict[str, Any] = {
    "id": "located", "kind": "enrich", "input": "placed", "provider": "geocoder", "field": "region", "into": "position",
}  # fmt: skip
TARGETS: list[dict[str, Any]] = [
    {
        "id": "to_large", "kind": "target", "input": "route.large", "schema": "public.ds_large", "loadMode": "upsert",
        "upsertKey": ["id"], "preHook": {"type": "sql", "statement": "select 1"},
        "postHook": {"type": "refresh", "view": "public.ds_daily"}, "description": "Large orders",
    },
    {
        "id": "to_small", "kind": "target", "input": "route.small", "schema": "ds_small",
        "loadMode": "incremental_watermark", "watermarkColumn": "ordered_at",
        "postHook": {"type": "webhook", "url": "https://example.com/loaded"},
    },
    {
        "id": "to_rest", "kind": "target", "input": "located", "schema": "public.ds_rest", "loadMode": "blue_green",
        "allowEmpty": True, "backupBeforeLoad": True, "rowCountAnomaly": {"maxChangePercent": 50, "onFail": "abort"},
        "postHook": {"type": "custom_function", "name": "ds_after_load", "arguments": {"days": 3}},
    },
    {"id": "to_totals", "kind": "target", "input": "totals", "schema": "public.ds_totals", "loadMode": "truncate"},
]  # fmt: skip
FULL_IR: dict[str, Any] = {
    "kind": "pipeline",
    "version": "1.0",
    "id": "load-orders",
    "metadata": {"name": "Load orders", "owner": "data@example.com", "tags": ["orders"], "description": "Nightly."},
    "schedule": {
        "kind": "cron", "expression": "0 2 * * *", "timezone": "Europe/Berlin", "catchUp": "all", "overlap": "skip",
        "jitterSeconds": 30, "enabled": True,
    },
    "trigger": {
        "kind": "file_arrival", "sourceId": "orders", "controlFilePattern": {"type": "glob", "value": "*.done"},
        "debounceSeconds": 60, "stableSeconds": 5, "deadline": {"windowMinutes": 60, "onMiss": "alert"},
        "allowOverlap": True,
    },
    "nodes": [
        SOURCE, REGIONS, {"id": "clean", "kind": "transform", "input": "orders", "ops": OPS}, VALIDATE, BRANCH, JOIN,
        ENRICH, {"id": "sums", "kind": "transform", "input": "check", "ops": [AGGREGATE]},
        {"id": "totals", "kind": "archive", "input": "sums", "config": {"folder": "old/"}}, *TARGETS,
    ],
    "errorHandling": {
        "dlq": {"enabled": True}, "retry": {"maxAttempts": 3, "backoff": "exponential", "initialSeconds": 30},
    },
}  # fmt: skip


def full_ir() -> dict[str, Any]:
    """Return a copy of the document that has everything."""
    return copy.deepcopy(FULL_IR)


def small_ir(*nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a source `src`, the nodes, and a target of the last of them; fields stand at the top."""
    last = nodes[-1]["id"] if nodes else "src"
    return {
        "kind": "pipeline",
        "version": "1.0",
        "id": "small",
        "metadata": {"name": "Small"},
        "nodes": [
            {
                "id": "src", "kind": "source", "connector": "local_fs",
                "config": {"path": "in/", "pattern": {"type": "glob", "value": "*.csv"}, "format": "csv"},
            },
            *copy.deepcopy(list(nodes)),
            {"id": "out", "kind": "target", "input": last, "schema": "public.ds_small", "loadMode": "append"},
        ],
        "errorHandling": {},
        **fields,
    }  # fmt: skip


def ops_ir(*ops: dict[str, Any]) -> dict[str, Any]:
    """Return a small document with these operations, the first at `nodes[1].ops[0]`."""
    return small_ir({"id": "t", "kind": "transform", "input": "src", "ops": list(ops)})


def problems_of(document: object) -> dict[str, str]:
    """Return path → message of what is wrong with a document, several joined by "; "; nothing when it is taken."""
    found: dict[str, str] = {}
    try:
        parse_pipeline_ir(document)
    except IrInvalid as invalid:
        for problem in invalid.problems:
            found[problem.path] = "; ".join(filter(None, (found.get(problem.path), problem.message)))
    return found
