"""Rows set aside, as a page and the API show them."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from flows.formats.base import BadRow
from flows.models import Pipeline, PipelineRun, PipelineVersion
from flows.selectors.quarantine import quarantine_rows
from flows.services.tables import data_schema_of
from flows.targets.rejecting import write_bad_rows
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant
from tests.flows.schemas.conftest import NOW
from tests.flows.targets.conftest import context_of

IR = {
    "nodes": [
        {"id": "src", "kind": "source"}, {"id": "plain", "kind": "validate"},
        {"id": "check", "kind": "validate", "quarantine": {"table": "dlq.orders"}},
        {"id": "odd", "kind": "validate", "quarantine": {"table": 'dlq."x"'}},
    ]
}  # fmt: skip


def make_run(tenant: Tenant, tables: dict[str, str] | None = None) -> PipelineRun:
    """Make a run of a pipeline with validate nodes."""
    pipeline = Pipeline.objects.create(tenant=tenant, name=str(uuid.uuid4()), created_at=NOW, updated_at=NOW)
    PipelineVersion.objects.create(tenant=tenant, pipeline=pipeline, version=1, ir=IR, created_at=NOW)
    metadata: dict[str, Any] = {} if tables is None else {"quarantineTables": tables}
    return PipelineRun.objects.create(
        tenant=tenant, pipeline=pipeline, ir_version=1, trigger_source="manual", status="completed_with_errors",
        not_before=NOW, created_at=NOW, metadata=metadata,
    )  # fmt: skip


def set_aside(tenant: Tenant, run: PipelineRun, node: str, *values: str, table: str = "dlq.orders") -> None:
    """Set rows of a run aside at a node."""
    context = context_of(tenant)
    of_run = type(context)(**{name: getattr(context, name) for name in context.__slots__} | {"run_id": run.pk})
    rows = [BadRow(file="in/a.csv", line=line, error="gt:0", column="amount", value=value, raw=f"{line},{value}")
            for line, value in enumerate(values, start=2)]  # fmt: skip
    with transaction.atomic():
        write_bad_rows(connection, rows, of_run, node_id=node, table=table, rule_id="amt")


def test_the_rows_of_a_node_are_shown_in_their_order(acme: Tenant) -> None:
    run, other = make_run(acme), make_run(acme)
    set_aside(acme, run, "check", "-1", "-2", "-3")
    set_aside(acme, run, "plain", "-9")
    set_aside(acme, other, "check", "-8")

    page = quarantine_rows(acme, run.pk, "check", 2)

    assert (page.run_id, page.node_id, page.table, page.count, page.message) == (
        run.pk, "check", "dlq.orders", 3, "",
    )  # fmt: skip
    assert [(row.rule_id, row.column, row.value, row.error, row.file, row.line, row.row) for row in page.rows] == [
        ("amt", "amount", "-1", "gt:0", "in/a.csv", 2, {"raw": "2,-1"}),
        ("amt", "amount", "-2", "gt:0", "in/a.csv", 3, {"raw": "3,-2"}),
    ]
    assert page.rows[0].created_at == NOW


def test_tables_that_the_run_wrote_to_come_before_those_of_its_version(acme: Tenant) -> None:
    run = make_run(acme, {"src": "dlq.orders_rejects", "check": "dlq.elsewhere"})
    set_aside(acme, run, "src", "a", table="dlq.orders_rejects")
    set_aside(acme, run, "check", "b", table="dlq.elsewhere")

    assert quarantine_rows(acme, run.pk, "src").table == "dlq.orders_rejects"
    assert [row.value for row in quarantine_rows(acme, run.pk, "check").rows] == ["b"]


def test_without_a_node_all_rows_of_the_run_are_shown(acme: Tenant) -> None:
    run = make_run(acme, {"src": "dlq.orders_rejects", "check": "dlq.orders"})
    set_aside(acme, run, "src", "a", table="dlq.orders_rejects")
    set_aside(acme, run, "check", "b", "c")

    page = quarantine_rows(acme, run.pk)

    assert (page.count, page.table) == (3, "dlq.orders, dlq.orders_rejects")
    assert sorted(str(row.value) for row in page.rows) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("node", "table", "message"),
    [
        pytest.param("check", "dlq.orders", "The table dlq.orders does not exist", id="no-table-yet"),
        pytest.param("plain", None, "The node plain has no quarantine table configured", id="none-configured"),
        pytest.param("gone", None, "The node gone has no quarantine table configured", id="no-such-node"),
        pytest.param("", None, "This run has no quarantine table configured", id="nothing-set-aside"),
        pytest.param("odd", None, "is no quarantine table", id="no-name"),
    ],
)
def test_that_there_are_no_rows_is_said_with_its_reason(
    acme: Tenant, node: str, table: str | None, message: str
) -> None:
    data_schema_of(acme)

    page = quarantine_rows(acme, make_run(acme).pk, node)

    assert (page.table, page.count, page.rows) == (table, 0, [])
    assert message in page.message


def test_a_run_that_set_nothing_aside_says_so(acme: Tenant) -> None:
    set_aside(acme, make_run(acme), "check", "-1")

    page = quarantine_rows(acme, make_run(acme).pk, "check")

    assert (page.count, page.message) == (0, "This run set no row aside here.")


def test_another_tenants_run_is_not_there(acme: Tenant, globex: Tenant) -> None:
    run = make_run(acme)
    set_aside(acme, run, "check", "-1")

    with pytest.raises(NotFound):
        quarantine_rows(globex, run.pk, "check")
    with pytest.raises(NotFound):
        quarantine_rows(acme, uuid.UUID(int=5), "check")
