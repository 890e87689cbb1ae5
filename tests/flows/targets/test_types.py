"""Every type that DuckDB gives arrives as PostgreSQL itself would read its text."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from flows.targets.base import TargetRefused
from tests.flows.targets.conftest import World, target_of

# (name, DuckDB expressions, PostgreSQL type): the text of each must be what PostgreSQL makes of DuckDB's own text.
SAME = {
    "bool": (["true", "false", "NULL::BOOLEAN"], "boolean"),
    "tinyint": (["(-128)::TINYINT", "127::TINYINT"], "smallint"),
    "smallint": (["(-32768)::SMALLINT", "32767::SMALLINT"], "smallint"),
    "integer": (["(-2147483648)::INTEGER", "0::INTEGER", "NULL"], "integer"),
    "int-into-bigint": (["7::INTEGER"], "bigint"),
    "bigint": (["(-9223372036854775808)::BIGINT", "9223372036854775807::BIGINT"], "bigint"),
    "bigint-into-integer": (["5::BIGINT", "(-5)::BIGINT"], "integer"),
    "utinyint": (["255::UTINYINT"], "integer"),
    "uinteger": (["4294967295::UINTEGER"], "bigint"),
    "ubigint": (["18446744073709551615::UBIGINT"], "numeric"),
    "hugeint": (["99999999999999999999999999999999999999::HUGEINT", "-1::HUGEINT"], "numeric"),
    "hugeint-into-bigint": (["12::HUGEINT"], "bigint"),
    "int-into-numeric": (["12::INTEGER", "NULL"], "numeric(10,2)"),
    "int-into-double": (["12::INTEGER"], "double precision"),
    "decimal-4": (["-12.34::DECIMAL(4,2)", "0.00::DECIMAL(4,2)"], "numeric"),
    "decimal-9": (["1234567.89::DECIMAL(9,2)"], "numeric(12,4)"),
    "decimal-18": (["-9999999999999999.99::DECIMAL(18,2)", "0.10::DECIMAL(18,2)"], "numeric"),
    "decimal-38": (["12345678901234567890123456789012345.678::DECIMAL(38,3)", "-0.001::DECIMAL(38,3)"], "numeric"),
    "decimal-scale-38": (["0.00000000000000000000000000000000000001::DECIMAL(38,38)"], "numeric"),
    "decimal-rounds": (["1.005::DECIMAL(9,3)", "-1.005::DECIMAL(9,3)"], "numeric(9,2)"),
    "decimal-into-integer": (["5.00::DECIMAL(9,2)"], "text"),
    "double": (["0.1::DOUBLE", "-1e308::DOUBLE", "'NaN'::DOUBLE", "'inf'::DOUBLE", "'-inf'::DOUBLE"], "float8"),
    "float": (["0.1::FLOAT", "3.4e38::FLOAT", "'NaN'::FLOAT"], "real"),
    "double-into-numeric": (["1.005::DOUBLE", "1e-7::DOUBLE", "'NaN'::DOUBLE", "123456789.123::DOUBLE"], "numeric"),
    "double-rounds": (["1.005::DOUBLE", "2.675::DOUBLE"], "numeric(9,2)"),
    "text": (["'a'", "'it''s \"x\" \\ ,;\t'", "'é漢😀'", "NULL"], "text"),
    "newlines": (["'a\nb\r\nc'"], "text"),
    "varchar": (["'abc'"], "varchar(3)"),
    "char": (["'ab'"], "char(3)"),
    "enum": (["'b'::ENUM('a', 'b')", "NULL::ENUM('a', 'b')"], "text"),
    "date": (["DATE '2024-02-29'", "DATE '0001-01-01'", "DATE '9999-12-31'", "NULL"], "date"),
    "date-into-timestamp": (["DATE '2024-02-29'"], "timestamp"),
    "timestamp": (["TIMESTAMP '2024-01-01 01:02:03.456789'", "TIMESTAMP '1969-12-31 23:59:59.999999'"], "timestamp"),
    "timestamp-s": (["'2024-01-01 01:02:03'::TIMESTAMP_S"], "timestamp"),
    "timestamp-ms": (["'2024-01-01 01:02:03.456'::TIMESTAMP_MS"], "timestamp"),
    "timestamp-ns": (["'2024-01-01 01:02:03.456789'::TIMESTAMP_NS"], "timestamp"),
    "timestamp-into-tz": (["TIMESTAMP '2024-07-01 12:00:00'"], "timestamptz"),
    "timestamptz": (["TIMESTAMPTZ '2024-07-01 12:00:00+05:30'", "NULL"], "timestamptz"),
    "timestamptz-into-plain": (["TIMESTAMPTZ '2024-07-01 12:00:00+02'"], "timestamp"),
    "timestamp-into-date": (["TIMESTAMP '2024-01-01 23:59:59'"], "text"),
    "timestamptz-into-text": (["TIMESTAMPTZ '2024-07-01 12:00:00.50+00'"], "text"),
    "time": (["TIME '01:02:03.000004'", "TIME '00:00:00'", "NULL"], "time"),
    "uuid": (["'0190aBcd-0000-7000-8000-000000000001'::UUID", "NULL"], "uuid"),
    "text-into-uuid": (["'{0190abcd-0000-7000-8000-000000000001}'", "'0190abcd00007000800000000000000F'"], "uuid"),
    "json": (['\'{"b": [1, null], "a": 1.50}\'::JSON', "'null'::JSON", "NULL"], "jsonb"),
    "json-into-json": (["'{\"b\":  1}'::JSON"], "json"),
    "bool-into-jsonb": (["true"], "jsonb"),
    "decimal-into-jsonb": (["1.50::DECIMAL(9,2)"], "jsonb"),
    "text-into-integer": (["' 12 '", "NULL"], "integer"),
    "text-into-numeric": (["'1e3'", "'NaN'"], "numeric"),
    "text-into-boolean": (["'yes'", "'f'", "NULL"], "boolean"),
    "text-into-date": (["'January 8, 1999'"], "date"),
    "text-into-timestamptz": (["'2024-01-01 10:00 Europe/Berlin'"], "timestamptz"),
    "text-into-interval": (["'1 day 02:00'"], "interval"),
    "text-into-array": (["'{1,2}'"], "integer[]"),
    "text-into-inet": (["'10.0.0.1'"], "inet"),
    "null": (["NULL"], "timestamptz"),
}


STRUCT = '{"a": 1.25, "b": ["2024-01-01"]}'


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a session of DuckDB in UTC."""
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        yield session


