"""Rows on their way through the nodes: an Ibis table, its columns, and what goes along unseen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import ibis
import ibis.expr.types as ir

# Columns that no pipeline sees begin so: the place of a row in the files, the number of the rejection that set it
# aside, the value and the row that were rejected, and a number that no optimiser can know.
HIDDEN: Final = "_kaireon_"
ORDER: Final = HIDDEN + "order"
RULE: Final = HIDDEN + "rule"
VALUE: Final = HIDDEN + "value"
WHOLE: Final = HIDDEN + "whole"
GUARD: Final = HIDDEN + "guard"


@dataclass(frozen=True, slots=True)
class Check:
    """A row in which the hidden column `before` has a value and `column` none stops the run."""

    number: int
    before: str
    column: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What a node hands on.

    `table` has `columns` in their order, and hidden ones. `is_kept`: reading it twice costs little. `is_computed`: it
    has columns that are computed as it is read. `rejections` and `checks` wait to be taken off and to be looked at.
    `kinds`: types in DuckDB's words of columns that the engine holds as text, because it has no such type.
    """

    table: ir.Table
    columns: tuple[str, ...]
    is_kept: bool = False
    is_computed: bool = False
    rejections: tuple[int, ...] = ()
    checks: tuple[Check, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    # How many there are, where that has been counted.
    count: int | None = None

    def __getitem__(self, name: str) -> ir.Value:
        return self.table[name]

    @property
    def has_order(self) -> bool:
        """Tell whether the place of a row is in a column; else rows just come in their order."""
        return ORDER in self.table.columns

    @property
    def is_accepted(self) -> ir.BooleanValue:
        """Return whether a row has not been rejected."""
        return self.table[RULE].isnull() if self.rejections else ibis.literal(value=True)

    def compute(self, values: Mapping[str, ir.Value], *, kinds: Mapping[str, str] | None = None) -> "Rows":
        """Return the rows with columns replaced where they stand, or added at the end."""
        shown = (name for name in values if not name.startswith(HIDDEN))
        known = {name: kind for name, kind in self.kinds.items() if name not in values} | dict(kinds or {})
        return replace(
            self, table=self.table.mutate(**values), columns=tuple(dict.fromkeys((*self.columns, *shown))),
            is_computed=True, kinds=known,
        )  # fmt: skip

    def shape(self, names: Mapping[str, str]) -> "Rows":
        """Return the rows with only these columns: the new name → the name so far."""
        hidden = {name: self.table[name] for name in self.table.columns if name.startswith(HIDDEN)}
        chosen = {new: self.table[old] for new, old in names.items()}
        return replace(
            self, table=self.table.select(**chosen, **hidden), columns=tuple(names),
            kinds={new: self.kinds[old] for new, old in names.items() if old in self.kinds},
        )  # fmt: skip

    def over(self, table: ir.Table) -> "Rows":
        """Return another table that has all the columns."""
        return replace(self, table=table, count=None)

    def bare(self) -> ir.Table:
        """Return the table without hidden columns."""
        return self.table.select(*self.columns)
