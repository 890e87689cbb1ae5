"""What runs expressions: one of these for each engine."""

from collections.abc import Callable
from typing import Any, Protocol

import ibis.expr.types as ir
import pyarrow as pa

from flows.engines.dialect import Dialect
from flows.engines.rows import Rows
from flows.formats.base import Column, ReadTable

# An engine's own error → what the pipeline's owner should read. The error is the cause.
Explain = Callable[[Exception], Exception]


class Backend(Protocol):
    """Runs Ibis expressions. Errors of the engine come out as `explain` makes them."""

    @property
    def dialect(self) -> Dialect:
        """Return what the engine says in its own words."""
        ...

    def source(self, read: ReadTable) -> Rows:
        """Return what a source read."""
        ...

    def load(self, reader: pa.RecordBatchReader) -> Rows:
        """Return rows from elsewhere, kept, in their order."""
        ...

    def keep(self, rows: Rows, explain: Explain) -> Rows:
        """Return the same rows, computed and put aside, with the column of their order."""
        ...

    def arrange(self, rows: Rows, *by: ir.Value) -> Rows:
        """Return the rows in the order of values of their table, nulls last."""
        ...

    def figures(self, table: ir.Table, explain: Explain) -> dict[str, Any]:
        """Return the one row of a table as Python values."""
        ...

    def columns(self, rows: Rows) -> tuple[Column, ...]:
        """Return the columns with their types in DuckDB's words."""
        ...

    def stream(self, rows: Rows, explain: Explain) -> pa.RecordBatchReader:
        """Return the rows' own columns in order, in batches; the caller reads them when it likes."""
        ...

    def sql(self, table: ir.Table) -> str:
        """Return a table's SQL in the engine's words."""
        ...
