"""The demo's pipeline: a table, an inbox with one file in it, and what loads the one from the other by Run now."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from flows.services import create_pipeline, create_schema
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant

FOLDER: Final = "inbox/shop-sales"
FILE: Final = "sales-1.csv"
SALES: Final = 24
SALES_SCHEMA: Final[dict[str, Any]] = {
    "name": "shop_sales",
    "display_name": "Shop sales",
    "description": "What customers bought, as the shop's files tell it.",
    "fields": [
        {"name": "sale_id", "data_type": "bigint", "is_nullable": False, "is_primary_key": True},
        {"name": "customer", "data_type": "varchar", "length": 60},
        {"name": "amount", "data_type": "decimal", "precision": 12, "scale": 2},
        {"name": "sold_at", "data_type": "timestamp"},
    ],
}
SALES_IR: Final[dict[str, Any]] = {
    "kind": "pipeline",
    "version": "1.0",
    "id": "load-shop-sales",
    "metadata": {"name": "Load shop sales", "tags": ["demo"]},
    "nodes": [
        {
            "id": "files", "kind": "source", "connector": "local_fs",
            "config": {"path": FOLDER, "pattern": {"type": "glob", "value": "sales*.csv"}, "format": "csv"},
        },
        {
            "id": "typed", "kind": "transform", "input": "files",
            "ops": [
                {"op": "cast", "field": "sale_id", "to": "bigint", "onError": "quarantine"},
                {
                    "op": "cast", "field": "amount", "to": "decimal", "precision": 12, "scale": 2,
                    "onError": "quarantine",
                },
                {"op": "cast", "field": "sold_at", "to": "timestamp", "onError": "quarantine"},
            ],
        },
        {
            "id": "checked", "kind": "validate", "input": "typed",
            "datasetLevel": {"rowCount": {"min": 1, "onFail": "abort"}},
            "rowLevel": [{"id": "amount-positive", "field": "amount", "rule": "gt:0", "onFail": "quarantine"}],
            "quarantine": {"table": "dlq.shop_sales"},
        },
        {
            "id": "table", "kind": "target", "input": "checked", "schema": "public.ds_shop_sales", "loadMode": "upsert",
            "upsertKey": "sale_id",
        },
    ],
    "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 3, "backoff": "exponential"}},
}  # fmt: skip


def add_pipeline(*, tenant: Tenant, now: datetime) -> None:
    """Make the pipeline that a newcomer finds, and a file for it with one row that its rule sets aside."""
    schema = create_schema(tenant=tenant, values=SALES_SCHEMA, actor=SYSTEM, now=now)
    values = {
        "name": "Load shop sales", "description": "Files of the shop into the table of sales.", "ir": SALES_IR,
        "data_schema_id": schema.pk,
    }  # fmt: skip
    create_pipeline(tenant=tenant, values=values, actor=SYSTEM, now=now)
    if settings.FLOW_LOCAL_FS_ROOTS:
        drop_sales(Path(settings.FLOW_LOCAL_FS_ROOTS[0].replace("{tenant}", tenant.slug)) / FOLDER, now)


def drop_sales(folder: Path, now: datetime) -> Path:
    """Write the sample file into the inbox and return its path; it appears there whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file, unfinished = folder / FILE, folder / f".{FILE}"
    lines = ["sale_id,customer,amount,sold_at"]
    for number in range(1, SALES + 1):
        at = now - timedelta(hours=number)
        amount = "-1.00" if number == SALES else f"{number * 7.5:.2f}"
        lines.append(f"{1000 + number},customer-{number:05},{amount},{at:%Y-%m-%d %H:%M:%S}")
    unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return unfinished.replace(file)
