"""Around every load: one transaction, the tenant's tables alone, a copy before, and a look at the number of rows."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection, transaction
from pydantic import ValidationError

from flows.decisions.naming import NameRefused, fitted, literal, quarantine_schema, quoted, target_table
from flows.engines.base import EngineError, Feed
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.models import Pipeline, PipelineRun
from flows.services.tables import data_schema_of
from flows.targets.base import TargetRefused
from flows.targets.loading import load_feed
from kaireon.platform.errors import Conflict
from kaireon.platform.tenancy.models import Tenant
from tests.flows.targets.conftest import NOW, World, context_of, feed_of, target_of

ROWS = pa.table({"id": pa.array(range(5_000), pa.int64())})
SPELLINGS = {
    "schema": "t_globex.ds_orders", "quotes": 'public."ds_orders"', "quote": 'ds_orders"', "case": "DS_ORDERS",
    "other": "tenancy_user", "public-other": "public.tenancy_user", "newline": "ds_orders\n", "nul": "ds_orders\0",
    "cyrillic": "ds_оrders", "full-width": "ｄｓ_orders", "dlq": "dlq.orders", "dots": "public.ds_orders.x",
    "statement": "ds_orders; DROP TABLE x", "empty": "", "long": "ds_" + "a" * 61, "space": " ds_orders",
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(text, id=key) for key, text in SPELLINGS.items()])
def test_no_other_spelling_reaches_a_table(name: str) -> None:
    with pytest.raises(NameRefused):
        target_table(name, "t_acme")
    with pytest.raises(ValidationError):
        target_of(name)


def test_a_table_of_another_tenant_is_not_there(world: World, globex: Tenant) -> None:
    other = World(globex, context_of(globex), "t_globex")
    other.make("id bigint", "ds_theirs")
    unchecked = TargetNode.model_construct(**dict(target_of()) | {"table": "ds_theirs"})

    with pytest.raises(TargetRefused, match=r"no table public\.ds_theirs"):
        world.load(unchecked, ROWS)


def test_public_is_the_tenants_own_schema(world: World) -> None:
    world.run("CREATE TABLE public.ds_orders (id bigint)")

    with pytest.raises(TargetRefused, match=r"no table public\.ds_orders"):
        world.load(target_of("public.ds_orders"), ROWS)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        pytest.param("CREATE VIEW t_acme.ds_orders AS SELECT * FROM tenancy_user", "is a view", id="view"),
        pytest.param("CREATE SEQUENCE t_acme.ds_orders", "is a sequence", id="sequence"),
    ],
)
def test_what_is_no_table_takes_no_rows(world: World, statement: str, message: str) -> None:
    world.run(statement)

    with pytest.raises(TargetRefused, match=message):
        world.load(target_of(), ROWS)


def test_everything_that_does_not_fit_is_said_at_once(world: World) -> None:
    world.make("id bigint, order_id text NOT NULL, day date, twice bigint GENERATED ALWAYS AS (id * 2) STORED")
    rows = pa.table({"Order_ID": ["a"], "day": pa.array([1]), "twice": pa.array([2]), "_kaireon_lineage": ["{}"]})

    with pytest.raises(TargetRefused) as refusal:
        world.load(target_of(), rows)

    for part in (
        "no column Order_ID (there is order_id)", "day is BIGINT and the table's is date", "twice is computed",
        "_kaireon_lineage is written by the run", "order_id must have a value",
    ):  # fmt: skip
        assert part in refusal.value.message


def test_a_load_outside_a_transaction_is_a_mistake_of_the_caller(world: World) -> None:
    with pytest.raises(RuntimeError, match="half of its rows"):
        load_feed(_Loose(), target_of(), feed_of(ROWS), world.context)  # type: ignore[arg-type]


class _Loose:
    in_atomic_block = False


def test_whoever_follows_the_progress_can_stop_the_load(world: World) -> None:
    world.make("id bigint")

    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        load_feed(connection, target_of(), feed_of(ROWS), context_of(world.tenant, on_progress=stop))

    assert world.rows() == []


def test_the_last_progress_is_of_all_rows(world: World) -> None:
    world.make("id bigint")
    told: list[int] = []

    with transaction.atomic():
        load_feed(connection, target_of(), feed_of(ROWS), context_of(world.tenant, on_progress=told.append))

    assert told[-1] == 5_000


def test_an_engine_that_fails_in_the_middle_leaves_nothing(world: World) -> None:
    world.make("id bigint")

    def batches() -> Any:
        yield from ROWS.to_batches(max_chunksize=1_000)
        raise EngineError("a cast failed", node_id="cast")

    feed = Feed(
        "out", (Column("id", "BIGINT"),), None, lambda: pa.RecordBatchReader.from_batches(ROWS.schema, batches())
    )
    with pytest.raises(EngineError, match="a cast failed"), transaction.atomic():
        load_feed(connection, target_of(), feed, world.context)

    assert world.rows() == []


def test_long_rows_are_sent_in_pieces(world: World) -> None:
    world.make("id bigint, name text")
    rows = pa.table({"id": pa.array(range(40), pa.int64()), "name": ["x" * 1_000_000] * 40})

    loaded = world.load(target_of(), rows, batch_rows=40)

    assert loaded.rows_written == 40
    assert world.rows("count(*), sum(length(name)), max((_kaireon_lineage->>'writeOrder')::int)") == [
        (40, 40_000_000, 40)
    ]


def test_a_column_may_have_any_name(world: World) -> None:
    world.make('"a ""b"" %s; é" bigint')

    world.load(target_of(), pa.table({'a "b" %s; é': pa.array([1])}))

    assert world.rows('"a ""b"" %s; é"') == [(1,)]


def test_the_copy_before_a_load_is_the_table_before_it(world: World) -> None:
    world.make("id bigint")
    target = target_of(mode="truncate", backupBeforeLoad=True)
    for start in (1, 2, 3):
        world.load(target, pa.table({"id": pa.array([start])}))

    assert world.rows("id") == [(3,)]
    assert world.rows("id", "ds_orders_backup") == [(2,)]


def test_a_copy_never_replaces_a_table_of_the_tenant(world: World) -> None:
    world.make("id bigint")
    world.make("id bigint", "ds_orders_backup")

    with pytest.raises(TargetRefused, match=r"needs the name public\.ds_orders_backup"):
        world.load(target_of(backupBeforeLoad=True), ROWS)


@pytest.fixture
def history(world: World) -> Pipeline:
    """Return a pipeline with four good runs of about a hundred rows, and a failed one."""
    pipeline = Pipeline.objects.create(tenant=world.tenant, name="Nightly", created_at=NOW, updated_at=NOW)
    good = [("completed", 100), ("completed_with_errors", 90), ("completed", 110), ("completed", 100)]
    for index, (status, rows) in enumerate([*good, ("failed", 9_999)]):
        PipelineRun.objects.create(
            tenant=world.tenant, pipeline=pipeline, ir_version=1, trigger_source="manual", status=status,
            not_before=NOW, created_at=NOW + timedelta(minutes=index), rows_out=7,
            metadata={"targetRows": {"out": rows}},
        )  # fmt: skip
    world.context = world.of_pipeline(pipeline.pk)
    world.make("id bigint")
    return pipeline


def counted(rows: int, **rule: Any) -> tuple[TargetNode, pa.Table]:
    """Return a target that looks at the number of rows, and as many rows."""
    return target_of(rowCountAnomaly={"maxChangePercent": 20, **rule}), ROWS.slice(0, rows)


@pytest.mark.usefixtures("history")
def test_about_as_many_rows_as_before_are_no_anomaly(world: World) -> None:
    assert world.load(*counted(119)).warnings == ()


@pytest.mark.usefixtures("history")
def test_an_unusual_number_of_rows_is_a_warning(world: World) -> None:
    (warning,) = world.load(*counted(50)).warnings

    assert warning.startswith("50 rows are 50 % fewer than the mean of the last 4 runs (100)")


@pytest.mark.usefixtures("history")
def test_an_unusual_number_of_rows_stops_the_load_where_that_is_meant(world: World) -> None:
    with pytest.raises(TargetRefused, match="200 % more"):
        world.load(*counted(300, onFail="abort"))

    assert world.rows() == []


@pytest.mark.parametrize(
    ("is_on", "message"),
    [
        pytest.param(False, "streaming disabled", id="off"),
        pytest.param(True, "Debezium connector not configured", id="on"),
    ],
)  # fmt: skip
def test_changes_cannot_be_mirrored(world: World, settings: Any, is_on: bool, message: str) -> None:
    settings.FLOW_STREAMING_ENABLED = is_on
    world.make("id bigint")

    with pytest.raises(TargetRefused, match=message):
        world.load(target_of(mode="cdc_mirror"), ROWS)


def test_a_schema_that_another_tenant_has_is_not_shared(world: World) -> None:
    twin = Tenant.objects.create(name="Twin", slug="acme-dlq", data_schema="t_acme_dlq")

    with pytest.raises(Conflict, match="belongs to another tenant"):
        data_schema_of(twin)


def test_the_first_tenant_has_public_and_dlq() -> None:
    assert quarantine_schema("public") == "dlq"
    assert quarantine_schema("t_acme") == "t_acme_dlq"
    assert len(quarantine_schema("t_" + "a" * 61)) == 63


@pytest.mark.parametrize(
    "name", [pytest.param("", id="empty"), pytest.param("a\0", id="nul"), pytest.param("é" * 32, id="long")]
)
def test_what_cannot_be_a_name_is_not_quoted(name: str) -> None:
    with pytest.raises(NameRefused):
        quoted(name)


def test_names_and_texts_keep_their_quotes_inside() -> None:
    assert quoted('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'
    assert literal("it's \\") == "'it''s \\'"
    assert fitted("a" * 63, "_new") != fitted("a" * 62 + "b", "_new")
    with pytest.raises(NameRefused):
        literal("\0")
