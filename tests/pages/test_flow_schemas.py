"""Schemas: made with rows of fields, looked at with their first rows, changed by columns at the end, deleted."""

from typing import Any

import pytest

from flows.models import DataSchema, SchemaField
from flows.services import create_schema, insert_rows
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_pipeline
from tests.pages.flow_world import HTMX, SCHEMAS, make_schema, said
from tests.people import Person

pytestmark = pytest.mark.django_db


def typed(**changes: str) -> dict[str, str]:
    """Return the form of a schema with a key and an amount as a person fills it in."""
    return {
        "act": "save", "f.__here": "1", "f.name": "orders", "f.displayName": "Orders", "f.entityType": "customer",
        "f.fields.0.__here": "1", "f.fields.0.name": "order_id", "f.fields.0.dataType": "bigint",
        "f.fields.0.isPrimaryKey": "on", "f.fields.1.__here": "1", "f.fields.1.name": "amount",
        "f.fields.1.dataType": "decimal", "f.fields.1.precision": "18", "f.fields.1.scale": "2",
        "f.fields.1.isNullable": "on", **changes,
    }  # fmt: skip


def kept(tenant: Tenant) -> DataSchema:
    """Return a schema with its table and two rows."""
    fields = [{"name": "order_id", "data_type": "bigint", "is_primary_key": True}, {"name": "note"}]
    schema = create_schema(
        tenant=tenant, values={"name": "orders", "display_name": "Orders", "fields": fields}, actor=SYSTEM, now=NOW
    )
    rows: list[dict[str, Any]] = [{"order_id": 1, "note": "<b>first</b>"}, {"order_id": 2, "note": None}]
    insert_rows(tenant=tenant, schema_id=schema.pk, rows=rows, actor=SYSTEM, now=NOW)
    return schema


def page_of(schema: DataSchema, act: str = "") -> str:
    return f"{SCHEMAS}/{schema.pk}{f'/{act}' if act else ''}"


def columns(schema: DataSchema) -> list[str]:
    rows = SchemaField.objects.for_tenant(schema.tenant_id).filter(data_schema=schema)
    return list(rows.order_by("ordinal").values_list("name", flat=True))


def test_a_schema_is_made_with_its_fields_and_its_table(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(f"{SCHEMAS}/new", typed(), headers=HTMX)

    schema = DataSchema.objects.for_tenant(acme).get()
    assert answer["HX-Redirect"] == page_of(schema)
    assert (schema.table_name, schema.entity_type, columns(schema)) == ("ds_orders", "customer", ["order_id", "amount"])
    field = SchemaField.objects.for_tenant(acme).get(name="amount")
    assert (field.data_type, field.precision, field.scale, field.is_nullable) == ("decimal", 18, 2, True)


def test_without_a_script_the_form_leads_to_the_schema(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(f"{SCHEMAS}/new", typed())

    assert answer["Location"] == page_of(DataSchema.objects.for_tenant(acme).get())


def test_buttons_add_and_remove_fields_and_keep_what_was_typed(eve: Person) -> None:
    more = eve.browser().post(f"{SCHEMAS}/new", typed(act="add:fields"), headers=HTMX).content.decode()
    less = eve.browser().post(f"{SCHEMAS}/new", typed(act="remove:fields.0"), headers=HTMX).content.decode()

    assert "Field 3" in more
    assert 'value="order_id"' in more
    assert 'value="order_id"' not in less
    assert 'value="amount"' in less


@pytest.mark.parametrize(
    ("changes", "control"),
    [
        ({"f.name": "Ümläut"}, "f-name"), ({"f.name": ""}, "f-name"), ({"f.fields.1.name": ""}, "f-fields-1-name"),
        ({"f.fields.1.name": "order_id"}, "f-fields-1-name"), ({"f.fields.1.scale": "many"}, "f-fields-1-scale"),
        ({"f.fields.1.name": "x\x00y"}, "f-fields-1-name"),
        ({"f.fields.1.precision": "9" * 15}, "f-fields-1-precision"),
        ({"f.displayName": "x" * 121}, "f-displayName"), ({"f.fields.0.dataType": "nonsense"}, "f-fields-0-dataType"),
    ],
    ids=["name", "no-name", "no-column", "twice", "no-number", "nul", "digits", "long", "type"],
)  # fmt: skip
def test_what_cannot_be_stands_beside_its_field(
    changes: dict[str, str], control: str, acme: Tenant, eve: Person
) -> None:
    answer = eve.browser().post(f"{SCHEMAS}/new", typed(**changes), headers=HTMX)

    assert answer.status_code == 400
    assert f'href="#{control}"' in answer.content.decode()
    assert not DataSchema.objects.for_tenant(acme).exists()


def test_a_name_that_is_taken_is_said(acme: Tenant, eve: Person) -> None:
    make_schema(acme)

    answer = eve.browser().post(f"{SCHEMAS}/new", typed(), headers=HTMX)

    assert answer.status_code == 400
    assert 'href="#f-name"' in answer.content.decode()


def test_a_schema_shows_its_first_rows_and_its_fields(acme: Tenant, bob: Person) -> None:
    text = bob.browser().get(page_of(kept(acme))).content.decode()

    assert "2 rows in public.ds_orders" in text
    assert "&lt;b&gt;first&lt;/b&gt;" in text
    assert "bigint" in text


def test_a_schema_whose_table_is_gone_says_so(acme: Tenant, bob: Person) -> None:
    text = bob.browser().get(page_of(make_schema(acme))).content.decode()

    assert "The table cannot be read" in text


def test_words_change_and_columns_are_added_at_the_end(acme: Tenant, eve: Person) -> None:
    schema = kept(acme)
    change = {
        "act": "save", "f.__here": "1", "f.displayName": "All orders", "f.fields.0.__here": "1",
        "f.fields.0.name": "currency", "f.fields.0.dataType": "varchar", "f.fields.0.isNullable": "on",
    }  # fmt: skip

    eve.browser().post(page_of(schema, "edit"), change)

    schema.refresh_from_db()
    assert schema.display_name == "All orders"
    assert columns(schema) == ["order_id", "note", "currency"]


def test_a_new_column_that_cannot_be_stands_beside_its_own_field(acme: Tenant, eve: Person) -> None:
    schema = kept(acme)
    change = {
        "act": "save", "f.__here": "1", "f.displayName": "Orders", "f.fields.0.__here": "1", "f.fields.0.name": "note",
        "f.fields.0.dataType": "varchar", "f.fields.0.isNullable": "on",
    }  # fmt: skip

    answer = eve.browser().post(page_of(schema, "edit"), change, headers=HTMX)

    assert answer.status_code == 400
    assert 'href="#f-fields-0-name"' in answer.content.decode()


def test_a_schema_that_a_pipeline_fills_stays(acme: Tenant, eve: Person) -> None:
    schema = kept(acme)
    make_pipeline(acme)

    answer = eve.browser().post(page_of(schema, "delete"))

    assert "Load orders" in said(answer)
    assert "Load orders" in eve.browser().get(page_of(schema)).content.decode()


def test_a_schema_that_nobody_fills_goes_with_its_table(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(page_of(kept(acme), "delete"))

    assert answer["Location"] == SCHEMAS
    assert not DataSchema.objects.for_tenant(acme).exists()


def test_a_viewer_changes_no_schema(acme: Tenant, bob: Person) -> None:
    schema = kept(acme)

    assert bob.browser().post(page_of(schema, "delete")).status_code == 403
    assert bob.browser().get(page_of(schema, "edit")).status_code == 403
