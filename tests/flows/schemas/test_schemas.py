"""Schemas: the table follows what people describe, and neither stands without the other."""

from typing import Any

import pytest
from django.db import connection

from flows.models import DataSchema, Pipeline, PipelineVersion, SchemaField
from flows.selectors.schemas import find_schema, list_schemas
from flows.services.schemas import create_schema, delete_schema, update_schema
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.tenancy.models import Tenant
from tests.flows.schemas.conftest import NOW, ORDER_FIELDS, call, make_schema


def columns_of(table: str) -> list[tuple[Any, ...]]:
    """Return name, type and whether a value must be, of each column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY attnum",
            [table],
        )
        return [tuple(row) for row in cursor.fetchall()]


def test_a_schema_makes_its_table(orders: DataSchema) -> None:
    assert orders.table_name == "ds_orders"
    assert columns_of("t_acme.ds_orders") == [
        ("order_id", "bigint", True), ("customer", "character varying(40)", False), ("amount", "numeric(12,2)", True),
    ]  # fmt: skip


def test_a_table_without_a_key_gets_an_id(acme: Tenant) -> None:
    make_schema(acme, "notes", [{"name": "text"}])

    assert columns_of("t_acme.ds_notes") == [("id", "bigint", True), ("text", "character varying", False)]


@pytest.mark.parametrize(
    ("field", "path"),
    [
        pytest.param({"name": "a", "data_type": "money"}, "fields[0].dataType", id="type"),
        pytest.param({"name": "a" * 64}, "fields[0].name", id="long-name"),
        pytest.param({"name": "a\x00"}, "fields[0].name", id="nul-name"),
        pytest.param({"name": "xmin"}, "fields[0].name", id="system-column"),
        pytest.param({"name": "id"}, "fields[0].name", id="id-without-key"),
        pytest.param({"name": "_kaireon_lineage"}, "fields[0].name", id="lineage"),
        pytest.param({"name": "a", "data_type": "date", "length": 3}, "fields[0].length", id="length-of-a-date"),
        pytest.param({"name": "a", "data_type": "decimal", "scale": 2}, "fields[0].scale", id="scale-alone"),
        pytest.param({"name": "a", "default_value": "\x00"}, "fields[0].defaultValue", id="nul-default"),
        pytest.param({"name": "a", "data_type": "json", "is_primary_key": True}, "fields[0].isPrimaryKey", id="json"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_named(acme: Tenant, field: dict[str, Any], path: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        make_schema(acme, "bad", [field])

    assert path in refusal.value.fields


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"), pytest.param("Orders", id="case"), pytest.param('a"; DROP TABLE x', id="quote"),
        pytest.param("a" * 61, id="long"), pytest.param("ördnung", id="unicode"), pytest.param("a\n", id="newline"),
    ],
)  # fmt: skip
def test_a_name_that_no_table_can_have_is_refused(acme: Tenant, name: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        make_schema(acme, name)

    assert "name" in refusal.value.fields


def test_a_column_may_have_any_name_that_a_file_may_have(acme: Tenant) -> None:
    make_schema(acme, "odd", [{"name": 'Order "ID", €', "default_value": "it's"}])

    assert columns_of("t_acme.ds_odd")[1][0] == 'Order "ID", €'


def test_a_default_that_the_type_cannot_hold_leaves_neither_schema_nor_table(acme: Tenant) -> None:
    with pytest.raises(Unprocessable, match="invalid input syntax for type integer"):
        make_schema(acme, "bad", [{"name": "a", "data_type": "integer", "default_value": "x"}])

    assert not DataSchema.objects.for_tenant(acme).exists()
    assert columns_of("t_acme.ds_bad") == []


def test_computed_defaults_are_computed(acme: Tenant) -> None:
    make_schema(acme, "times", [{"name": "at", "data_type": "timestamptz", "default_value": "now()"}])

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t_acme.ds_times DEFAULT VALUES RETURNING at IS NOT NULL")
        assert cursor.fetchone() == (True,)


def test_a_name_is_taken_once_in_a_tenant(orders: DataSchema, acme: Tenant, globex: Tenant) -> None:
    with pytest.raises(Conflict, match="There is a schema 'orders' already"):
        make_schema(acme)

    assert make_schema(globex).table_name == "ds_orders"


def test_a_table_that_stands_there_already_is_a_conflict(orders: DataSchema, acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t_acme.ds_left (x int)")

    with pytest.raises(Conflict, match="already exists"):
        make_schema(acme, "left")


def test_an_update_adds_columns(orders: DataSchema, acme: Tenant) -> None:
    fields = [*ORDER_FIELDS, {"name": "note", "data_type": "text"}]

    changed = call(
        update_schema, tenant=acme, schema_id=orders.pk, changes={"display_name": "All orders", "fields": fields}
    )

    assert changed.display_name == "All orders"
    assert [field.name for field in changed.fields.all()] == ["order_id", "customer", "amount", "note"]
    assert columns_of("t_acme.ds_orders")[-1] == ("note", "text", False)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param(ORDER_FIELDS[:2], "fields", id="column-gone"),
        pytest.param([{"name": "order_id", "data_type": "text"}, *ORDER_FIELDS[1:]], "fields[0]", id="other-type"),
        pytest.param([*ORDER_FIELDS, {"name": "k", "is_primary_key": True}], "fields[3].isPrimaryKey", id="new-key"),
    ],
)
def test_an_update_never_takes_away(orders: DataSchema, acme: Tenant, fields: Any, path: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        call(update_schema, tenant=acme, schema_id=orders.pk, changes={"fields": fields})

    assert path in refusal.value.fields


def test_a_column_that_rows_forbid_leaves_the_schema_as_it_was(orders: DataSchema, acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t_acme.ds_orders VALUES (1, 'a', 2)")

    with pytest.raises(Unprocessable, match=r"note cannot be added.*null values"):
        call(
            update_schema, tenant=acme, schema_id=orders.pk,
            changes={"fields": [*ORDER_FIELDS, {"name": "note", "is_nullable": False}]},
        )  # fmt: skip

    assert len(find_schema(acme, orders.pk).fields.all()) == 3


def test_deleting_a_schema_drops_its_table(orders: DataSchema, acme: Tenant) -> None:
    call(delete_schema, tenant=acme, schema_id=orders.pk)

    assert columns_of("t_acme.ds_orders") == []
    assert not SchemaField.objects.for_tenant(acme).exists()


@pytest.mark.parametrize(
    "node",
    [
        pytest.param({"id": "out", "kind": "target", "schema": "public.ds_orders"}, id="target"),
        pytest.param({"id": "t", "ops": [{"op": "lookup_join", "table": "ds_orders", "on": []}]}, id="lookup"),
    ],
)
def test_a_schema_that_a_pipeline_uses_stays(orders: DataSchema, acme: Tenant, node: dict[str, Any]) -> None:
    pipeline = Pipeline.objects.create(tenant=acme, name="Nightly", created_at=NOW, updated_at=NOW)
    PipelineVersion.objects.create(tenant=acme, pipeline=pipeline, version=1, ir={"nodes": [node]}, created_at=NOW)

    with pytest.raises(Conflict, match="Nightly"):
        call(delete_schema, tenant=acme, schema_id=orders.pk)


def test_a_table_that_a_view_reads_stays(orders: DataSchema, acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW t_acme.v AS SELECT * FROM t_acme.ds_orders")

    with pytest.raises(Conflict, match="other objects depend"):
        call(delete_schema, tenant=acme, schema_id=orders.pk)


def test_another_tenants_schema_is_not_there(orders: DataSchema, globex: Tenant) -> None:
    for service in (update_schema, delete_schema):
        more: dict[str, Any] = {"changes": {}} if service is update_schema else {}
        with pytest.raises(NotFound):
            call(service, tenant=globex, schema_id=orders.pk, **more)
    assert not list_schemas(globex).exists()


def test_creating_is_for_interfaces_alone() -> None:
    assert create_schema.__wrapped__ is not None  # type: ignore[attr-defined]
