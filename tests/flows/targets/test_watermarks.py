"""incremental_watermark: what is above the mark, and a mark that moves with the rows or not at all."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from django.db import transaction

from flows.models import Pipeline, PipelineWatermark
from flows.targets.base import TargetRefused
from tests.flows.targets.conftest import NOW, World, target_of


@pytest.fixture
def pipeline(world: World) -> Pipeline:
    """Return the pipeline that keeps the marks."""
    made = Pipeline.objects.create(
        id=world.context.pipeline_id, tenant=world.tenant, name="Nightly", created_at=NOW, updated_at=NOW
    )
    world.context = world.of_pipeline(made.pk)
    return made


def load(world: World, values: Sequence[Any], kind: pa.DataType | None = None, **more: Any) -> tuple[int, int]:
    """Load values of the column v; return rows written and skipped."""
    target = target_of(mode="incremental_watermark", **({"watermarkColumn": "v"} | more))
    loaded = world.load(target, pa.table({"v": pa.array(list(values), kind)}))
    return loaded.rows_written, loaded.rows_skipped


def mark(world: World) -> str:
    """Return the mark as it is kept."""
    return PipelineWatermark.objects.for_tenant(world.tenant).get().value


@pytest.mark.parametrize(
    ("kind", "first", "second", "kept"),
    [
        pytest.param("bigint", ["9", "10"], ["10", "11", "8"], "11", id="numbers-are-no-texts"),
        pytest.param("numeric", ["9.5", "10"], ["10.0", "10.01"], "10.01", id="decimals"),
        pytest.param("date", ["2024-02-28"], ["2024-02-28", "2024-02-29"], "2024-02-29", id="dates"),
        pytest.param(
            "timestamptz", ["2024-01-01 12:00+02"], ["2024-01-01 10:00+00", "2024-01-01 10:00:00.000001+00"],
            "2024-01-01 10:00:00.000001+00", id="moments-in-any-zone",
        ),
        pytest.param("text", ["a", "b"], ["b", "c", "a"], "c", id="texts"),
    ],
)  # fmt: skip
def test_only_what_is_above_the_mark_is_loaded(
    world: World, pipeline: Pipeline, kind: str, first: list[str], second: list[str], kept: str
) -> None:
    world.make(f"v {kind}")
    loaded = load(world, first)

    again = load(world, second)

    assert loaded == (len(first), 0)
    assert again == (1, len(second) - 1)
    assert mark(world) == kept
    assert len(world.rows()) == len(first) + 1


def test_nothing_new_leaves_the_mark(world: World, pipeline: Pipeline) -> None:
    world.make("v bigint")
    load(world, [5])

    assert load(world, [3, 5]) == (0, 2)
    assert mark(world) == "5"


def test_a_load_that_fails_leaves_the_mark(world: World, pipeline: Pipeline) -> None:
    world.make("v bigint CHECK (v < 100)")
    load(world, [5])

    with pytest.raises(TargetRefused, match="check constraint"):
        load(world, [50, 500])

    assert mark(world) == "5"
    assert world.rows("v") == [(5,)]


def test_the_mark_and_the_rows_go_back_together(world: World, pipeline: Pipeline) -> None:
    world.make("v bigint")

    with transaction.atomic():
        load(world, [5])
        transaction.set_rollback(True)

    assert world.rows("v") == []
    assert not PipelineWatermark.objects.for_tenant(world.tenant).exists()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        pytest.param("bigint", [1, None], "Row 2 has no value in v", id="null"),
        pytest.param("timestamp", ["2024-01-01", "infinity"], "Row 2 has the value infinity", id="infinity"),
        pytest.param("float8", ["1", "NaN"], "Row 2 has the value NaN", id="nan"),
        pytest.param("jsonb", ["1"], "jsonb, which has no order", id="no-order"),
    ],
)
def test_a_value_that_no_mark_can_be_is_refused(
    world: World, pipeline: Pipeline, kind: str, values: list[Any], message: str
) -> None:
    world.make(f"v {kind}")

    with pytest.raises(TargetRefused, match=message):
        load(world, values)


def test_a_mark_of_another_type_is_not_compared(world: World, pipeline: Pipeline) -> None:
    world.make("v text")
    load(world, ["9"])
    world.run("ALTER TABLE t_acme.ds_orders ALTER COLUMN v TYPE bigint USING v::bigint")

    with pytest.raises(TargetRefused, match=r"kept as text \(9\) and the column is bigint"):
        load(world, [10])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        pytest.param(None, "needs watermarkColumn", id="none"),
        pytest.param("nope", "has no column nope", id="unknown"),
        pytest.param("w", "input has no column w", id="not-in-the-input"),
    ],
)
def test_a_mark_that_is_no_column_is_refused(world: World, column: str | None, message: str) -> None:
    world.make("v bigint, w bigint")

    with pytest.raises(TargetRefused, match=message):
        load(world, [1], watermarkColumn=column)
