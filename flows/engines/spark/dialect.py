"""What Spark says in its own words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.pyspark.datatypes import PySparkType
from pyspark.errors import PySparkException
from sqlglot import exp

from flows.engines.casting import goes_through_text
from flows.engines.rows import Rows
from flows.engines.scalar import scalar
from flows.engines.spark.casting import cast_sql, spark_type
from flows.engines.spark.expressing import in_spark
from flows.engines.spark.writing import named, quoted
from flows.ir.expressions import columns_of
from flows.ir.ops import Cast
from flows.ir.types import type_of_cast

# Types that Spark holds as another one: they go along as `kinds`.
BORROWED: Final = frozenset({"TIME", "UUID", "JSON", "TIMESTAMP WITH TIME ZONE"})
_KINDS: Final = {
    "boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
    "float32": "FLOAT", "float64": "DOUBLE", "string": "VARCHAR", "date": "DATE", "binary": "BLOB",
}  # fmt: skip
# Java writes 1.0E16 and 1.0E-5 where Python and DuckDB write 1e+16 and 1e-05, and 1.0E7 where they write 10000000.0.
_DOUBLE_TEXT: Final = """
CASE
  WHEN isnan(x) THEN 'nan'
  WHEN abs(x) = double('Infinity') THEN CASE WHEN x > 0 THEN 'inf' ELSE '-inf' END
  WHEN x = 0 OR (abs(x) >= 0.001 AND abs(x) < 1e7) THEN CAST(x AS STRING)
  WHEN abs(x) >= 1e7 AND abs(x) < 1e16 THEN
    CASE WHEN x = floor(x) THEN concat(CAST(CAST(x AS DECIMAL(20, 0)) AS STRING), '.0')
    ELSE regexp_replace(CAST(CAST(CAST(x AS STRING) AS DECIMAL(38, 20)) AS STRING), '0+$', '') END
  WHEN abs(x) >= 0.0001 AND abs(x) < 0.001 THEN
    regexp_replace(CAST(CAST(CAST(x AS STRING) AS DECIMAL(38, 30)) AS STRING), '0+$', '')
  ELSE concat(
    regexp_replace(split_part(CAST(x AS STRING), 'E', 1), '[.]0$', ''), 'e',
    CASE WHEN contains(CAST(x AS STRING), 'E-') THEN '-' ELSE '+' END,
    lpad(replace(split_part(CAST(x AS STRING), 'E', 2), '-', ''),
         greatest(2, length(replace(split_part(CAST(x AS STRING), 'E', 2), '-', ''))), '0'))
