"""A scalar in SQL as a value of Ibis: its columns are values, its tree is written in the engine's dialect."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import ibis.expr.datashape as ds
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot
from ibis.common.typing import VarTuple
from sqlglot import exp


class SqlScalar(ops.Value):  # type: ignore[misc] # Ibis has no types
    """An SQL scalar over values. `tree` names them as columns, in the order of `names`."""

    values: VarTuple[ops.Value]
    names: VarTuple[str]
    tree: Any
    type: dt.DataType
    shape = ds.columnar

    @property
    def dtype(self) -> dt.DataType:
        """Return the type that the caller knows."""
        return self.type


class ScalarCompiler:
    """Teaches a compiler of Ibis to write SqlScalar; goes before the compiler in the list of bases."""

    def visit_SqlScalar(  # noqa: N802 - Ibis finds it by the name of the operation
        self,
        op: SqlScalar,
        *,
        values: tuple[exp.Expr, ...],
        names: tuple[str, ...],
        tree: exp.Expr,
        **_: Any,
    ) -> exp.Expr:
        """Put the compiled values where the tree names them."""
        compiled = dict(zip(op.names, values, strict=True))
        return _set_apart(tree.copy().transform(lambda node: _put(node, compiled)))


def _put(node: exp.Expr, compiled: Mapping[str, exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Column) and node.name in compiled:
        return _set_apart(compiled[node.name].copy())
    return node


def _set_apart(tree: exp.Expr) -> exp.Expr:
    """Return a tree that means the same wherever it is put."""
    is_one = isinstance(tree, exp.Column | exp.Literal | exp.Func | exp.Paren) and not isinstance(tree, exp.Binary)
    return tree if is_one else exp.paren(tree, copy=False)


def scalar(sql: str | exp.Expr, kind: dt.DataType, *, dialect: str = "duckdb", **values: ir.Value) -> ir.Value:
    """Return an SQL scalar as a value; `values` are the columns that it names."""
    tree = _parsed(sql, dialect) if isinstance(sql, str) else sql
    names = tuple(values)
    return SqlScalar(tuple(value.op() for value in values.values()), names, tree, kind).to_expr()


@lru_cache(maxsize=1_000)
def _parsed(sql: str, dialect: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect=dialect, into=exp.Condition)
