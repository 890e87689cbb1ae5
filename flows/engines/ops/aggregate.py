"""`aggregate`: one row of each group."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from flows.engines.casting import family
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Aggregate, Measure


def compile_aggregate(op: Aggregate, rows: Rows, work: Work) -> Rows:
    """Compile the operation: nulls are one group; groups come in the order of their keys, nulls last.

    Figures leave nulls out, and are null where there are only nulls, but for counts.
    """
    for name in op.group_by:
        work.column(rows, name)
    measured = {measure.as_: _measured(measure, rows, work) for measure in op.measures}
    rows = work.settle(rows)
    figures = {measure.as_: _figure(measure, rows, work) for measure in op.measures}
    table = rows.table.group_by([rows[name] for name in op.group_by]).aggregate(**figures) if op.group_by else None
    table = rows.table.aggregate(**figures) if table is None else table
    columns = (*op.group_by, *measured)
    kinds = {name: rows.kinds[name] for name in op.group_by if name in rows.kinds}
    kinds |= {as_: kind for as_, kind in measured.items() if kind is not None}
    grouped = replace(
        rows, table=table.select(*columns), columns=columns, is_kept=False, is_computed=True, kinds=kinds, count=None
    )
    return work.backend.arrange(grouped, *(grouped[name] for name in op.group_by))


def _measured(measure: Measure, rows: Rows, work: Work) -> str | None:
    """Return the type of a figure where the engine holds it as text. Raises EngineError where there can be none."""
    if measure.field is None:
        if measure.fn != "count":
            raise work.error(f"{measure.fn} needs a field")
        return None
    work.column(rows, measure.field)
    kind = family(work.backend.dialect.kind(rows, measure.field))
    if measure.fn in {"sum", "avg"} and kind not in {"whole", "fraction"}:
        raise work.error(f"{measure.fn} of {measure.field}, which is no number: cast it first")
    return rows.kinds.get(measure.field) if measure.fn in {"min", "max"} else None


def _figure(measure: Measure, rows: Rows, work: Work) -> ir.Value:
    if measure.field is None:
        return rows.table.count()
    return _FIGURES[measure.fn](rows[measure.field])


def _sum(value: ir.NumericValue) -> ir.NumericValue:
    """A sum of whole numbers is a BIGINT; one of decimals has as many digits as there can be."""
    kind = value.type()
    if kind.is_integer():
        # DuckDB's sum is a HUGEINT, which Ibis calls a BIGINT and so would not cast.
        return value.sum().cast(dt.Decimal(38, 0)).cast(dt.int64)
    return value.sum().cast(dt.Decimal(38, kind.scale)) if kind.is_decimal() else value.sum()


_FIGURES: Final[Mapping[str, Callable[[ir.Value], ir.Value]]] = {
    "count": lambda value: value.count(),
    "count_distinct": lambda value: value.nunique(),
    "sum": _sum,
    "min": lambda value: value.min(),
    "max": lambda value: value.max(),
    "avg": lambda value: value.cast(dt.float64).mean(),
}