END
"""


class SparkDialect:
    """Spark behind the border `flows.engines.dialect.Dialect`."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def stop(self, message: ir.StringValue) -> ir.BooleanValue:
        """Return a condition that fails with the message."""
        return _scalar("CAST(raise_error(x) AS BOOLEAN)", dt.boolean, x=message)

    def kind(self, rows: Rows, name: str) -> str:
        """Return the type of a column in DuckDB's words."""
        return rows.kinds.get(name) or duckdb_type(rows.table[name].type())

    def cast(self, rows: Rows, op: Cast) -> tuple[ir.Value, str | None]:
        """Return the column in its new type, and the type where Spark holds it as another."""
        kind, value, target = self.kind(rows, op.field), rows.table[op.field], type_of_cast(op)
        if target == "VARCHAR":
            return self._text(value, kind), None
        if goes_through_text(op, kind):
            value = self._text(value, kind)
            kind = "VARCHAR"
        sql = cast_sql(op, kind)
        return _scalar(sql, self._type_of(sql, {"x": value.type()}), x=value), target if target in BORROWED else None

    def text(self, value: ir.Value) -> ir.StringValue:
        """Return a value as text."""
        return self._text(value, "")

    def _text(self, value: ir.Value, kind: str) -> ir.StringValue:
        if value.type().is_string():
            return value
        if value.type().is_floating():
            return _scalar(_DOUBLE_TEXT, dt.string, x=value.cast(dt.float64))
        if kind == "TIMESTAMP WITH TIME ZONE":
            return _scalar("concat(CAST(x AS STRING), '+00')", dt.string, x=value)
        return _scalar("CAST(x AS STRING)", dt.string, x=value)

    def digest(self, text: ir.StringValue, algorithm: str) -> ir.StringValue:
        """Return the hexadecimal digest of a text's UTF-8."""
        sql = {"md5": "md5(x)", "sha256": "sha2(x, 256)", "sha512": "sha2(x, 512)"}[algorithm]
        return _scalar(sql, dt.string, x=text)

    def record(self, values: Mapping[str, ir.Value]) -> ir.StringValue:
        """Return values as a JSON object, as text."""
        parts = ", ".join(f"{quoted(name)}, v{n}" for n, name in enumerate(values))
        plain = {f"v{n}": self._plain(value) for n, value in enumerate(values.values())}
        return _scalar(f"to_json(named_struct({parts}), map('ignoreNullFields', 'false'))", dt.string, **plain)

    def _plain(self, value: ir.Value) -> ir.Value:
        kind = value.type()
        return value if kind.is_boolean() or kind.is_integer() or kind.is_string() else self.text(value)

    def expression(self, rows: Rows, tree: exp.Expr, refuse: Callable[[str], Exception]) -> tuple[ir.Value, str | None]:
        """Return an expression over the rows' columns; raise what `refuse` makes where types do not fit."""
        values = {name: rows.table[name] for name in columns_of(tree)}
        tree = in_spark(tree)
        try:
            kind = self._type_of(tree.sql(dialect="spark"), {name: value.type() for name, value in values.items()})
        except PySparkException as error:
            raise refuse(str(error).splitlines()[0]) from error
        if kind.is_null():
            return ibis.null("string"), None
        borrowed = rows.kinds.get(tree.name) if isinstance(tree, exp.Column) else None
        return scalar(tree, kind, **values), borrowed

    def pieces(self, text: ir.StringValue, separator: str, number: int) -> list[ir.StringValue]:
        """Return a text's pieces between separators; the last has the rest as it stands, a missing one is null."""
        pattern = "".join(f"\\x{{{ord(character):x}}}" for character in separator)
        cut = f"split(x, {quoted(pattern)}, {number})"
        if number == 1:
            return [text]
        return [_scalar(f"get({cut}, {n})", dt.string, x=text) for n in range(number)]

    def joined(self, texts: Sequence[ir.StringValue], separator: str) -> ir.StringValue:
        """Return texts with a separator between, without nulls; null where all are."""
        names = [f"v{n}" for n in range(len(texts))]
        listed = ", ".join(names)
        sql = f"CASE WHEN coalesce({listed}) IS NOT NULL THEN concat_ws({quoted(separator)}, {listed}) END"
        return _scalar(sql, dt.string, **dict(zip(names, texts, strict=True)))

    def nothing(self, kind: str) -> ir.Value:
        """Return null of a type in DuckDB's words."""
        sql = f"CAST(NULL AS {spark_type(kind)})"
        return _scalar(sql, self._type_of(sql, {}))

    def _type_of(self, sql: str, columns: Mapping[str, dt.DataType]) -> dt.DataType:
        """Ask Spark what a scalar over such columns gives; nothing is read."""
        shown = ", ".join(
            f"CAST(NULL AS {PySparkType.from_ibis(kind).simpleString()}) AS {named(name)}"
            for name, kind in columns.items()
        )
        schema = self._spark.sql(f"SELECT {sql} AS it FROM (SELECT {shown or 'NULL AS nothing'})").schema  # noqa: S608
        return PySparkType.to_ibis(schema.fields[0].dataType)


def duckdb_type(kind: dt.DataType) -> str:
    """Return a type of Ibis in DuckDB's words."""
    if kind.is_decimal():
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.is_timestamp():
        return "TIMESTAMP"
    if kind.is_array():
        return f"{duckdb_type(kind.value_type)}[]"
    return _KINDS.get(str(kind).lower().removeprefix("!"), "VARCHAR")


def _scalar(sql: str, kind: dt.DataType, **values: ir.Value) -> ir.Value:
    return scalar(sql, kind, dialect="spark", **values)
