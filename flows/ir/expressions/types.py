"""The type that an expression gives, as DuckDB writes it; an empty text where it cannot be told beforehand."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import sqlglot
from sqlglot import exp

from flows.ir.expressions.functions import FUNCTIONS
from flows.ir.expressions.words import DIALECT

UNKNOWN: Final = ""
_GIVEN: Final = {
    "text": "VARCHAR", "tiny": "TINYINT", "bigint": "BIGINT", "integer": "INTEGER", "double": "DOUBLE",
    "boolean": "BOOLEAN", "date": "DATE",
}  # fmt: skip
_FIXED: Final[Mapping[type[exp.Expr], str]] = {
    **dict.fromkeys(
        (
            exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
            exp.Like, exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Boolean,
        ),
        "BOOLEAN",
    ),
    exp.DPipe: "VARCHAR",
    exp.Div: "DOUBLE",
}  # fmt: skip
_ARITHMETIC: Final = (exp.Add, exp.Sub, exp.Mul)
_NUMBERS: Final = ("INTEGER", "BIGINT", "DOUBLE")
Types = Mapping[int, str]


def type_of(expression: exp.Expr, columns: Mapping[str, str]) -> str:
    """Return the type of an expression over columns of known types, or an empty text.

    Works from the leaves up without recursion.
    """
    known: dict[int, str] = {}
    for node in reversed(list(expression.walk(bfs=True))):
        known[id(node)] = _leaf(node, columns) or _FIXED.get(type(node)) or _made(node, known)
    return known[id(expression)]


def _leaf(node: exp.Expr, columns: Mapping[str, str]) -> str:
    if isinstance(node, exp.Column):
        return columns.get(node.name, UNKNOWN)
    if isinstance(node, exp.Cast | exp.TryCast):
        return _written(node.args["to"])
    return _literal(node) if isinstance(node, exp.Literal) else UNKNOWN


def _made(node: exp.Expr, known: Types) -> str:
    """Return what comes of the parts: the same, the wider number, or what the function gives."""
    if isinstance(node, exp.Paren | exp.Neg):
        return known.get(id(node.this), UNKNOWN)
    parts = [known.get(id(part), UNKNOWN) for part in _parts(node)]
    if isinstance(node, _ARITHMETIC):
        return _widest(parts) if set(parts) <= set(_NUMBERS) else UNKNOWN
    gives = "widest" if isinstance(node, exp.Case | exp.If) else _gives().get(type(node), "")
    if gives in {"first", "real"}:
        is_number = bool(parts) and parts[0] in _NUMBERS
        return UNKNOWN if not is_number else "DOUBLE" if gives == "real" else parts[0]
    return _widest(parts) if gives == "widest" else _GIVEN.get(gives, UNKNOWN)


@cache
def _gives() -> Mapping[type[exp.Expr], str]:
    """Return what the node of each function gives, by the node that its example is read as."""
    trees = ((sqlglot.parse_one(one.example, dialect=DIALECT, into=exp.Condition), one) for one in FUNCTIONS.values())
    return {type(tree): one.gives for tree, one in trees}


def _parts(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands or arguments of a node in their order; of a choice only what it can give; no nulls."""
    parts = [node.args.get("this"), node.args.get("expression"), *node.expressions]
    if isinstance(node, exp.Case):
        parts = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
    elif isinstance(node, exp.If):
        parts = [node.args.get("true"), node.args.get("false")]
    return [part for part in parts if isinstance(part, exp.Expr) and not isinstance(part, exp.Null)]


def _literal(node: exp.Literal) -> str:
    """Return a literal's type; a number with a point is a decimal, whose size depends on what it meets."""
    text = str(node.this)
    if node.args.get("is_string"):
        return "VARCHAR"
    if not text.isdecimal():
        return "DOUBLE" if "e" in text.lower() else UNKNOWN
    return "INTEGER" if int(text) < 2**31 else "BIGINT" if int(text) < 2**63 else UNKNOWN


def _widest(types: list[str]) -> str:
    """Return the type that takes all: the same for all, or the wider of whole numbers and doubles."""
    if len(set(types)) == 1:
        return types[0]
    return max(types, key=_NUMBERS.index) if types and set(types) <= set(_NUMBERS) else UNKNOWN


def _written(kind: exp.Expr) -> str:
    """Write a cast's type as DuckDB names it in a relation."""
    text = kind.sql(dialect=DIALECT).replace(", ", ",")
    if text.startswith("DECIMAL(") and "," not in text:
        return text.replace(")", ",0)")
    return {"TEXT": "VARCHAR", "INT": "INTEGER"}.get(text, text)
