"""Which types meet: the engine's words, Arrow's types, and PostgreSQL's columns."""

import pyarrow as pa
import pytest

from flows.targets.encoding.adapters import ValueRefused, empty_as_null, uuid_bytes
from flows.targets.encoding.families import family_of_arrow, family_of_type, fits, is_direct
from flows.targets.encoding.texts import text_of


@pytest.mark.parametrize(
    ("word", "family"),
    [
        pytest.param("VARCHAR", "text", id="text"), pytest.param("ENUM('a', 'b')", "text", id="enum"),
        pytest.param("UUID", "text", id="uuid"), pytest.param("JSON", "text", id="json"),
        pytest.param("UTINYINT", "int", id="unsigned"), pytest.param("bigint", "int", id="lower-case"),
        pytest.param("HUGEINT", "decimal", id="huge"), pytest.param("DECIMAL(18,2)", "decimal", id="decimal"),
        pytest.param("DOUBLE", "float", id="double"), pytest.param("BOOLEAN", "bool", id="bool"),
        pytest.param("DATE", "date", id="date"), pytest.param("TIMESTAMP_NS", "timestamp", id="nanoseconds"),
        pytest.param("TIMESTAMP WITH TIME ZONE", "timestamp", id="zone"), pytest.param("TIME", "time", id="time"),
        pytest.param("TIME WITH TIME ZONE", "time", id="time-zone"), pytest.param("BLOB", "binary", id="blob"),
        pytest.param("INTEGER[]", "nested", id="list"), pytest.param("VARCHAR[3]", "nested", id="array"),
        pytest.param("STRUCT(a INTEGER, b VARCHAR[])", "nested", id="struct"),
        pytest.param("STRUCT(a INTEGER)[]", "nested", id="structs"),
        pytest.param("MAP(VARCHAR, INTEGER)", "nested", id="map"), pytest.param('"NULL"', "null", id="null"),
        pytest.param("INTERVAL", "other", id="interval"), pytest.param("BIT", "other", id="bit"),
        pytest.param("", "other", id="nothing"),
    ],
)  # fmt: skip
def test_a_word_of_the_engine_has_a_family(word: str, family: str) -> None:
    assert family_of_type(word) == family


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        pytest.param(pa.string_view(), "text", id="view"),
        pytest.param(pa.large_string(), "text", id="large"),
        pytest.param(pa.uint64(), "int", id="int"),
        pytest.param(pa.decimal256(60, 2), "decimal", id="decimal"),
        pytest.param(pa.float16(), "float", id="half"),
        pytest.param(pa.date64(), "date", id="date"),
        pytest.param(pa.time32("s"), "time", id="time"),
        pytest.param(pa.binary(16), "binary", id="fixed"),
        pytest.param(pa.map_(pa.string(), pa.int8()), "nested", id="map"),
        pytest.param(pa.null(), "null", id="null"),
        pytest.param(pa.month_day_nano_interval(), "other", id="interval"),
    ],
)
def test_a_type_of_arrow_has_a_family(kind: pa.DataType, family: str) -> None:
    assert family_of_arrow(kind) == family


@pytest.mark.parametrize(
    ("family", "kind", "how"),
    [
        pytest.param("text", "text", "direct", id="text"), pytest.param("text", "int4", "by text", id="text-into-int"),
        pytest.param("text", "inet", "by text", id="text-into-anything"),
        pytest.param("float", "numeric", "by text", id="float-into-numeric"),
        pytest.param("int", "numeric", "direct", id="int-into-numeric"),
        pytest.param("int", "bool", "no", id="int-into-bool"),
        pytest.param("nested", "_int4", "no", id="list-into-array"),
        pytest.param("nested", "jsonb", "direct", id="list"),
        pytest.param("timestamp", "time", "no", id="timestamp-into-time"),
        pytest.param("other", "interval", "no", id="interval"), pytest.param("null", "citext", "by text", id="null"),
    ],
)  # fmt: skip
def test_a_family_meets_a_column_in_one_way(family: str, kind: str, how: str) -> None:
    assert is_direct(family, kind) == (how == "direct")
    assert fits(family, kind) == (how != "no")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        pytest.param(pa.array([1_500_000, None], pa.timestamp("us")), ["1970-01-01 00:00:01.5", None], id="fraction"),
        pytest.param(pa.array([0], pa.timestamp("us", "Europe/Berlin")), ["1970-01-01 00:00:00+00"], id="zone"),
        pytest.param(pa.array([10_000_000], pa.time64("us")), ["00:00:10"], id="time"),
        pytest.param(pa.array([b"\x00\xff", None]), ["\\x00ff", None], id="bytes"),
        pytest.param(pa.array([True, None]), ["true", None], id="bool"),
        pytest.param(pa.array([0.1, 1e20]), ["0.1", "1e+20"], id="float"),
        pytest.param(pa.array([[1, None], None]), ["[1,null]", None], id="list"),
    ],
)
def test_a_value_is_spelled_as_postgresql_spells_it(values: pa.Array, texts: list[str | None]) -> None:
    assert text_of(values).to_pylist() == texts


def test_uuids_of_every_spelling_become_sixteen_bytes() -> None:
    given = pa.array(["00000000-0000-0000-0000-00000000000A", None, "{0000000000000000000000000000000b}"])

    assert uuid_bytes(given).to_pylist() == [b"\0" * 15 + b"\x0a", None, b"\0" * 15 + b"\x0b"]


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param("0" * 31, id="short")])
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        uuid_bytes(pa.array([None, text]))


def test_only_empty_texts_become_null() -> None:
    assert empty_as_null(pa.array(["", "a", None, " "])).to_pylist() == [None, "a", None, " "]
    assert empty_as_null(pa.array([], pa.string())).to_pylist() == []
