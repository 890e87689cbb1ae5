"""What is known about the columns at a point of the graph, and what was found wrong on the way there."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from flows.ir.expressions import ExpressionRefused, parse_expression
from flows.ir.problems import IrProblem, Location, path_of

# Names with DuckDB's types, in order; a type may be empty: unknown. None: nobody knows which columns there are.
Columns = dict[str, str]
Known = Columns | None
MOST_COLUMNS = 2_000


@dataclass(slots=True)
class Trace:
    """Collects what is wrong; `at` is where the walk stands in the document."""

    at: Location = ()
    problems: list[IrProblem] = field(default_factory=list)

    def report(self, location: Location, message: str) -> None:
        """Note a problem at a location below `at`."""
        self.problems.append(IrProblem(path_of((*self.at, *location)), message))

    def need(self, columns: Known, name: str, *location: str | int) -> None:
        """Note it when a column is not there; silent as long as nobody knows."""
        if columns is not None and name not in columns:
            self.report(location, f"there is no column {name} here; there are {_few(columns)}")

    def need_all(self, columns: Known, names: Iterable[str], key: str) -> None:
        """Note each column of a list that is not there."""
        for number, name in enumerate(names):
            self.need(columns, name, key, number)

    def read(self, text: str, columns: Known, *location: str | int) -> exp.Expr | None:
        """Return an expression over these columns, or None with a note of what is wrong; None while none are known."""
        if columns is None:
            return None
        try:
            return parse_expression(text, columns=columns)
        except ExpressionRefused as error:
            self.report(location, error.message)
            return None


def _few(columns: Columns) -> str:
    names = list(columns)
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "") if names else "none"
