"""Which SQL a hook may be: read and rebuilt from what was understood, so that what runs is what was checked.

Allowed are one SELECT over the tenant's own tables, ANALYZE, REFRESH MATERIALIZED VIEW and CREATE INDEX. Functions and
kinds of expression are on a list: one that is not there is refused, whatever it does.
"""

import re
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flows.decisions.naming import NameRefused, quoted, target_table
from flows.targets.base import TargetRefused

REFUSED_VERBS: Final = frozenset({
    "DROP", "DELETE", "UPDATE", "TRUNCATE", "INSERT", "MERGE", "COPY", "GRANT", "REVOKE", "ALTER",
})  # fmt: skip
NAME: Final = r"((?:public\.)?ds_[a-z0-9_]{1,60})"
COLUMN: Final = r'(?:[a-z_][a-z0-9_]{0,62}|"[^"\x00-\x1f]{1,60}")'
ANALYZE: Final = re.compile(rf"ANALY[ZS]E\s+{NAME}", re.IGNORECASE)
REFRESH: Final = re.compile(rf"REFRESH\s+MATERIALIZED\s+VIEW\s+{NAME}", re.IGNORECASE)
INDEX: Final = re.compile(
    rf"CREATE\s+INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_][a-z0-9_]{{0,62}})\s+ON\s+{NAME}\s*"
    rf"\(\s*({COLUMN}(?:\s*,\s*{COLUMN})*)\s*\)", re.IGNORECASE,
)  # fmt: skip
COMMENT: Final = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
HINT: Final = "A hook may be one SELECT of your own tables, ANALYZE, REFRESH MATERIALIZED VIEW, or CREATE INDEX."

ALLOWED: Final[frozenset[type[exp.Expression]]] = frozenset({
    exp.Select, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.Subquery, exp.From, exp.Join, exp.Where,
    exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Table, exp.TableAlias,
    exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple, exp.Add,
    exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or,
    exp.Not, exp.Is, exp.Like, exp.ILike, exp.Between, exp.In, exp.Case, exp.If, exp.Exists, exp.Cast, exp.DataType,
    exp.DataTypeParam, exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Coalesce, exp.Nullif, exp.Abs, exp.Round,
    exp.Floor, exp.Ceil, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Filter, exp.Window, exp.CurrentTimestamp,
    exp.CurrentDate, exp.Interval, exp.Var, exp.RowNumber,
})  # fmt: skip
TYPES: Final = frozenset({
    "BIGINT", "INT", "SMALLINT", "TEXT", "VARCHAR", "CHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME",
    "DOUBLE", "FLOAT", "DECIMAL", "UUID", "INTERVAL",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guarded:
    """A statement to run, with every table qualified and quoted; `is_reading` when it may not write at all."""

    sql: str
    is_reading: bool


def guarded(statement: str, data_schema: str) -> Guarded:
    """Return what runs for a hook's statement; raise TargetRefused for anything that is not on the list."""
    text = _bare(statement)
    verb = (re.match(r"[A-Za-z]+", text) or [""])[0].upper()
    if verb in REFUSED_VERBS:
        raise TargetRefused(f"A hook must not {verb}. {HINT}")
    for pattern, words in ((ANALYZE, "ANALYZE"), (REFRESH, "REFRESH MATERIALIZED VIEW")):
        if found := pattern.fullmatch(text):
            return Guarded(f"{words} {_table(found[1].lower(), data_schema)}", is_reading=False)
    if found := INDEX.fullmatch(text):
        made = f"CREATE INDEX IF NOT EXISTS {quoted(found[1].lower())} ON {_table(found[2].lower(), data_schema)}"
        return Guarded(f"{made} ({_columns(found[3])})", is_reading=False)
    return Guarded(_selection(text, data_schema), is_reading=True)


def _bare(statement: str) -> str:
    """Return the statement without comments before it, and without the semicolon after it."""
    if "\0" in statement:
        raise TargetRefused(f"A hook has a NUL in it. {HINT}")
    text = statement
    while found := COMMENT.match(text):
        text = text[found.end() :]
    return text.strip().removesuffix(";").strip()


def _columns(text: str) -> str:
    names = [part.strip() for part in re.findall(COLUMN, text, re.IGNORECASE)]
    return ", ".join(name if name.startswith('"') else quoted(name.lower()) for name in names)


def _selection(text: str, data_schema: str) -> str:
    try:
        statements = sqlglot.parse(text, dialect="postgres")
    except RecursionError:
        raise TargetRefused(f"The hook is nested too deeply. {HINT}") from None
    except (SqlglotError, ValueError) as error:
        raise TargetRefused(f"The hook cannot be read as SQL: {str(error).splitlines()[0][:200]}. {HINT}") from None
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Select | exp.Union | exp.Except | exp.Intersect):
        raise TargetRefused(f"{'Several statements are' if len(statements) > 1 else 'This is'} no hook. {HINT}")
    for node in list(tree.walk()):
        _check(node)
    names = {str(cte.alias) for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        _qualify(table, names, data_schema)
    return str(tree.sql(dialect="postgres", comments=False))


def _check(node: exp.Expr) -> None:
    if type(node) not in ALLOWED:
        name = node.name if isinstance(node, exp.Anonymous) else node.key
        raise TargetRefused(f"A hook must not use {str(name)[:60]}. {HINT}")
    if isinstance(node, exp.DataType) and node.this.name not in TYPES:
        raise TargetRefused(f"A hook must not cast to {node.sql()[:60]}. {HINT}")
    if isinstance(node, exp.CTE) and str(node.alias).lower().startswith("pg_"):
        raise TargetRefused(f"A name of WITH must not begin with pg_. {HINT}")


def _qualify(table: exp.Table, names: set[str], data_schema: str) -> None:
    """Put the tenant's schema before a table; what WITH names stays as it is, and nothing else can be reached."""
    if not isinstance(table.this, exp.Identifier) or table.catalog:
        raise TargetRefused(f"A hook reads tables alone. {HINT}")
    if not table.db and table.name in names:
        return
    identifier = table.this
    name = identifier.name if identifier.quoted else identifier.name.lower()
    shown = f"{table.db.lower()}.{name}" if table.db else name
    try:
        own = target_table(shown, data_schema)
    except NameRefused as refusal:
        raise TargetRefused(str(refusal)) from None
    table.set("this", exp.to_identifier(own.name, quoted=True))
    table.set("db", exp.to_identifier(own.schema, quoted=True))
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(own.name, quoted=True)))


def _table(text: str, data_schema: str) -> str:
    return target_table(text, data_schema).sql
