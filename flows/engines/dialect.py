"""What engines say differently, and Ibis does not level out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import ibis.expr.types as ir
from sqlglot.expressions import Expr

from flows.engines.rows import Rows
from flows.ir.ops import Cast


class Dialect(Protocol):
    """Expressions in one engine's words; both engines mean the same by them (docs/engines.md)."""

    def stop(self, message: ir.StringValue) -> ir.BooleanValue:
        """Return a condition that fails with the message as soon as it is looked at."""
        ...

    def kind(self, rows: Rows, name: str) -> str:
        """Return the type of a column in DuckDB's words."""
        ...

    def cast(self, rows: Rows, op: Cast) -> tuple[ir.Value, str | None]:
        """Return the column in its new type, null where it cannot be, and its type as `kinds` has it."""
        ...

    def text(self, value: ir.Value) -> ir.StringValue:
        """Return a value as text: numbers as Python writes them, times as ISO 8601 with a space."""
        ...

    def digest(self, text: ir.StringValue, algorithm: str) -> ir.StringValue:
        """Return the hexadecimal digest of a text's UTF-8."""
        ...

    def record(self, values: Mapping[str, ir.Value]) -> ir.StringValue:
        """Return values as a JSON object, as text."""
        ...

    def expression(self, rows: Rows, tree: Expr, refuse: Callable[[str], Exception]) -> tuple[ir.Value, str | None]:
        """Return an expression over the rows' columns, and its type where the engine holds it as text.

        Raises what `refuse` makes of a message where types do not fit.
        """
        ...

    def pieces(self, text: ir.StringValue, separator: str, number: int) -> list[ir.StringValue]:
        """Return a text's pieces between separators; the last has the rest as it stands, a missing one is null."""
        ...

    def joined(self, texts: Sequence[ir.StringValue], separator: str) -> ir.StringValue:
        """Return texts with a separator between, without nulls; null where all are."""
        ...

    def nothing(self, kind: str) -> ir.Value:
        """Return null of a type in DuckDB's words."""
        ...
