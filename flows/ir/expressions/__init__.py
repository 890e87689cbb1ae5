"""Expressions: one SQL scalar expression, read by sqlglot and held to a list of what may stand in it.

Doors: `parse_expression`, `to_sql`, `columns_of`, `type_of`, `ExpressionRefused`, `FUNCTIONS`. What is not on the list
is refused by name: a sub-query, an aggregate, a window, a statement, a parameter, a star, a function that reads a file.
SQL is always written anew from the tree, never passed on as it was typed.
"""

from flows.ir.expressions.functions import FUNCTIONS, Function
from flows.ir.expressions.reading import columns_of, parse_expression, to_sql
from flows.ir.expressions.refusal import ExpressionRefused
from flows.ir.expressions.types import type_of

__all__ = ["FUNCTIONS", "ExpressionRefused", "Function", "columns_of", "parse_expression", "to_sql", "type_of"]
