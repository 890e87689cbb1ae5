"""What DuckDB says in its own words."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import duckdb
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.sql.datatypes import DuckDBType
from sqlglot import exp

from flows.engines.casting import goes_through_text
from flows.engines.duck.bounding import bounded
from flows.engines.duck.casting import cast_sql
from flows.engines.rows import Rows
from flows.engines.scalar import scalar
from flows.ir.expressions import columns_of
from flows.ir.ops import Cast

SHA512: Final = "kaireon_sha512"
# Types as DuckDB's relations name them, where Ibis has another word.
_NAMES: Final = {"INT": "INTEGER", "REAL": "FLOAT", "TEXT": "VARCHAR", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


class DuckDialect:
    """DuckDB behind the border `flows.engines.dialect.Dialect`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def stop(self, message: ir.StringValue) -> ir.BooleanValue:
        """Return a condition that fails with the message."""
        return scalar("error(x)", dt.boolean, x=message)

    def kind(self, rows: Rows, name: str) -> str:
        """Return the type of a column in DuckDB's words."""
        kind = str(DuckDBType.to_string(rows.table[name].type())).replace(", ", ",")
        return _NAMES.get(kind, kind)

    def cast(self, rows: Rows, op: Cast) -> tuple[ir.Value, str | None]:
        """Return the column in its new type."""
        kind = self.kind(rows, op.field)
        sql = cast_sql(op, kind)
        value = self.text(rows.table[op.field]) if goes_through_text(op, kind) else rows.table[op.field]
        return scalar(sql, self._type_of(sql, {"x": value.type()}), x=value), None

    def text(self, value: ir.Value) -> ir.StringValue:
        """Return a value as text."""
        return value if value.type().is_string() else scalar("CAST(x AS VARCHAR)", dt.string, x=value)

    def digest(self, text: ir.StringValue, algorithm: str) -> ir.StringValue:
        """Return the hexadecimal digest of a text's UTF-8."""
        return scalar(f"{SHA512 if algorithm == 'sha512' else algorithm}(x)", dt.string, x=text)

    def record(self, values: Mapping[str, ir.Value]) -> ir.StringValue:
        """Return values as a JSON object, as text."""
        parts = [part for n, name in enumerate(values) for part in (exp.Literal.string(name), exp.column(f"v{n}"))]
        tree = exp.cast(exp.Anonymous(this="json_object", expressions=parts), "text")
        return scalar(tree, dt.string, **{f"v{n}": self._plain(value) for n, value in enumerate(values.values())})

    def _plain(self, value: ir.Value) -> ir.Value:
        """Return a value that JSON has, or its text."""
        kind = value.type()
        return value if kind.is_boolean() or kind.is_integer() or kind.is_string() else self.text(value)

    def expression(self, rows: Rows, tree: exp.Expr, refuse: Callable[[str], Exception]) -> tuple[ir.Value, str | None]:
        """Return an expression over the rows' columns as a value; raise what `refuse` makes when types do not fit."""
        values = {name: rows.table[name] for name in columns_of(tree)}
        tree = bounded(tree)
        try:
            kind = self._type_of(tree.sql(dialect="duckdb"), {name: value.type() for name, value in values.items()})
        except duckdb.Error as error:
            raise refuse(str(error).splitlines()[0]) from error
        return _scalar(tree, kind, values), None

    def pieces(self, text: ir.StringValue, separator: str, number: int) -> list[ir.StringValue]:
        """Return a text's pieces between separators; the last has the rest as it stands, a missing one is null."""
        cut = f"string_split(x, {_quoted(separator)})"
        last = f"CASE WHEN len({cut}) >= {number} THEN array_to_string({cut}[{number}:], {_quoted(separator)}) END"
        return [scalar(f"{cut}[{n}]" if n < number else last, dt.string, x=text) for n in range(1, number + 1)]

    def joined(self, texts: Sequence[ir.StringValue], separator: str) -> ir.StringValue:
        """Return texts with a separator between, without nulls; null where all are."""
        names = [f"v{n}" for n in range(len(texts))]
        sql = (
            f"CASE WHEN coalesce({', '.join(names)}) IS NOT NULL "
            f"THEN concat_ws({_quoted(separator)}, {', '.join(names)}) END"
        )
        return scalar(sql, dt.string, **dict(zip(names, texts, strict=True)))

    def nothing(self, kind: str) -> ir.Value:
        """Return null of a type in DuckDB's words."""
        return scalar(f"CAST(NULL AS {kind})", DuckDBType.from_string(kind))

    def _type_of(self, sql: str, columns: Mapping[str, dt.DataType]) -> dt.DataType:
        """Ask DuckDB what a scalar over such columns gives; nothing is read."""
        shown = ", ".join(
            f'CAST(NULL AS {DuckDBType.to_string(kind)}) AS "{name.replace(chr(34), chr(34) * 2)}"'
            for name, kind in columns.items()
        )
        relation = self._connection.sql(f"SELECT {sql} AS it FROM (SELECT {shown or 'NULL AS nothing'})")  # noqa: S608
        kind = DuckDBType.from_string(str(relation.types[0]))
        return dt.string if kind.is_null() else kind


def _scalar(tree: exp.Expr, kind: dt.DataType, values: Mapping[str, ir.Value]) -> ir.Value:
    return scalar(tree, kind, **values)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sha512(text: str | None) -> str | None:
    """Return the hexadecimal SHA-512 of a text's UTF-8: DuckDB has none of its own."""
    return None if text is None else hashlib.sha512(text.encode()).hexdigest()