def rows_of(engine: duckdb.DuckDBPyConnection, expressions: list[str]) -> pa.Table:
    """Return one column v of the values, with their number n."""
    selects = [f"SELECT {index} AS n, {each} AS v" for index, each in enumerate(expressions)]
    return engine.sql(" UNION ALL ".join(selects)).to_arrow_table()


@pytest.mark.parametrize(("expressions", "kind"), [pytest.param(*case, id=name) for name, case in SAME.items()])
def test_a_value_arrives_as_postgresql_reads_its_text(
    world: World, engine: duckdb.DuckDBPyConnection, expressions: list[str], kind: str
) -> None:
    rows = rows_of(engine, expressions)
    world.make(f"n bigint, v {kind}")
    texts = engine.sql("SELECT n, v::VARCHAR FROM rows ORDER BY n").fetchall()

    world.load(target_of(), rows)

    world.run("SET LOCAL TimeZone = 'UTC'")
    world.make(f"n bigint, v {kind}", "ds_texts")
    for number, text in texts:
        world.run(f"INSERT INTO t_acme.ds_texts SELECT %s, %s::text::{kind}", number, text)
    assert world.rows("n, v::text") == world.rows("n, v::text", "ds_texts")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param("[1, NULL, 3]", "[1, null, 3]", id="list"),
        pytest.param("{'a': 1.25::DECIMAL(9,2), 'b': [DATE '2024-01-01']}", STRUCT, id="struct"),
        pytest.param("MAP {'k': 'v\"'}", '{"k": "v\\""}', id="map"),
        pytest.param("[1, 2]::INTEGER[2]", "[1, 2]", id="array"),
    ],
)  # fmt: skip
def test_what_is_nested_becomes_json(
    world: World, engine: duckdb.DuckDBPyConnection, expression: str, text: str
) -> None:
    world.make("n bigint, v jsonb")

    world.load(target_of(), rows_of(engine, [expression, "NULL"]))

    assert world.rows("v::text", order="n") == [(text,), (None,)]


