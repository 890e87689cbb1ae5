"""Samples: the first rows that leave a node, read from real files that stay where they are."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from flows.engines.base import EngineError
from flows.formats.base import UnreadableFile
from flows.ir.parsing import parse_pipeline_ir
from flows.models import Pipeline, PipelineVersion
from flows.services.previewing import MOST_BYTES, MOST_HEAD, MOST_ROWS, sample_node
from flows.services.tables import data_schema_of
from flows.services.versions import save_version
from flows.storage.base import StorageError
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.engines.world import target, transform
from tests.flows.pipeline_world import NOW, make_connector, make_pipeline
from tests.flows.previews.world import ORDERS, document, nodes, reading, sampled
from tests.flows.runs.world import make_table
from tests.flows.storage.world import Box

pytestmark = pytest.mark.django_db
COUNT = {"op": "aggregate", "groupBy": [], "measures": [{"as": "n", "fn": "count"}]}
JOIN = {
    "id": "both", "kind": "join", "left": "orders", "right": "people", "on": [{"left": "id", "right": "id"}],
    "how": "left",
}  # fmt: skip


@pytest.fixture
def mine(acme: Tenant) -> Pipeline:
    """Return a pipeline whose drafts are looked at."""
    return make_pipeline(acme)


def many_rows(size: int, end: str = "\n") -> bytes:
    """Return a CSV of two columns and at least so many bytes."""
    row = f"7,{'x' * 500}{end}"
    return (f"id,note{end}" + row * (size // len(row) + 1)).encode()


def left_behind() -> list[str]:
    """Return what is in the folder of previews."""
    return [path.name for path in Path(settings.FLOW_TEMP_DIR).iterdir()]


def test_a_sample_of_a_folder_has_types_and_leaves_out_what_is_quarantined(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)

    sample = sampled(mine, *nodes(reading()))

    assert [(column.name, column.type) for column in sample.columns] == [("id", "VARCHAR"), ("amount", "DOUBLE")]
    assert sample.rows == [{"id": "1", "amount": 10.5}, {"id": "3", "amount": 7.0}]


def test_a_sample_leaves_files_where_they_are_and_nothing_of_its_own(mine: Pipeline, inbox: Path) -> None:
    file = inbox / "orders.csv"
    file.write_text(ORDERS)
    before = file.stat()

    sampled(mine, *nodes(reading()))

    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, 1)
    assert list(inbox.iterdir()) == [file]
    assert left_behind() == []


@pytest.mark.parametrize(
    ("ordering", "first"),
    [
        pytest.param("fifo_by_name", "a", id="by name"), pytest.param("lexicographic", "a", id="by letters"),
        pytest.param("latest_by_mtime", "b", id="the latest"), pytest.param("process_all", "a", id="all"),
    ],
)  # fmt: skip
def test_a_sample_is_of_the_file_that_a_run_would_take_first(
    mine: Pipeline, inbox: Path, ordering: str, first: str
) -> None:
    for age, name in enumerate("cab"):
        (inbox / f"{name}.csv").write_text(f"id,amount\n{name},1\n")
        os.utime(inbox / f"{name}.csv", (1_000 + age, 1_000 + age))

    sample = sampled(mine, *nodes(reading(ordering=ordering)))

    assert [row["id"] for row in sample.rows] == [first]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [pytest.param(0, 0, id="none"), pytest.param(2, 2, id="some"), pytest.param(10_000, MOST_ROWS, id="too many")],
)
def test_a_sample_has_as_many_rows_as_asked_for_up_to_a_thousand(
    mine: Pipeline, inbox: Path, asked: int, shown: int
) -> None:
    (inbox / "orders.csv").write_text("id,amount\n" + "1,2\n" * (MOST_ROWS + 1))

    assert len(sampled(mine, *nodes(reading()), limit=asked).rows) == shown


@pytest.mark.parametrize(
    ("name", "compression"),
    [pytest.param("orders.csv.gz", "auto", id="by its name"), pytest.param("orders.csv", "gz", id="by the setting"),
     pytest.param("orders.csv", "auto", id="by its bytes")],
)  # fmt: skip
def test_a_packed_file_is_unpacked(mine: Pipeline, inbox: Path, name: str, compression: str) -> None:
    (inbox / name).write_bytes(gzip.compress(ORDERS.encode()))

    sample = sampled(mine, *nodes(reading(formatOptions={"compression": compression})))

    assert [row["id"] for row in sample.rows] == ["1", "3"]


def test_a_large_packed_file_is_not_cut_whatever_its_name(mine: Pipeline, inbox: Path) -> None:
    whole = b"id,note\n" + b"".join(b"7,%s\n" % os.urandom(2_000).hex().encode() for _ in range(2_200))
    packed = gzip.compress(whole, compresslevel=0)
    assert len(packed) > MOST_HEAD
    (inbox / "orders.csv").write_bytes(packed)

    sample = sampled(mine, *nodes(reading(), COUNT))

    assert sample.rows == [{"n": 2_200}]


@pytest.mark.parametrize("end", [pytest.param("\n", id="lines"), pytest.param("\r", id="carriage returns")])
def test_a_large_file_gives_whole_lines_of_its_beginning(mine: Pipeline, inbox: Path, end: str) -> None:
    (inbox / "orders.csv").write_bytes(many_rows(MOST_HEAD + 2_000_000, end))

    (row,) = sampled(mine, *nodes(reading(), COUNT)).rows
    (last,) = sampled(mine, *nodes(reading(), {"op": "expression", "field": "size", "expr": "length(note)"},
                                   {**COUNT, "groupBy": ["id", "size"]})).rows  # fmt: skip

    assert row["n"] == (MOST_HEAD - len("id,note\n")) // len(f"7,{'x' * 500}\n")
    assert last == {"id": "7", "size": 500, "n": row["n"]}


@pytest.mark.parametrize(
    ("name", "form", "start"),
    [pytest.param("a.csv.gz", "csv", b"\x1f\x8b", id="packed"), pytest.param("a.json", "json", b"[\n", id="document")],
)
def test_what_cannot_be_cut_is_not_looked_at_beyond_a_bound(
    mine: Pipeline, inbox: Path, name: str, form: str, start: bytes
) -> None:
    with (inbox / name).open("wb") as sparse:
        sparse.write(start)
        sparse.truncate(MOST_BYTES + 1)

    with pytest.raises(StorageError, match="is larger than 268,435,456 bytes"):
        sampled(mine, *nodes(reading(format=form)))

    assert left_behind() == []


def test_a_folder_without_a_file_names_the_source_and_what_it_looked_for(mine: Pipeline, inbox: Path) -> None:
    (inbox / "other.txt").write_text("x")

    with pytest.raises(StorageError, match=r"src: no file in inbox/ matches \*\.csv"):
        sampled(mine, *nodes(reading(pattern="*.csv")))

    assert left_behind() == []


def test_a_file_without_a_byte_cannot_be_read(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").touch()

    with pytest.raises(UnreadableFile, match=r"orders\.csv is empty"):
        sampled(mine, *nodes(reading()))


def test_a_value_that_stops_the_run_stops_the_sample_and_names_its_node(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)

    with pytest.raises(EngineError, match=r"amount is '10\.5', which is not a bigint") as failed:
        sampled(mine, *nodes(reading(), {"op": "cast", "id": "whole", "field": "amount", "to": "bigint"}))

    assert (failed.value.node_id, failed.value.rule_id) == ("clean", "whole")


def test_two_sources_meet_in_a_join(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)
    (inbox / "people.jsonl").write_text('{"id": 1, "name": "Ann"}\n{"id": 3, "name": "Cid"}\n')
    both = [
        reading("orders", pattern="orders*"), reading("people", pattern="people*", format="jsonl"), JOIN,
        target("out", "both"),
    ]  # fmt: skip

    sample = sampled(mine, *both, at="both")

    assert [(row["id"], row["name"]) for row in sample.rows] == [("1", "Ann"), ("2", None), ("3", "Cid")]


def test_only_sources_that_the_node_reads_are_opened(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)
    both = [
        reading("orders", pattern="orders*"), reading("people", pattern="nobody*"), JOIN, target("out", "both"),
    ]  # fmt: skip

    assert len(sampled(mine, *both, at="orders").rows) == 3
    with pytest.raises(StorageError, match="people: no file"):
        sampled(mine, *both, at="both")


def test_a_draft_is_sampled_and_not_the_version_that_was_saved(acme: Tenant, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)
    saved = document(*nodes(reading(), {"op": "drop", "fields": ["amount"]}))
    mine = make_pipeline(acme, ir=saved)
    save_version(
        tenant=acme, pipeline_id=mine.pk, ir=document(*nodes(reading(), COUNT)), actor=SYSTEM, now=NOW, publish=True
    )

    draft = sampled(mine, *nodes(reading(), {"op": "filter", "expr": "id = '3'"}))
    versions = PipelineVersion.objects.for_tenant(acme).filter(pipeline=mine).order_by("version")
    kept = [
        sample_node(pipeline=mine, ir=parse_pipeline_ir(each.ir), node_id="clean", limit=9, now=NOW).rows
        for each in versions
    ]

    assert draft.rows == [{"id": "3", "amount": "7"}]
    assert kept == [[{"id": "1"}, {"id": "2"}, {"id": "3"}], [{"n": 3}]]


def test_rows_are_looked_up_in_tables_of_the_tenant_alone(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    (inbox / "orders.csv").write_text("number\n1\n2\n")
    find = {"op": "lookup_join", "table": "ds_orders", "on": [{"left": "number", "right": "id"}], "fields": ["amount"]}
    make_table(acme)
    fill(acme, "(1, 0.5)")
    make_table(globex)
    fill(globex, "(1, 99), (2, 99)")

    sample = sampled(make_pipeline(acme), *nodes(reading(), find))

    assert sample.rows == [{"number": "1", "amount": 0.5}, {"number": "2", "amount": None}]


def test_a_bucket_is_read_with_the_secret_of_its_connector(acme: Tenant, bucket: Box, inbox: Path) -> None:
    bucket.put("inbox/orders.csv", ORDERS.encode())
    connector = make_connector(acme, "Bucket", **settings_of(bucket))
    mine = make_pipeline(acme, connector_id=connector.pk)

    sample = sampled(mine, *nodes(reading(connector="s3")))

    assert [row["amount"] for row in sample.rows] == [10.5, 7.0]
    assert bucket.read("inbox/orders.csv") == ORDERS.encode()
    assert left_behind() == []


def test_a_large_object_gives_whole_lines_of_its_beginning(acme: Tenant, bucket: Box, inbox: Path) -> None:
    bucket.put("inbox/orders.csv", many_rows(MOST_HEAD + 100_000))
    own = make_connector(acme, "Bucket", **settings_of(bucket))

    (row,) = sampled(make_pipeline(acme), *nodes(reading(connector="s3", connectorId=str(own.pk)), COUNT)).rows

    assert row["n"] == (MOST_HEAD - len("id,note\n")) // len(f"7,{'x' * 500}\n")


def test_a_bucket_without_a_file_says_so(acme: Tenant, bucket: Box, inbox: Path) -> None:
    connector = make_connector(acme, "Bucket", **settings_of(bucket))

    with pytest.raises(StorageError, match="src: no file in inbox/ matches"):
        sampled(make_pipeline(acme, connector_id=connector.pk), *nodes(reading(connector="s3")))


def test_a_connector_of_another_tenant_opens_nothing(acme: Tenant, globex: Tenant, bucket: Box, inbox: Path) -> None:
    bucket.put("inbox/orders.csv", ORDERS.encode())
    theirs = make_connector(globex, "Bucket", **settings_of(bucket))

    with pytest.raises(StorageError, match="There is no such connector for this tenant"):
        sampled(make_pipeline(acme), *nodes(reading(connector="s3", connectorId=str(theirs.pk))))

    assert left_behind() == []


def test_a_node_between_may_be_asked_for_without_what_comes_after(mine: Pipeline, inbox: Path) -> None:
    (inbox / "orders.csv").write_text(ORDERS)
    broken = transform({"op": "drop", "fields": ["nobody"]}, name="late", reads="clean")
    given = [*nodes(reading())[:2], broken, target("out", "late")]

    assert len(sampled(mine, *given).rows) == 2
    with pytest.raises(EngineError, match="there is no column 'nobody'"):
        sampled(mine, *given, at="late")


def settings_of(bucket: Box) -> dict[str, Any]:
    """Return what a connector to the bucket is made of."""
    return {"type": "aws_s3", "config": dict(bucket.config), "auth_config": dict(bucket.secret)}


def fill(tenant: Tenant, values: str) -> None:
    """Put rows into the tenant's ds_orders."""
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{data_schema_of(tenant)}"."ds_orders" VALUES {values}')
