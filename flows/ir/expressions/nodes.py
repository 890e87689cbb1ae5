"""The tree of an expression: only nodes on a list may stand in it, and each only in its plain form."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import sqlglot
from sqlglot import exp

from flows.ir.expressions.functions import FUNCTIONS
from flows.ir.expressions.refusal import ExpressionRefused
from flows.ir.expressions.words import DIALECT

_PLAIN: Final = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Div,
    exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.And, exp.Or, exp.Not, exp.Case, exp.If, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike,
    exp.Escape, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.Interval, exp.Var,
)  # fmt: skip
COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
PREDICATES: Final = (
    *COMPARISONS,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Like,
    exp.ILike,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Not,
    exp.Escape,
)
_TYPES: Final = frozenset({
    exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR, exp.DataType.Type.INT, exp.DataType.Type.BIGINT,
    exp.DataType.Type.DOUBLE, exp.DataType.Type.DECIMAL, exp.DataType.Type.BOOLEAN, exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ, exp.DataType.Type.TIME,
    exp.DataType.Type.UUID, exp.DataType.Type.JSON,
})  # fmt: skip
TYPE_WORDS: Final = "string, integer, bigint, double, decimal, boolean, date, timestamp, time, uuid, json"
UNITS: Final = frozenset(["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"])
_NUMBER: Final = re.compile(r"\d{1,38}(\.\d{0,38})?(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
_STRFTIME: Final = re.compile(r"(%[YmdHMSyj%]|[^%])*")
_NAMES: Final[Mapping[type[exp.Expr], str]] = {
    exp.Star: "A star", exp.Placeholder: "A parameter", exp.Anonymous: "This function", exp.Subquery: "A sub-query",
    exp.Select: "A sub-query", exp.Tuple: "A list in parentheses", exp.Array: "A list", exp.Bracket: "An index",
    exp.Window: "A window", exp.JSONExtract: "An arrow", exp.Lambda: "A lambda", exp.Struct: "A structure",
}  # fmt: skip


@cache
def allowed_nodes() -> frozenset[type[exp.Expr]]:
    """Return the classes that may stand in a tree: the language's own, and those of the functions' examples."""
    trees = (sqlglot.parse_one(one.example, dialect=DIALECT, into=exp.Condition) for one in FUNCTIONS.values())
    found = {type(node) for tree in trees for node in tree.walk()}
    return frozenset(found | set(_PLAIN)) - {exp.Anonymous}


def check_node(node: exp.Expr) -> None:
    """Refuse a node that is not on the list, or that has more to it than its plain form."""
    if type(node) not in allowed_nodes():
        raise ExpressionRefused(
            f"{_NAMES.get(type(node), f'{type(node).__name__} here')} is not allowed in expressions."
        )
    check = _CHECKS.get(type(node))
    if check:
        check(node)


def _check_column(node: exp.Expr) -> None:
    if node.args.get("table") or not isinstance(node.this, exp.Identifier):
        raise ExpressionRefused(f"{node.sql(dialect=DIALECT)[:80]}: a column has no table before it; quote its name.")


def _check_literal(node: exp.Expr) -> None:
    if not node.args.get("is_string") and not _NUMBER.fullmatch(str(node.this)):
        raise ExpressionRefused(f"{str(node.this)[:40]} is no number that can be read: at most 38 digits.")


def _check_in(node: exp.Expr) -> None:
    if node.args.get("query") or node.args.get("field") or node.args.get("unnest") or not node.expressions:
        raise ExpressionRefused("IN takes a list of values in parentheses.")


def _check_cast(node: exp.Expr) -> None:
    extra = [
        name for name, value in node.args.items() if value and name not in {"this", "to", "safe", "requires_string"}
    ]
    kind = node.args.get("to")
    if extra or not isinstance(kind, exp.DataType):
        raise ExpressionRefused("CAST takes an expression and a type.")


def _check_type(node: exp.Expr) -> None:
    sizes = [size.this for size in node.expressions if isinstance(size, exp.DataTypeParam)]
    is_decimal = node.this == exp.DataType.Type.DECIMAL
    is_plain = len(sizes) == len(node.expressions) and not node.args.get("nested") and not node.args.get("values")
    if node.this not in _TYPES or not is_plain or (sizes and not is_decimal) or not _are_sizes(sizes):
        raise ExpressionRefused(f"The type {node.sql(dialect=DIALECT)[:40]} is not allowed: give one of {TYPE_WORDS}.")


def _are_sizes(sizes: list[exp.Expr]) -> bool:
    """Tell whether these are a decimal's precision and scale: digits before and after the point."""
    if not all(isinstance(size, exp.Literal) and str(size.this).isdecimal() for size in sizes) or len(sizes) > 2:
        return False
    numbers = [int(size.this) for size in sizes if len(str(size.this)) <= 2]
    return len(numbers) == len(sizes) and (not numbers or (1 <= numbers[0] <= 38 and numbers[-1] <= numbers[0]))


def _check_comparison(node: exp.Expr) -> None:
    if isinstance(node.this, COMPARISONS) or isinstance(node.expression, COMPARISONS):
        raise ExpressionRefused("Comparisons are joined by AND: a < b AND b < c.")


def _check_is(node: exp.Expr) -> None:
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise ExpressionRefused("IS compares with NULL, TRUE or FALSE, or IS DISTINCT FROM.")


def _check_interval(node: exp.Expr) -> None:
    if not isinstance(node.this, exp.Literal) or not isinstance(node.args.get("unit"), exp.Var):
        raise ExpressionRefused("An interval is a whole number and a unit: interval 3 day.")
    if not re.fullmatch(r"-?\d{1,9}", str(node.this.this), re.ASCII):
        raise ExpressionRefused("An interval is a whole number and a unit: interval 3 day.")


def _check_unit(node: exp.Expr) -> None:
    if str(node.this).upper() not in UNITS:
        raise ExpressionRefused(
            f"{str(node.this)[:40]} is no unit of time here: give one of {', '.join(sorted(UNITS))}."
        )


def _check_format(node: exp.Expr) -> None:
    text = node.args.get("format")
    if not isinstance(text, exp.Literal) or not text.args.get("is_string"):
        raise ExpressionRefused("The format of a time is a text in quotes.")
    if not _STRFTIME.fullmatch(str(text.this)):
        raise ExpressionRefused("The format of a time knows %Y %m %d %H %M %S %y %j and %%.")


def _check_days(node: exp.Expr) -> None:
    unit = node.args.get("unit")
    if unit is None or str(unit.this).upper() != "DAY":
        raise ExpressionRefused("date_diff counts days: date_diff('day', a, b).")


_CHECKS: Final[Mapping[type[exp.Expr], Callable[[exp.Expr], None]]] = {
    exp.Column: _check_column, exp.Literal: _check_literal, exp.In: _check_in, exp.Is: _check_is, exp.Cast: _check_cast,
    exp.TryCast: _check_cast, exp.DataType: _check_type, exp.Interval: _check_interval, exp.Var: _check_unit,
    exp.TimeToStr: _check_format, exp.StrToTime: _check_format, exp.DateDiff: _check_days,
    **dict.fromkeys(COMPARISONS, _check_comparison),
}  # fmt: skip
