"""Quarantine tables: made on first use, in the tenant's own schema, and holding whatever a row may hold."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection, transaction

from flows.engines.base import RejectFeed
from flows.formats.base import BadRow
from flows.targets.base import TargetRefused
from flows.targets.rejecting import write_bad_rows, write_rejects
from tests.flows.targets.conftest import NOW, World


def rejects(rows: Sequence[dict[str, str | None]], table: str | None = None) -> RejectFeed:
    """Return rows that a node set aside."""
    schema = pa.schema([pa.field(name, pa.string()) for name in ("rule_id", "column_name", "value", "error", "row")])
    whole = pa.Table.from_pylist(list(rows), schema=schema)
    return RejectFeed(
        node_id="check", table=table, rows=len(rows),
        batches=lambda: pa.RecordBatchReader.from_batches(schema, iter(whole.to_batches())),
    )  # fmt: skip


def one(**more: str) -> dict[str, str | None]:
    """Return one rejected row."""
    row: dict[str, str | None] = {
        "rule_id": "r",
        "column_name": "amount",
        "value": "-1",
        "error": "gt:0",
        "row": '{"amount": -1}',
    }
    return {**row, **more}


def quarantined(world: World, what: str, name: str = "t_acme_dlq.orders") -> list[tuple[Any, ...]]:
    """Return rows of a quarantine table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM {name} ORDER BY id")
        return [tuple(row) for row in cursor.fetchall()]


def write(world: World, feed: RejectFeed, default: str = "dlq.orders") -> int:
    """Write in a transaction."""
    with transaction.atomic():
        return write_rejects(connection, feed, world.context, default_table=default)


def test_a_rejected_row_is_kept_whole(world: World) -> None:
    count = write(world, rejects([one()]))

    assert count == 1
    assert quarantined(world, "run_id, node_id, rule_id, column_name, value, error, row->>'amount', created_at") == [
        (world.context.run_id, "check", "r", "amount", "-1", "gt:0", "-1", NOW)
    ]


def test_the_table_of_the_node_comes_before_the_default(world: World) -> None:
    write(world, rejects([one()], table="dlq.mine"))

    assert quarantined(world, "value", "t_acme_dlq.mine") == [("-1",)]


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        pytest.param('{"a": "x\\u0000y"}', "x\ufffdy", id="nul-escape"),
        pytest.param('{"a": "x\\ud800y"}', "x\ufffdy", id="half-surrogate"),
        pytest.param('{"a": "\\\\u0000\\u0000\\u0000\\u0000"}', "\\u0000\ufffd\ufffd\ufffd", id="beside-a-backslash"),
        pytest.param('{"a": "x\x00y"}', "x\ufffdy", id="raw-nul"),
    ],
)
def test_what_jsonb_cannot_hold_does_not_fail_the_run(world: World, row: str, kept: str) -> None:
    write(world, rejects([one(row=row, value="a\x00b")]))

    assert quarantined(world, "row->>'a', value") == [(kept, "a\ufffdb")]


def test_an_unreadable_row_has_its_file_and_line(world: World) -> None:
    bad = [BadRow(file="in/a.csv", line=7, error="too many columns", raw="1,2,3,4\x00")]

    with transaction.atomic():
        count = write_bad_rows(connection, bad, world.context, node_id="src", table="dlq.orders_rejects")

    assert count == 1
    found = quarantined(world, "file, line, rule_id, error, row->>'raw'", "t_acme_dlq.orders_rejects")
    assert found == [("in/a.csv", 7, "unreadable", "too many columns", "1,2,3,4\ufffd")]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("public.ds_orders", id="target"), pytest.param('dlq."x"', id="quotes"),
        pytest.param("t_globex_dlq.orders", id="other-tenant"), pytest.param("dlq.Orders", id="case"),
        pytest.param("orders\n", id="newline"), pytest.param("dlq.оrders", id="cyrillic"),
    ],
)  # fmt: skip
def test_no_other_spelling_reaches_a_table(world: World, name: str) -> None:
    with pytest.raises(TargetRefused, match="is no quarantine table"):
        write(world, rejects([one()], table=name))


def test_a_table_with_other_columns_is_refused(world: World) -> None:
    world.run("CREATE TABLE t_acme_dlq.orders (id bigint)")

    with pytest.raises(TargetRefused, match="no quarantine table: it has no run_id"):
        write(world, rejects([one()]))
