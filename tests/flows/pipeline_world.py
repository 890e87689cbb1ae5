"""The small world of pipeline tests: the documented IR, a connector, and pipelines made of them."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from flows.models import Connector, Pipeline
from flows.services import create_connector, create_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant

NOW = datetime(2026, 4, 17, 8, 1, tzinfo=UTC)
PIPELINES = "/api/v1/pipelines"

# As the reference shows it: a CSV of orders, its amounts cast and checked, into ds_orders.
ORDERS_IR: dict[str, Any] = {
    "kind": "pipeline",
    "version": "1.0",
    "id": "load-orders",
    "metadata": {"name": "Load orders", "owner": "data@example.com", "tags": ["orders"]},
    "nodes": [
        {
            "id": "src", "kind": "source", "connector": "local_fs",
            "config": {
                "path": "inbox/", "pattern": {"type": "glob", "value": "orders*.csv"}, "ordering": "fifo_by_name",
                "waitPolicy": {"maxRetries": 0, "intervalMinutes": 5, "onMissAction": "skip"},
                "atomicity": {
                    "stagingFolder": ".processing/", "successFolder": ".archive/{YYYY-MM-DD}/",
                    "failureFolder": ".failed/",
                },
                "format": "csv",
            },
        },
        {
            "id": "clean", "kind": "transform", "input": "src",
            "ops": [{"op": "cast", "field": "amount", "to": "double", "onError": "quarantine"}],
        },
        {
            "id": "check", "kind": "validate", "input": "clean",
            "datasetLevel": {"rowCount": {"min": 1, "onFail": "abort"}},
            "rowLevel": [{"id": "amt-positive", "field": "amount", "rule": "gt:0", "onFail": "quarantine"}],
            "quarantine": {"table": "dlq.orders"},
        },
        {"id": "load", "kind": "target", "input": "check", "schema": "public.ds_orders", "loadMode": "append"},
    ],
    "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 3, "backoff": "exponential"}},
}  # fmt: skip


def orders_ir(**changes: Any) -> dict[str, Any]:
    """Return a copy of the documented IR with top-level fields changed."""
    return {**copy.deepcopy(ORDERS_IR), **changes}


def source_ir(connector: str = "local_fs", **config: Any) -> dict[str, Any]:
    """Return the documented IR with another source."""
    ir = orders_ir()
    ir["nodes"][0]["connector"] = connector
    ir["nodes"][0]["config"] |= config
    return ir


def make_connector(tenant: Tenant, name: str = "Inbox", **values: Any) -> Connector:
    """Create a connector; folders of this machine unless another type is given."""
    return create_connector(
        tenant=tenant, values={"name": name, "type": "local_fs", "config": {}, **values}, actor=SYSTEM, now=NOW
    )


def make_pipeline(tenant: Tenant, name: str = "Load orders", **values: Any) -> Pipeline:
    """Create a pipeline with the documented IR, unless another one is given."""
    ir = values.pop("ir", None) or orders_ir(id=slugify(name))
    return create_pipeline(tenant=tenant, values={"name": name, "ir": ir, **values}, actor=SYSTEM, now=NOW)


def drop_orders(folder: Path, name: str = "orders.csv") -> Path:
    """Drop a file with two good rows, one that breaks the row rule and one that cannot be cast."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("order_id,customer,amount\n1,Ann,10.5\n2,Bob,-3\n3,Cid,7\n4,Dee,many\n")
    return file
