"""Reading an expression into a tree, and writing a tree as SQL of a dialect."""

from collections.abc import Collection, Iterator
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flows.ir.expressions.nodes import PREDICATES, UNITS, check_node
from flows.ir.expressions.refusal import ExpressionRefused
from flows.ir.expressions.words import DIALECT, check_words

RESERVED: Final = "_kaireon_"


def parse_expression(text: str, *, columns: Collection[str] | None) -> exp.Expr:
    """Read one scalar expression; with `columns` known, each name becomes exactly one of them.

    A name that is not quoted may differ in case when only one column can be meant. Every identifier of the tree is
    quoted; `/` gives a double; a division by zero gives null; `regexp_replace` replaces every match; a decimal without
    a size is DECIMAL(18, 3). Raises ExpressionRefused, and nothing else, whatever the text is.
    """
    check_words(text)
    tree: exp.Expr
    try:
        tree = sqlglot.parse_one(text, dialect=DIALECT, into=exp.Condition)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError) as error:
        # Total by contract: sqlglot raises the others for a few texts that no dialect knows.
        raise ExpressionRefused(f"The expression cannot be read{_place(error)}.") from error
    tree = tree.transform(_named, copy=False)
    nodes = list(tree.walk())
    for node in nodes:
        check_node(node)
    for node in nodes:
        if isinstance(node, exp.Identifier):
            _bind(node, columns)
    return tree.transform(_settled, copy=False)


def columns_of(expression: exp.Expr) -> tuple[str, ...]:
    """Return the names of the columns that an expression reads, each once, in order."""
    return tuple(dict.fromkeys(column.name for column in expression.find_all(exp.Column)))


def to_sql(expression: exp.Expr, dialect: str) -> str:
    """Write an expression in a dialect of sqlglot (`duckdb`, `spark`, `postgres`), identifiers quoted, no comments."""
    return expression.sql(dialect=dialect, identify=True, comments=False)


def _place(error: Exception) -> str:
    details = getattr(error, "errors", None)
    first = details[0] if details else {}
    column = first.get("col") if isinstance(first, dict) else None
    return f" near character {column}" if isinstance(column, int) else ""


def _named(node: exp.Expr) -> exp.Expr:
    """Turn `date_part('year', x)` into the EXTRACT that it is; sqlglot leaves it as it stands."""
    if isinstance(node, exp.Anonymous) and str(node.this).lower() == "date_part" and len(node.expressions) == 2:
        unit, value = node.expressions
        if isinstance(unit, exp.Literal) and str(unit.this).upper() in UNITS:
            return exp.Extract(this=exp.var(str(unit.this).upper()), expression=value)
    return node


def _bind(identifier: exp.Identifier, columns: Collection[str] | None) -> None:
    """Make an identifier name exactly one column, and quote it."""
    name = str(identifier.this)
    if name.lower().startswith(RESERVED):
        raise ExpressionRefused(f"{name[:60]} is a reserved name.")
    if columns is not None and name not in columns:
        name = _meant(name, columns, is_quoted=bool(identifier.args.get("quoted")))
    identifier.args.update(this=name, quoted=True)


def _meant(name: str, columns: Collection[str], *, is_quoted: bool) -> str:
    alike = [column for column in columns if column.lower() == name.lower()]
    if len(alike) == 1 and not is_quoted:
        return alike[0]
    hint = f" Did you mean {alike[0]}?" if alike else f" There are {', '.join(_few(columns))}."
    raise ExpressionRefused(f"There is no column {name[:63]}.{hint if columns else ''}")


def _few(columns: Collection[str]) -> Iterator[str]:
    for number, column in enumerate(columns):
        if number == 12:
            yield f"and {len(columns) - number} more"
            return
        yield column


def _settled(node: exp.Expr) -> exp.Expr:
    """Write out what the dialects would read each in its own way."""
    if isinstance(node, exp.Div | exp.IntDiv | exp.Mod) and not _is_divisor(node.expression):
        node.set("expression", exp.Nullif(this=_bare(node.expression), expression=exp.Literal.number(0)))
    if isinstance(node, PREDICATES) and not isinstance(node, exp.Not | exp.Escape):
        _set_apart(node)
    elif isinstance(node, exp.Div):
        node.set("this", exp.cast(_bare(node.this), "double", dialect=DIALECT))
    elif isinstance(node, exp.RegexpReplace):
        node.set("modifiers", exp.Literal.string("g"))
    elif isinstance(node, exp.DateDiff):
        for side in ("this", "expression"):
            node.set(side, exp.cast(_bare(node.args[side]), "date", dialect=DIALECT))
    return node


def _set_apart(node: exp.Expr) -> None:
    """Put a predicate within a predicate in parentheses: the dialects bind them differently."""
    for key in ("this", "expression", "low", "high"):
        part = node.args.get(key)
        if isinstance(part, PREDICATES) and not isinstance(part, exp.Escape):
            node.set(key, exp.Paren(this=part))


def _is_divisor(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.args.get("is_string") and float(node.this) != 0


def _bare(node: exp.Expr) -> exp.Expr:
    return node.unnest()
