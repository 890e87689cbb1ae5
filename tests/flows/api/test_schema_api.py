"""The API of schemas and their rows, as documented."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from flows.models import DataSchema
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_pipeline
from tests.people import Person

pytestmark = pytest.mark.django_db
PATH = "/api/v1/schemas"
FIELDS = [
    {"name": "order_id", "dataType": "integer", "isNullable": False},
    {"name": "customer", "displayName": "Customer", "dataType": "varchar", "length": 80},
    {"name": "amount", "dataType": "decimal", "precision": 12, "scale": 2, "defaultValue": "0"},
]
ORDERS: dict[str, Any] = {"name": "orders", "displayName": "Orders", "fields": FIELDS}


@pytest.fixture(autouse=True)
def own_schema(acme: Tenant) -> None:
    """Let Acme have a data schema that no other test's tenant has."""
    acme.data_schema = "t_acme_api"
    acme.save()


def post(client: APIClient, body: Any, path: str = PATH) -> Any:
    return client.post(path, body, format="json")


def test_a_schema_is_created_with_its_table(eve: Person) -> None:
    answer = post(eve.api(), ORDERS)

    schema = answer.json()
    assert answer.status_code == 201
    assert (schema["tableName"], schema["entityType"], schema["schemaType"]) == ("ds_orders", "custom", "customer")
    assert [(each["name"], each["dataType"], each["ordinal"]) for each in schema["fields"]] == [
        ("order_id", "integer", 0), ("customer", "varchar", 1), ("amount", "decimal", 2),
    ]  # fmt: skip
    assert eve.api().get(f"{PATH}/{schema['id']}").json() == schema
    assert eve.api().get(PATH).json()["data"] == [schema]


def test_rows_go_in_and_come_out_in_order(eve: Person) -> None:
    client = eve.api()
    path = f"{PATH}/{post(client, ORDERS).json()['id']}/data"

    rows = [{"order_id": number, "customer": f"c{number}"} for number in range(3)]
    inserted = post(client, {"rows": rows}, path)
    read = client.get(f"{path}?limit=2&offset=1").json()

    assert (inserted.status_code, inserted.json()) == (201, {"inserted": 3, "tableName": "ds_orders"})
    assert (read["total"], read["limit"], read["offset"]) == (3, 2, 1)
    assert [row["order_id"] for row in read["rows"]] == [1, 2]


def test_a_row_whose_key_is_there_is_left_out(eve: Person) -> None:
    client = eve.api()
    keyed = {"name": "keyed", "fields": [{"name": "code", "isPrimaryKey": True}, {"name": "note"}]}
    path = f"{PATH}/{post(client, keyed).json()['id']}/data"
    post(client, {"rows": [{"code": "a", "note": "first"}]}, path)

    again = post(client, {"rows": [{"code": "a", "note": "second"}, {"code": "b"}]}, path).json()

    assert again["inserted"] == 1
    assert client.get(path).json()["rows"][0] == {"code": "a", "note": "first"}


def test_a_column_is_added_and_none_is_taken_away(eve: Person) -> None:
    client = eve.api()
    path = f"{PATH}/{post(client, ORDERS).json()['id']}"

    wider = client.patch(path, {"fields": [*FIELDS, {"name": "note"}]}, format="json")
    narrower = client.patch(path, {"fields": FIELDS[:1]}, format="json")

    assert [each["name"] for each in wider.json()["fields"]][-1] == "note"
    assert narrower.status_code == 422


def test_the_ordinal_says_where_a_field_stands(eve: Person) -> None:
    fields = [{"name": "b", "ordinal": 2}, {"name": "a", "ordinal": 1}]

    schema = post(eve.api(), {"name": "ordered", "fields": fields}).json()

    assert [each["name"] for each in schema["fields"]] == ["a", "b"]


BAD: list[tuple[str, Any, int, str]] = [
    ("empty", {}, 400, "name"),
    ("unknown", {**ORDERS, "colour": 1}, 400, "colour"),
    ("no-fields", {"name": "orders", "fields": []}, 422, "fields"),
    ("capital", {**ORDERS, "name": "Orders"}, 422, "name"),
    ("injection", {**ORDERS, "name": 'x"; DROP TABLE tenancy_tenant; --'}, 422, "name"),
    ("entity", {**ORDERS, "entityType": "planet"}, 400, "entityType"),
    ("field-type", {**ORDERS, "fields": [{"name": "a", "dataType": "blob"}]}, 422, "fields[0].dataType"),
    ("field-unknown", {**ORDERS, "fields": [{"name": "a", "colour": 1}]}, 400, "fields"),
    ("field-nul", {**ORDERS, "fields": [{"name": "a\0"}]}, 400, "fields"),
    ("fields-many", {**ORDERS, "fields": [{"name": f"f{n}"} for n in range(501)]}, 400, "fields"),
    ("fields-text", {**ORDERS, "fields": "a"}, 400, "fields"),
]


