"""Expressions of the IR as values of the engine."""

import ibis.expr.types as ir

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.expressions import ExpressionRefused, columns_of, parse_expression


def read_expression(text: str, rows: Rows, work: Work) -> tuple[ir.Value, str | None]:
    """Return an expression over the rows' columns, and its type where the engine holds it as text.

    Raises EngineError when it is refused, names a column that is not there, or its types do not fit.
    """
    known = {name.lower() for name in rows.columns}
    try:
        for name in columns_of(parse_expression(text, columns=None)):
            if name.lower() not in known:
                raise work.missing(rows, name)
        tree = parse_expression(text, columns=rows.columns)
    except ExpressionRefused as refused:
        raise work.error(refused.message) from refused
    return work.backend.dialect.expression(rows, tree, work.error)


def read_condition(text: str, rows: Rows, work: Work) -> ir.BooleanValue:
    """Return an expression that is true, false or null. Raises EngineError when it gives something else."""
    value, _ = read_expression(text, rows, work)
    if value.type().is_boolean():
        return value
    raise work.error(f"gives {value.type()}, not true or false: {text[:200]}")
