"""The IR that a new pipeline begins with: one source, one target that appends."""

from typing import Any

from flows.ir.sources import FileFormat, StoreKind


def starter_ir(
    *,
    name: str,
    slug: str,
    connector: StoreKind,
    path: str,
    pattern: str,
    format: FileFormat,  # noqa: A002
    table: str,
) -> dict[str, Any]:
    """Return a valid IR that reads what a glob matches in a path, and appends it to a table such as `ds_orders`."""
    return {
        "kind": "pipeline",
        "version": "1.0",
        "id": slug,
        "metadata": {"name": name},
        "nodes": [
            {
                "id": "source", "kind": "source", "connector": connector,
                "config": {
                    "path": path,
                    "pattern": {"type": "glob", "value": pattern},
                    "ordering": "fifo_by_name",
                    "waitPolicy": {"maxRetries": 0, "intervalMinutes": 5, "onMissAction": "skip"},
                    "atomicity": {
                        "stagingFolder": ".processing/",
                        "successFolder": ".archive/{YYYY-MM-DD}/",
                        "failureFolder": ".failed/",
                    },
                    "format": format,
                },
            },
            {
                "id": "target", "kind": "target", "input": "source",
                "schema": f"public.{table.removeprefix('public.')}", "loadMode": "append",
            },
        ],
        "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 3, "backoff": "exponential"}},
    }  # fmt: skip
