"""Random rows against a plain account of what must stand in the table."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.models import Pipeline
from tests.flows.targets.conftest import NOW, World, target_of

# No NUL, which PostgreSQL has not, and no half of a surrogate pair, which UTF-8 has not.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.datetimes()
KINDS: dict[str, tuple[str, pa.DataType, st.SearchStrategy[Any]]] = {
    "a": ("bigint", pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "b": ("text", pa.string(), TEXTS.filter(bool)),
    "c": ("numeric(20,4)", pa.decimal128(20, 4), st.decimals(-(10**15), 10**15, places=4)),
    "d": ("double precision", pa.float64(), st.floats(allow_nan=False)),
    "e": ("date", pa.date32(), st.dates()),
    "f": ("timestamp", pa.timestamp("us"), MOMENTS),
    "g": ("boolean", pa.bool_(), st.booleans()),
    "h": ("smallint", pa.int64(), st.integers(-(2**15), 2**15 - 1)),
    "i": ("time", pa.time64("us"), st.times()),
    "j": ("uuid", pa.string(), st.uuids().map(str)),
}
ROWS = st.lists(st.tuples(*(st.none() | strategy for _, _, strategy in KINDS.values())), max_size=30)
CHANGES = st.lists(st.dictionaries(st.integers(0, 8), st.none() | TEXTS.filter(bool), max_size=6), max_size=5)
MANY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def arrow(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows as the engine gives them."""
    columns = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    return pa.table({
        name: pa.array(list(column), kind) for (name, (_, kind, _)), column in zip(KINDS.items(), columns, strict=True)
    })  # fmt: skip


def read(value: Any) -> Any:
    """Return a value as psycopg reads it back."""
    return str(value) if isinstance(value, uuid.UUID) else value


@MANY
@given(rows=ROWS, batch_rows=st.integers(1, 7))
def test_every_row_arrives_as_it_was(world: World, rows: list[tuple[Any, ...]], batch_rows: int) -> None:
    with transaction.atomic():
        world.make(", ".join(f"{name} {kind}" for name, (kind, _, _) in KINDS.items()))
        world.load(target_of(), arrow(rows), batch_rows=batch_rows)

        found = world.rows(", ".join(KINDS), order="(_kaireon_lineage->>'writeOrder')::bigint") if rows else []
        transaction.set_rollback(True)

    assert [tuple(map(read, row)) for row in found] == rows


@MANY
@given(loads=CHANGES)
def test_upserts_in_turn_leave_what_a_dictionary_would(world: World, loads: list[dict[int, str | None]]) -> None:
    expected: dict[int, str | None] = {}
    with transaction.atomic():
        world.make("id bigint PRIMARY KEY, name text")
        for load in loads:
            changed = sum(key not in expected or expected[key] != value for key, value in load.items())
            rows = pa.table(
                {"id": pa.array(list(load), pa.int64()), "name": pa.array(list(load.values()), pa.string())}
            )

            loaded = world.load(target_of(mode="upsert", upsertKey="id"), rows)

            assert (loaded.rows_written, loaded.rows_skipped) == (changed, len(load) - changed)
            expected |= load
        found = dict(world.rows("id, name"))
        transaction.set_rollback(True)

    assert found == expected


@MANY
@given(loads=st.lists(st.lists(st.decimals(-100, 100, places=2), max_size=6), max_size=5))
def test_a_watermark_takes_each_higher_value_once(world: World, loads: list[list[Decimal]]) -> None:
    expected: list[Decimal] = []
    with transaction.atomic():
        made = Pipeline.objects.create(tenant=world.tenant, name="Marks", created_at=NOW, updated_at=NOW)
        world.context = world.of_pipeline(made.pk)
        world.make("v numeric")
        target = target_of(mode="incremental_watermark", watermarkColumn="v")
        for load in loads:
            highest = max(expected, default=None)
            expected += [value for value in load if highest is None or value > highest]
            # As texts, which a comparison by text would order otherwise.
            world.load(target, pa.table({"v": pa.array([str(value) for value in load], pa.string())}))
        found = [row[0] for row in world.rows("v")]
        transaction.set_rollback(True)

    assert found == sorted(expected)


@MANY
@given(texts=st.lists(st.none() | TEXTS, max_size=20))
def test_texts_that_postgresql_reads_itself_keep_every_character(world: World, texts: list[str | None]) -> None:
    numbers = pa.array([str(index) for index in range(len(texts))], pa.string())
    rows = pa.table({"n": numbers, "v": pa.array(texts, pa.string())})
    with transaction.atomic():
        world.make("n integer, v text")
        # A text into an integer makes the whole load CSV.
        world.load(
            target_of(mode="truncate", allowEmpty=True), rows.cast(pa.schema([("n", pa.string()), ("v", pa.string())]))
        )
        found = [row[0] for row in world.rows("v", order="n")]
        transaction.set_rollback(True)

    assert found == texts
