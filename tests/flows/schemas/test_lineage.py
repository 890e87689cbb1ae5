"""Where rows came from: the newest first, of the tenant's own tables alone."""

import json
import uuid

import pytest
from django.db import connection

from flows.models import DataSchema
from flows.selectors import lineage
from flows.selectors.lineage import lineage_rows
from flows.services.tables import data_schema_of
from kaireon.platform.errors import BadRequest, NotFound
from kaireon.platform.tenancy.models import Tenant


def write(schema: str, run: int, *orders: int) -> None:
    """Write rows as a run does, without the run."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {schema}.ds_orders ADD COLUMN IF NOT EXISTS _kaireon_lineage jsonb")
        for place, order in enumerate(orders, start=1):
            known = {
                "runId": str(uuid.UUID(int=run)), "pipelineId": str(uuid.UUID(int=9)), "sourceNodeId": "src",
                "writeOrder": place,
            }  # fmt: skip
            cursor.execute(
                f"INSERT INTO {schema}.ds_orders VALUES (%s, 'a', 1.5, %s::jsonb)", [order, json.dumps(known)]
            )


def test_the_newest_rows_come_first(orders: DataSchema, acme: Tenant) -> None:
    write("t_acme", 2, 20, 21)
    write("t_acme", 1, 10, 11)

    page = lineage_rows(acme, "public", "ds_orders", 3)

    assert (page.schema, page.table, page.column) == (orders, "ds_orders", "_kaireon_lineage")
    assert [row["order_id"] for row, _ in page.rows] == [21, 20, 11]
    assert page.rows[0][1] == {
        "runId": str(uuid.UUID(int=2)), "pipelineId": str(uuid.UUID(int=9)), "sourceNodeId": "src", "writeOrder": 2,
    }  # fmt: skip
    assert "_kaireon_lineage" not in page.rows[0][0]


@pytest.mark.parametrize(
    ("limit", "count"),
    [pytest.param(0, 1, id="below"), pytest.param(-5, 1, id="negative"), pytest.param(5_000, 3, id="above")],
)
def test_a_limit_is_held_between_1_and_1000(orders: DataSchema, acme: Tenant, limit: int, count: int) -> None:
    write("t_acme", 1, 1, 2, 3)

    assert len(lineage_rows(acme, "public", "public.ds_orders", limit).rows) == count


def test_rows_that_no_run_wrote_are_left_out(orders: DataSchema, acme: Tenant) -> None:
    write("t_acme", 1, 1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t_acme.ds_orders VALUES (2, 'by hand', 1)")

    assert [row["order_id"] for row, _ in lineage_rows(acme, "public", "ds_orders", 10).rows] == [1]


def test_a_table_without_lineage_says_how_to_get_it(orders: DataSchema, acme: Tenant) -> None:
    with pytest.raises(BadRequest, match="no column _kaireon_lineage: a pipeline adds it"):
        lineage_rows(acme, "public", "ds_orders", 10)


@pytest.mark.parametrize(
    ("schema", "table"),
    [
        pytest.param("public", "ds_nowhere", id="missing"), pytest.param("t_acme", "ds_orders", id="real-schema"),
        pytest.param("dlq", "ds_orders", id="dlq"), pytest.param("public", "tenancy_user", id="other-table"),
        pytest.param("public", "ds_orders; DROP TABLE x", id="statement"), pytest.param("public", "", id="empty"),
        pytest.param("public", "DS_ORDERS", id="case"), pytest.param("public", "ds_\0", id="nul"),
        pytest.param("pg_catalog", "pg_user", id="catalog"),
    ],
)  # fmt: skip
def test_no_other_table_is_shown(orders: DataSchema, acme: Tenant, schema: str, table: str) -> None:
    write("t_acme", 1, 1)

    with pytest.raises(NotFound):
        lineage_rows(acme, schema, table, 10)


def test_another_tenants_rows_are_not_shown(orders: DataSchema, acme: Tenant, globex: Tenant) -> None:
    write("t_acme", 1, 1)
    data_schema_of(globex)

    with pytest.raises(NotFound):
        lineage_rows(globex, "public", "ds_orders", 10)


def test_of_a_large_table_only_the_end_is_read(
    orders: DataSchema, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("t_acme", 1, *range(200))
    monkeypatch.setattr(lineage, "PAGES", 1)

    rows = lineage_rows(acme, "public", "ds_orders", 1_000).rows

    assert 0 < len(rows) < 200
    assert rows[0][0]["order_id"] == 199


def test_a_column_may_have_any_name(acme: Tenant) -> None:
    schema = data_schema_of(acme)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE {schema}.ds_odd ("50 %s ""x""" int, _kaireon_lineage jsonb)')
        cursor.execute(f"""INSERT INTO {schema}.ds_odd VALUES (7, '{{"runId": "a", "writeOrder": 1}}')""")

    page = lineage_rows(acme, "public", "ds_odd", 10)

    assert page.schema is None
    assert page.rows[0][0] == {'50 %s "x"': 7}
