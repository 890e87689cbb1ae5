"""Expressions for Spark, where sqlglot's own translation leaves something to say."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp


def in_spark(tree: exp.Expr) -> exp.Expr:
    """Return an expression whose Spark SQL means what its DuckDB SQL means."""
    return tree.copy().transform(_put)


def _put(node: exp.Expr) -> exp.Expr:
    change = _CHANGES.get(type(node))
    return node if change is None else change(node)


def _week(node: exp.Expr) -> exp.Expr:
    return exp.func("weekofyear", node.this)


_CHANGES: Final[Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]]] = {exp.Week: _week}
