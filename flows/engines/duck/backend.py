"""Runs expressions on DuckDB: one streamed query where it can be, tables in memory where rows are read twice."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from duckdb.func import FunctionNullHandling
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from flows.engines.backend import Explain
from flows.engines.duck.bounding import teach_bounds
from flows.engines.duck.dialect import SHA512, DuckDialect, sha512
from flows.engines.rows import ORDER, Rows
from flows.engines.scalar import ScalarCompiler
from flows.formats.base import Column, ReadTable

_Result = TypeVar("_Result")
BATCH_ROWS: Final = 32_768
# Types that go through the engine as they are; others are handed on as text.
PLAIN_TYPES: Final = (
    "VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP", "TIME", "UUID", "JSON", "BLOB",
)  # fmt: skip


class _Compiler(ScalarCompiler, DuckDBCompiler):  # type: ignore[misc] # Ibis has no types
    """DuckDB's compiler that also writes our scalars."""


class DuckBackend:
    """DuckDB behind the border `flows.engines.backend.Backend`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.create_function(SHA512, sha512, ["VARCHAR"], "VARCHAR", null_handling=FunctionNullHandling.SPECIAL)
        teach_bounds(connection)
        self._dialect = DuckDialect(connection)
        self._connection = connection
        self._ibis = ibis.duckdb.from_connection(connection)
        self._ibis.compiler = _Compiler()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._guard = threading.Lock()
        self._tables = 0
        # Writing the SQL of an expression costs tens of milliseconds, and each is asked for two to four times.
        self._written: dict[ops.Node, str] = {}

    @property
    def dialect(self) -> DuckDialect:
        """Return DuckDB's words."""
        return self._dialect

    def source(self, read: ReadTable) -> Rows:
        """Return what a source read: a table as it stands, or a view that is read anew each time."""
        name = self._plain(read)
        table = self._table(name)
        rows = Rows(table, tuple(table.columns))
        return self._kept(rows) if self._is_table(name) else rows

    def _plain(self, read: ReadTable) -> str:
        odd = [column for column in read.columns if _base(column.type) not in PLAIN_TYPES or "[" in column.type]
        if not odd:
            return read.relation
        name = self._name()
        texts = ", ".join(f"CAST({_quoted(c.name)} AS VARCHAR) AS {_quoted(c.name)}" for c in odd)
        self._connection.execute(f"CREATE VIEW {name} AS SELECT * REPLACE ({texts}) FROM {_quoted(read.relation)}")  # noqa: S608
        return name

    def _table(self, name: str) -> ir.Table:
        """Return a relation as Ibis knows it."""
        relation = self._connection.sql(f"FROM {_quoted(name)}")
        kinds = [DuckDBType.from_string(str(kind)) for kind in relation.types]
        schema = ibis.schema(dict(zip(relation.columns, kinds, strict=True)))
        return ops.DatabaseTable(name, schema, self._ibis, ops.Namespace()).to_expr()

    def _is_table(self, relation: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [relation])
        return found.fetchone() is not None

    def load(self, reader: pa.RecordBatchReader) -> Rows:
        """Return rows from elsewhere in a table, in their order."""
        name = self._name()
        cursor = self._cursor()
        try:
            cursor.register("handed_over", reader)
            cursor.execute(f"CREATE TABLE {name} AS SELECT * FROM handed_over")  # noqa: S608
        finally:
            self._done(cursor)
        table = self._table(name)
        return self._kept(Rows(table, tuple(table.columns)))

    def keep(self, rows: Rows, explain: Explain) -> Rows:
        """Return the rows in a table; it spills to the temporary folder beyond the memory limit."""
        name = self._name()
        has_order = rows.has_order
        sql = self.sql(rows.table.order_by(ORDER) if has_order else rows.table)
        self._run(lambda cursor: cursor.execute(f"CREATE TABLE {name} AS {sql}"), explain)
        table = self._table(name)
        kept = replace(rows, table=table, is_computed=False)
        return replace(kept, is_kept=True) if has_order else self._kept(kept)

    def _kept(self, rows: Rows) -> Rows:
        return replace(rows, table=rows.table.mutate(**{ORDER: rows.table.rowid()}), is_kept=True)

    def arrange(self, rows: Rows, *by: ir.Value) -> Rows:
        """Return the rows in the order of values, nulls last."""
        if not by:
            return rows
        return rows.over(rows.table.order_by([ibis.asc(value, nulls_first=False) for value in by]))

    def figures(self, table: ir.Table, explain: Explain) -> dict[str, Any]:
        """Return the one row of a table."""
        sql = self.sql(table)
        row = self._run(lambda cursor: cursor.execute(sql).fetchone(), explain)
        return dict(zip(table.columns, row or (None,) * len(table.columns), strict=True))

    def columns(self, rows: Rows) -> tuple[Column, ...]:
        """Return the columns with DuckDB's types."""
        relation = self._connection.sql(self.sql(rows.bare()))
        return tuple(Column(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True))

    def stream(self, rows: Rows, explain: Explain) -> pa.RecordBatchReader:
        """Return the rows in batches, computed as they are read."""
        return self.read(self.sql(rows.bare()), explain)

    def read(self, sql: str, explain: Explain) -> pa.RecordBatchReader:
        """Return what a query of ours gives in batches."""
        cursor = self._cursor()
        try:
            reader = cursor.sql(sql).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as error:
            self._done(cursor)
            raise explain(error) from error
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(cursor, reader, explain))

    def _batches(
        self, cursor: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader, explain: Explain
    ) -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise explain(error) from error
        finally:
            self._done(cursor)

    def sql(self, table: ir.Table) -> str:
        """Return a table's SQL for DuckDB."""
        node = table.op()
        if node not in self._written:
            self._written[node] = str(self._ibis.compile(table))
        return self._written[node]

    def interrupt(self) -> None:
        """Stop every query that runs."""
        with self._guard:
            for cursor in self._cursors:
                cursor.interrupt()
            self._connection.interrupt()

    def close(self) -> None:
        """Let go of the database."""
        self.interrupt()
        with self._guard:
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
        self._connection.close()

    def _run(self, query: Callable[[duckdb.DuckDBPyConnection], _Result], explain: Explain) -> _Result:
        cursor = self._cursor()
        try:
            return query(cursor)
        except duckdb.Error as error:
            raise explain(error) from error
        finally:
            self._done(cursor)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._connection.cursor()
        with self._guard:
            self._cursors.add(cursor)
        return cursor

    def _done(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._guard:
            self._cursors.discard(cursor)
        cursor.close()

    def _name(self) -> str:
        self._tables += 1
        return f"_kaireon_kept_{self._tables}"


def _base(kind: str) -> str:
    return kind.partition("(")[0].strip().upper()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