@pytest.mark.parametrize(("body", "status", "field"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_bad_schema_is_refused_and_names_its_field(eve: Person, body: Any, status: int, field: str) -> None:
    answer = eve.api().post(PATH, json.dumps(body), content_type="application/json")

    assert answer.status_code == status
    assert any(name.startswith(field) for name in answer.json()["error"]["fields"])
    assert not DataSchema.objects.for_tenant(eve.tenant).exists()


@pytest.mark.parametrize(
    ("rows", "status"),
    [(None, 400), ({}, 400), ([1], 400), ([], 422), ([{"colour": 1}], 422), ([{"order_id": "x"}], 422)],
    ids=["null", "object", "number", "empty", "unknown-column", "wrong-type"],
)
def test_bad_rows_are_refused_whole(eve: Person, rows: Any, status: int) -> None:
    client = eve.api()
    path = f"{PATH}/{post(client, ORDERS).json()['id']}/data"

    answer = post(client, {"rows": rows}, path)

    assert answer.status_code == status
    assert client.get(path).json()["total"] == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "offset=-1", "offset=9999999999"])
def test_a_page_that_cannot_be_is_refused(eve: Person, query: str) -> None:
    path = f"{PATH}/{post(eve.api(), ORDERS).json()['id']}/data"

    assert eve.api().get(f"{path}?{query}").status_code == 400


def test_a_schema_in_use_stays(eve: Person) -> None:
    client = eve.api()
    schema = post(client, ORDERS).json()
    make_pipeline(eve.tenant, "Loads orders", data_schema_id=schema["id"])

    answer = client.delete(f"{PATH}/{schema['id']}")

    assert answer.status_code == 409
    assert "Loads orders" in answer.json()["error"]["message"]


def test_a_pipeline_shows_its_schema(eve: Person) -> None:
    schema = post(eve.api(), ORDERS).json()
    pipeline = make_pipeline(eve.tenant, data_schema_id=schema["id"])

    shown = eve.api().get(f"/api/v1/pipelines/{pipeline.pk}").json()

    assert shown["schema"] == {"id": schema["id"], "name": "orders", "displayName": "Orders"}


def test_a_viewer_reads_and_a_stranger_finds_nothing(eve: Person, bob: Person, charlie: Person) -> None:
    schema = post(eve.api(), ORDERS).json()
    path = f"{PATH}/{schema['id']}"

    by_viewer = [bob.api().get(path).status_code, bob.api().get(f"{path}/data").status_code]
    written = {post(bob.api(), ORDERS).status_code, post(bob.api(), {"rows": [{}]}, f"{path}/data").status_code}
    by_stranger = {charlie.api().get(each).status_code for each in (path, f"{path}/data")}

    assert (by_viewer, written, by_stranger) == ([200, 200], {403}, {404})


def test_lineage_needs_a_table_of_ones_own(eve: Person, charlie: Person) -> None:
    post(eve.api(), ORDERS)
    answers = {
        query: eve.api().get(f"/api/v1/lineage{query}").status_code
        for query in (
            "", "?table=ds_orders", "?table=ds_nothing", "?table=pg_class", "?table=tenancy_tenant",
            "?schema=pg_catalog&table=pg_class", "?table=ds_orders&limit=x", "?table=" + "x" * 64, "?table=a%00b",
        )
    }  # fmt: skip

    assert answers == {
        "": 400, "?table=ds_orders": 400, "?table=ds_nothing": 404, "?table=pg_class": 404,
        "?table=tenancy_tenant": 404, "?schema=pg_catalog&table=pg_class": 404, "?table=ds_orders&limit=x": 400,
        "?table=" + "x" * 64: 400, "?table=a%00b": 400,
    }  # fmt: skip
    assert charlie.api().get("/api/v1/lineage?table=ds_orders").status_code == 404