def test_bytes_arrive_as_they_are(world: World, engine: duckdb.DuckDBPyConnection) -> None:
    world.make("n bigint, v bytea")

    world.load(target_of(), rows_of(engine, ["'\\x00\\xFF'::BLOB", "NULL"]))

    assert world.rows("encode(v, 'hex')", order="n") == [("00ff",), (None,)]


@pytest.mark.parametrize(
    ("expressions", "kind", "message"),
    [
        pytest.param(["1::BIGINT", "2147483648::BIGINT"], "integer", "Row 2, column v: '2147483648'", id="overflow"),
        pytest.param(["1.0::DECIMAL(9,1)", "1.5::DECIMAL(9,1)"], "integer", "Row 2, column v: '1.5'", id="fraction"),
        pytest.param(["1::DOUBLE", "'NaN'::DOUBLE"], "bigint", "Row 2, column v: 'nan'", id="nan-into-integer"),
        pytest.param(["'a'", "'a' || chr(0) || 'b'"], "text", "row 2, column v: a text has a NUL", id="nul"),
        pytest.param(["'1'", "'x'"], "integer", "row 2, column v: invalid input syntax", id="text-into-integer"),
        pytest.param(["'abc'", "'abcd'"], "varchar(3)", "row 2, column v: value too long", id="too-long"),
        pytest.param(["1.00::DECIMAL(9,2)", "999.99::DECIMAL(9,2)"], "numeric(4,2)", "row 2.*overflow", id="numeric"),
        pytest.param(["uuid()::VARCHAR", "'nope'"], "uuid", "Row 2, column v: 'nope'", id="uuid"),
        pytest.param(["uuid()::VARCHAR", "'zzzzzzzz-0000-7000-8000-000000000001'"], "uuid", "Row 2", id="uuid-digits"),
        pytest.param(["'{}'", "'{'"], "jsonb", "row 2, column v: invalid input syntax for type json", id="json"),
        pytest.param(["DATE '2024-01-01'", "'infinity'::DATE"], "date", "Row 2.*years 1 and 9999", id="infinite-date"),
        pytest.param(["TIMESTAMP '2024-01-01'", "'infinity'::TIMESTAMP"], "timestamp", "Row 2.*years", id="infinite"),
        pytest.param(["'a'", "NULL"], "text NOT NULL", "row 2, column v: null value", id="not-null"),
        pytest.param(["1", "1"], "integer UNIQUE", "row 2: duplicate key.*Key \\(v\\)=\\(1\\)", id="unique"),
        pytest.param(["1", "-1"], "integer CHECK (v > 0)", "row 2: new row.*check constraint", id="check"),
        pytest.param(["['NaN'::DOUBLE]"], "jsonb", "row 1, column v: invalid input", id="nan-in-a-list"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_with_its_row(
    world: World, engine: duckdb.DuckDBPyConnection, expressions: list[str], kind: str, message: str
) -> None:
    world.make(f"n bigint, v {kind}")

    with pytest.raises(TargetRefused, match=message):
        world.load(target_of(), rows_of(engine, expressions))

    assert world.rows() == []


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        pytest.param("[1]", "integer[]", id="list-into-array"), pytest.param("1", "date", id="int-into-date"),
        pytest.param("true", "integer", id="bool-into-int"),
        pytest.param("DATE '2024-01-01'", "uuid", id="date-into-uuid"),
        pytest.param("INTERVAL 1 DAY", "interval", id="interval"), pytest.param("1", "boolean", id="int-into-bool"),
    ],
)  # fmt: skip
def test_types_that_do_not_meet_are_refused_before_a_row_is_read(
    world: World, engine: duckdb.DuckDBPyConnection, expression: str, kind: str
) -> None:
    world.make(f"n bigint, v {kind}")

    with pytest.raises(TargetRefused, match=r"v is .* and the table's is .*; add a cast"):
        world.load(target_of(), rows_of(engine, [expression]))
