"""Runs expressions on Spark. Rows come and go as Parquet files, by way of the session's DuckDB."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from flows.engines.backend import Explain
from flows.engines.duck.backend import DuckBackend
from flows.engines.rows import ORDER, Rows
from flows.engines.scalar import ScalarCompiler
from flows.engines.spark.dialect import BORROWED, SparkDialect
from flows.formats.base import Column, ReadTable

_Result = TypeVar("_Result")
# How columns of types that Spark does not have are handed over.
_HANDED_AS: Final = {
    "TIME": "VARCHAR", "UUID": "VARCHAR", "JSON": "VARCHAR", "HUGEINT": "DECIMAL(38,0)", "UBIGINT": "DECIMAL(20,0)",
    "UINTEGER": "BIGINT", "USMALLINT": "INTEGER", "UTINYINT": "SMALLINT",
}  # fmt: skip


class _Compiler(ScalarCompiler, PySparkCompiler):  # type: ignore[misc] # Ibis has no types
    """Spark's compiler that also writes our scalars."""


class SparkBackend:
    """Spark behind the border `flows.engines.backend.Backend`."""

    def __init__(self, spark: Any, duck: DuckBackend, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._dialect = SparkDialect(spark)
        self._spark, self._duck, self._connection, self._folder = spark, duck, connection, folder
        self._ibis = ibis.pyspark.connect(session=spark)
        self._ibis.compiler = _Compiler()
        self._tables = 0

    @property
    def dialect(self) -> SparkDialect:
        """Return Spark's words."""
        return self._dialect

    def source(self, read: ReadTable) -> Rows:
        """Hand over what a source read, with the place of each row."""
        rows = self._duck.source(read)
        columns = self._duck.columns(rows)
        shown = ", ".join(_handed(column) for column in columns)
        name, folder = self._next()
        self._connection.execute(
            f"COPY (SELECT {shown}, row_number() OVER () AS {ORDER} FROM ({self._duck.sql(rows.bare())})) "  # noqa: S608
            f"TO '{folder}' (FORMAT parquet)"
        )
        kinds = {column.name: column.type for column in columns if column.type in BORROWED}
        names = tuple(column.name for column in columns)
        return Rows(self._read(name, folder), names, is_kept=True, kinds=kinds)

    def load(self, reader: pa.RecordBatchReader) -> Rows:
        """Hand over rows from elsewhere, in their order."""
        rows = self._duck.load(reader)
        name = f"_kaireon_loaded_{self._tables}"
        self._connection.execute(f"CREATE VIEW {name} AS {self._duck.sql(rows.bare())}")
        return self.source(ReadTable(name, self._duck.columns(rows), None, 0))

    def keep(self, rows: Rows, explain: Explain) -> Rows:
        """Write the rows to Parquet files."""
        name, folder = self._next()
        sql = self.sql(rows.table)
        self._run(lambda: self._spark.sql(sql).write.parquet(str(folder)), explain)
        return replace(rows, table=self._read(name, folder), is_computed=False, is_kept=True)

    def arrange(self, rows: Rows, *by: ir.Value) -> Rows:
        """Number the rows in the order of values, nulls last."""
        keys = [ibis.asc(value, nulls_first=False) for value in by]
        place = ibis.row_number().over(ibis.window(order_by=keys)) if keys else ibis.literal(0, "int64")
        return rows.over(rows.table.mutate(**{ORDER: place}))

    def figures(self, table: ir.Table, explain: Explain) -> dict[str, Any]:
        """Return the one row of a table."""
        sql = self.sql(table)
        (row,) = self._run(lambda: self._spark.sql(sql).collect(), explain)
        return dict(row.asDict())

    def columns(self, rows: Rows) -> tuple[Column, ...]:
        """Return the columns with DuckDB's types."""
        return tuple(Column(name, self._dialect.kind(rows, name)) for name in rows.columns)

    def stream(self, rows: Rows, explain: Explain) -> pa.RecordBatchReader:
        """Write the rows to Parquet files, and return what DuckDB reads from them, in order."""
        _, folder = self._next()
        sql = self.sql(rows.table)
        self._run(lambda: self._spark.sql(sql).write.parquet(str(folder)), explain)
        shown = ", ".join(
            f"CAST({_quoted(one.name)} AS {one.type}) AS {_quoted(one.name)}" for one in self.columns(rows)
        )
        query = f"SELECT {shown} FROM read_parquet('{folder}/*.parquet') ORDER BY {ORDER}"  # noqa: S608
        return self._duck.read(query, explain)

    def sql(self, table: ir.Table) -> str:
        """Return a table's SQL for Spark."""
        return str(self._ibis.compile(table))

    def _read(self, name: str, folder: Path) -> ir.Table:
        self._spark.read.parquet(str(folder)).createOrReplaceTempView(name)
        return self._ibis.table(name)

    def _next(self) -> tuple[str, Path]:
        self._tables += 1
        name = f"kaireon_{self._tables}"
        return name, self._folder / name

    def _run(self, query: Callable[[], _Result], explain: Explain) -> _Result:
        try:
            return query()
        # What PySpark has no class of its own for comes as Py4J's.
        except (PySparkException, Py4JError) as error:
            raise explain(error) from error


def _handed(column: Column) -> str:
    name = _quoted(column.name)
    handed = _HANDED_AS.get(column.type)
    return f"CAST({name} AS {handed}) AS {name}" if handed else name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
