"""What goes on while one pipeline is compiled and run: conditions, rejections, findings, and where each came from."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from flows.engines.backend import Backend
from flows.engines.base import EngineError, Finding, Lookup
from flows.engines.rejecting import Rejection
from flows.engines.rows import GUARD, HIDDEN, ORDER, RULE, VALUE, WHOLE, Check, Rows
from flows.engines.values import is_true

# How the message of a check begins, between its number and the value.
MARK: Final = "kaireon-check:"
END: Final = ":kaireon-end"
READ_ERROR: Final = "CSV Error"
MANY_PLACES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Stop:
    """What a check stops for: the message is what stands before and behind the value. `rows` are those looked at."""

    node_id: str
    rule_id: str
    before: str
    behind: str
    rows: Rows
    check: Check


@dataclass(frozen=True, slots=True)
class Risk:
    """A step that may fail on a row."""

    node_id: str
    op_name: str
    rows: Rows
    column: str | None


class MissingColumn(EngineError):
    """A node asks for a column that is not there."""

    def __init__(self, message: str, *, node_id: str, rule_id: str, column: str) -> None:
        super().__init__(message, node_id=node_id, rule_id=rule_id)
        self.column = column


@dataclass(slots=True)
class Work:
    """One execution. `node_id` and `op_name` say where the compiler is; `is_dry`: nothing is judged or counted."""

    backend: Backend
    now: datetime
    lookup: Lookup
    is_dry: bool = False
    node_id: str = ""
    op_name: str = ""
    findings: list[Finding] = field(default_factory=list)
    # Rows that no case of a branch took.
    skipped_rows: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    # Steps that may fail on a row, in their order, with the column to compute (None: all that there are).
    risks: list[Risk] = field(default_factory=list)
    # The quarantine of the node that the compiler is at.
    table: str | None = None
    # Takes the rejected rows off, and returns how many others there are, where it counted them.
    on_rejected: Callable[[Rows], int | None] = lambda _: None

    @property
    def place(self) -> str:
        """Return where the compiler is, in words."""
        return f"{self.node_id}, {self.op_name}" if self.op_name else self.node_id

    def error(self, message: str, *, rule_id: str = "") -> EngineError:
        """Return an error that names the node, and the op or rule."""
        return EngineError(f"{self.place}: {message}", node_id=self.node_id, rule_id=rule_id or self.op_name)

    def column(self, rows: Rows, name: str) -> ir.Value:
        """Return a column. Raises EngineError when there is none."""
        if name not in rows.columns:
            raise self.missing(rows, name)
        return rows.table[name]

    def missing(self, rows: Rows, name: str) -> MissingColumn:
        """Return the error of a column that is not there."""
        message = f"{self.place}: there is no column {name!r}; there are {', '.join(rows.columns[:20])}"
        return MissingColumn(message, node_id=self.node_id, rule_id=self.op_name, column=name)

    def free(self, rows: Rows, name: str) -> None:
        """Raise EngineError when a new column would differ from another one by nothing but its case."""
        for other in rows.columns:
            if other != name and other.lower() == name.lower():
                raise self.error(f"the column {name!r} differs from {other!r} only in its case")

    # ── conditions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, rows: Rows, column: str, value: ir.Value, *, kinds: Mapping[str, str], what: str) -> Rows:
        """Return the rows with a column replaced by a value; null where the column was not stops the run."""
        number = len(self.stops)
        before = f"{HIDDEN}before{number}"
        checked = rows.compute({before: rows[column], column: value}, kinds=kinds)
        return self._checked(checked, Check(number, before, column), field=column, what=what)

    def check_that(self, rows: Rows, passes: ir.BooleanValue, *, field: str, what: str) -> Rows:
        """Return the rows; one for which a condition is not true stops the run, and names its field and value."""
        number = len(self.stops)
        before, passed = f"{HIDDEN}before{number}", f"{HIDDEN}passed{number}"
        value = self.backend.dialect.text(rows[field]).fill_null("null")
        checked = rows.compute({before: value, passed: passes.ifelse(ibis.literal(value=True), None)})
        return self._checked(checked, Check(number, before, passed), field=field, what=what)

    def _checked(self, rows: Rows, check: Check, *, field: str, what: str) -> Rows:
        self.stops.append(Stop(self.node_id, self.op_name, f"{self.place}: {field} is ", what, rows, check))
        return replace(rows, checks=(*rows.checks, check))

    def where(self, rows: Rows, keep: Callable[[Rows], ir.BooleanValue] | None = None) -> Rows:
        """Return the rows for which a condition is true, after the checks that wait. Rejected rows stay.

        An engine may test a condition before it computes columns, and never see the value that should have stopped
        the run: so where there are computed columns the condition hangs on a random number beside them, and is
        tested above them.
        """
        if keep is None and not rows.checks:
            return rows
        source = rows.over(rows.table.mutate(**{GUARD: ibis.random()})) if rows.is_computed else rows
        kept = ibis.literal(value=True) if keep is None else is_true(keep(source))
        if rows.rejections:
            kept = source.table[RULE].notnull() | kept
        if rows.is_computed:
            stops = [(self._fails(source, check), self._stop(source, check)) for check in rows.checks]
            kept = ibis.cases((source.table[GUARD] < 0, ibis.literal(value=False)), *stops, else_=kept)
        hidden = (name for check in rows.checks for name in (check.before, check.column) if name.startswith(HIDDEN))
        gone = {GUARD, *hidden}
        table = source.table.filter(kept)
        shown = table.select(*(name for name in table.columns if name not in gone))
        return replace(rows, table=shown, checks=(), count=None)

    def _fails(self, rows: Rows, check: Check) -> ir.BooleanValue:
        return rows.is_accepted & rows.table[check.before].notnull() & rows.table[check.column].isnull()

    def _stop(self, rows: Rows, check: Check) -> ir.BooleanValue:
        text = rows.table[check.before].cast("string")
        return self.backend.dialect.stop(ibis.literal(f"{MARK}{check.number}:") + text + END)

    # ── rejections ─────────────────────────────────────────────────────────────────────────────────────────────────

    def reject(
        self, rows: Rows, bad: ir.BooleanValue, *, column: str, error: str, rule_id: str,
        also: Mapping[str, ir.Value] | None = None, kinds: Mapping[str, str] | None = None,
    ) -> Rows:  # fmt: skip
        """Return the rows with those set aside for which a condition is true: they stay, marked, until taken off.

        `also` are columns to compute beside the marks, which tell of the rows as they were.
        """
        number = len(self.rejections)
        self.rejections.append(Rejection(self.node_id, rule_id, column, error, self.table))
        dialect, table = self.backend.dialect, rows.table
        is_new = rows.is_accepted & is_true(bad)
        whole = dialect.record({name: table[name] for name in rows.columns})
        before = {name: table[name] if rows.rejections else None for name in (RULE, VALUE, WHOLE)}
        marks = {
            RULE: ibis.cases((is_new, ibis.literal(number, "int32")), else_=before[RULE]),
            VALUE: ibis.cases((is_new, dialect.text(table[column])), else_=before[VALUE]),
            WHOLE: ibis.cases((is_new, whole), else_=before[WHOLE]),
        }
        return replace(rows.compute({**marks, **(also or {})}, kinds=kinds), rejections=(*rows.rejections, number))

    def settle(self, rows: Rows) -> Rows:
        """Return the rows without those set aside, which go to their quarantines; nothing waits any more."""
        rows = self.where(rows)
        if not rows.rejections:
            return rows
        rows = self.keep(rows)
        accepted = self.on_rejected(rows)
        table = rows.table.filter(rows.table[RULE].isnull()).drop(RULE, VALUE, WHOLE)
        return replace(rows, table=table, rejections=(), count=accepted)

    # ── order ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, rows: Rows) -> Rows:
        """Return the rows such that reading them twice costs little."""
        rows = self.where(rows)
        return rows if rows.is_kept else self.backend.keep(rows, self.explainer())

    def ordered(self, rows: Rows) -> Rows:
        """Return the rows, settled, with the column of their order."""
        rows = self.settle(rows)
        return rows if rows.has_order else self.backend.keep(rows, self.explainer())

    def leave_out(self, rows: Rows, places: ir.Table) -> Rows:
        """Return kept rows without those whose places a table of one column names, in their order."""
        (name,) = places.columns
        places = self.backend.keep(Rows(places, (name,)), self.explainer()).table
        found = self.backend.figures(places.aggregate(n=places.count()), self.explainer())["n"]
        if not found:
            return rows
        table = rows.table.anti_join(places, rows.table[ORDER] == places[name])
        # A few places fit in memory and rows pass by them in order; many may not.
        is_many = found > MANY_PLACES or found * 4 > self.figures(rows, n=rows.table.count())["n"]
        return rows.over(table.order_by(ORDER) if is_many else table)

    # ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def figures(self, rows: Rows, **figures: ir.Value) -> dict[str, Any]:
        """Return figures of the rows' table as Python values."""
        return self.backend.figures(rows.table.aggregate(**figures), self.explainer())

    def may_fail(self, rows: Rows, column: str | None) -> None:
        """Note that a step may fail on a row, so that an error finds its name."""
        self.risks.append(Risk(self.node_id, self.op_name, rows, column))

    def explainer(self) -> Callable[[Exception], EngineError]:
        """Return what turns the engine's errors into ours, with the node of now for those that have no other."""
        node_id = self.node_id
        return lambda error: self._explain(error, node_id)

    def _explain(self, error: Exception, node_id: str) -> EngineError:
        if isinstance(error, EngineError):
            return error
        text = str(error)
        _, is_check, rest = text.partition(MARK)
        if not is_check:
            # A line that a reader could not read fails whatever is computed from it.
            is_read = READ_ERROR in text
            return EngineError(_first_line(text), node_id="") if is_read else self._located(text, node_id)
        number, _, value = rest.partition(END)[0].partition(":")
        stop = self.stops[int(number)]
        message = f"{stop.before}{value[:200]!r}{stop.behind}"
        return EngineError(message, node_id=stop.node_id, rule_id=stop.rule_id)

    def _located(self, text: str, node_id: str) -> EngineError:
        """Return an error of the first step that fails when it is computed by itself."""
        for risk in self.risks:
            found = self._failure_of(risk)
            if found is not None:
                message = f"{risk.node_id}, {risk.op_name}: {_first_line(str(found))}"
                return EngineError(message, node_id=risk.node_id, rule_id=risk.op_name)
        return EngineError(f"{node_id}: {_first_line(text)}", node_id=node_id)

    def _failure_of(self, risk: Risk) -> Exception | None:
        table = risk.rows.table
        figure = table.count() if risk.column is None else self.backend.dialect.text(table[risk.column]).max()
        failures: list[Exception] = []

        def note(error: Exception) -> EngineError:
            failures.append(error)
            return EngineError(str(error))

        with suppress(EngineError):
            self.backend.figures(table.aggregate(figure=figure), note)
        return failures[0] if failures else None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:500] if text.strip() else "the engine stopped"
