"""Rows put in by hand, and looked at."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from flows.models import DataSchema
from flows.services.schema_rows import insert_rows, list_rows
from kaireon.platform.errors import NotFound, Unprocessable
from kaireon.platform.tenancy.models import Tenant
from tests.flows.schemas.conftest import call, make_schema


def put(tenant: Tenant, schema: DataSchema, *rows: dict[str, Any]) -> int:
    """Insert rows and return how many went in."""
    inserted = call(insert_rows, tenant=tenant, schema_id=schema.pk, rows=list(rows))
    assert inserted.table_name == schema.table_name
    return int(inserted.inserted)


def test_rows_go_in_once(orders: DataSchema, acme: Tenant) -> None:
    first = put(acme, orders, {"order_id": 1, "customer": "a", "amount": "10.50"}, {"order_id": 2, "amount": 3})
    again = put(acme, orders, {"order_id": 2, "amount": 4}, {"order_id": 3, "amount": 5})

    assert (first, again) == (2, 1)
    total, rows = list_rows(tenant=acme, schema_id=orders.pk, limit=2, offset=1)
    assert total == 3
    assert rows == [
        {"order_id": 2, "customer": None, "amount": Decimal("3.00")},
        {"order_id": 3, "customer": None, "amount": Decimal("5.00")},
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param({"order_id": 2, "amount": "x"}, "invalid input syntax for type numeric", id="type"),
        pytest.param({"order_id": 2}, "null value", id="missing"),
        pytest.param({"order_id": 2, "amount": 1, "nope": 1}, "no column nope", id="unknown-column"),
        pytest.param({}, "no column", id="empty"),
        pytest.param({"order_id": 2, "amount": 1, "customer": "a\x00"}, "Unicode escape", id="nul"),
        pytest.param({"order_id": 2, "amount": 1, "customer": "a" * 41}, "too long", id="too-long"),
        pytest.param({"order_id": 10**30, "amount": 1}, "out of range", id="too-large"),
        pytest.param({"order_id": 2, "amount": 1, "customer": "a" * 100_001}, "At most 100,000", id="huge"),
    ],
)
def test_a_row_that_cannot_be_is_named_and_none_goes_in(
    orders: DataSchema, acme: Tenant, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unprocessable, match=rf"rows\[1\].*{reason}"):
        put(acme, orders, {"order_id": 1, "amount": 1}, row)

    assert list_rows(tenant=acme, schema_id=orders.pk, limit=1, offset=0) == (0, [])


def test_columns_that_a_row_leaves_out_get_their_defaults(acme: Tenant) -> None:
    schema = make_schema(acme, "marks", [{"name": "a", "default_value": "x"}, {"name": "b", "data_type": "json"}])

    put(acme, schema, {"b": {"deep": [1, None]}}, {"a": None})

    assert list_rows(tenant=acme, schema_id=schema.pk, limit=9, offset=0)[1] == [
        {"id": 1, "a": "x", "b": {"deep": [1, None]}}, {"id": 2, "a": None, "b": None},
    ]  # fmt: skip


def test_values_that_python_has_not_are_shown_as_text(acme: Tenant) -> None:
    fields = [{"name": "at", "data_type": "timestamp"}, {"name": "share", "data_type": "double"}]
    schema = make_schema(acme, "odd", fields)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t_acme.ds_odd (at, share) VALUES ('infinity', 'NaN'), ('0044-03-15 BC', 0.1)")

    _, rows = list_rows(tenant=acme, schema_id=schema.pk, limit=9, offset=0)

    assert [(row["at"], row["share"]) for row in rows] == [("infinity", "nan"), ("0044-03-15T00:00:00 BC", 0.1)]


def test_another_tenants_rows_are_not_there(orders: DataSchema, globex: Tenant) -> None:
    with pytest.raises(NotFound):
        call(insert_rows, tenant=globex, schema_id=orders.pk, rows=[{"order_id": 1}])
    with pytest.raises(NotFound):
        list_rows(tenant=globex, schema_id=orders.pk, limit=1, offset=0)
    with pytest.raises(NotFound):
        list_rows(tenant=globex, schema_id=uuid.UUID(int=1), limit=1, offset=0)


def test_rows_are_bounded(orders: DataSchema, acme: Tenant) -> None:
    with pytest.raises(Unprocessable, match="Between 1 and 5,000"):
        call(insert_rows, tenant=acme, schema_id=orders.pk, rows=[])
