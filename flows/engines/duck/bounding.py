"""Functions that make a text longer, within bounds: DuckDB builds what they give outside of its memory limit.

A macro takes the place of each call that could grow without bound; it computes its arguments once, looks at their
sizes, and stops the query before the text is made.
"""

from typing import Final

import duckdb
from sqlglot import exp

MOST_CHARACTERS: Final = 16 * 1024 * 1024
_PADS: Final = {True: "kaireon_lpad", False: "kaireon_rpad"}
_REPLACE: Final = "kaireon_replace"
_REGEXP_REPLACE: Final = "kaireon_regexp_replace"
_TOO_LONG: Final = f"error('The text would be longer than {MOST_CHARACTERS:,} characters.')"
# The second bound is exact, and only looked at where the first, which costs nothing, does not tell.
_OCCURRENCES: Final = "((length(v.a) - length(replace(v.a, f, ''))) // greatest(length(f), 1))"
_MACROS: Final = {
    **{
        f"{name}(x, n, y)": f"{name.removeprefix('kaireon_')}(x, list_transform([n], lambda v: "
        f"CASE WHEN v > {MOST_CHARACTERS} THEN {_TOO_LONG} ELSE v END)[1], y)"
        for name in _PADS.values()
    },
    f"{_REPLACE}(x, f, t)": "list_transform([{'a': x, 'b': t}], lambda v: "
    f"CASE WHEN length(v.a) * length(v.b) > {MOST_CHARACTERS} "
    f"AND length(v.a) + {_OCCURRENCES} * length(v.b) > {MOST_CHARACTERS} THEN {_TOO_LONG} "
    "ELSE replace(v.a, f, v.b) END)[1]",
    f"{_REGEXP_REPLACE}(x, f, t)": "list_transform([{'a': x, 'b': t}], lambda v: "
    f"CASE WHEN (length(v.a) + 1) * length(v.b) > {4 * MOST_CHARACTERS} THEN {_TOO_LONG} "
    "ELSE regexp_replace(v.a, f, v.b, 'g') END)[1]",
}


def teach_bounds(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros that `bounded` calls."""
    for head, body in _MACROS.items():
        connection.execute(f"CREATE MACRO {head} AS {body}")


def bounded(tree: exp.Expr) -> exp.Expr:
    """Return an expression that means the same and fails where it would make a text that is too long."""
    return tree.copy().transform(_bound, copy=False)


def _bound(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Pad) and not _is_small(node.expression):
        return _call(
            _PADS[bool(node.args.get("is_left"))],
            node.this,
            node.expression,
            node.args.get("fill_pattern") or exp.Literal.string(" "),
        )
    if isinstance(node, exp.Replace) and not _keeps_short(node):
        return _call(_REPLACE, node.this, node.expression, node.args["replacement"])
    if isinstance(node, exp.RegexpReplace) and _text(node.args["replacement"]) != "":
        return _call(_REGEXP_REPLACE, node.this, node.expression, node.args["replacement"])
    return node


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _is_small(count: exp.Expr) -> bool:
    is_number = isinstance(count, exp.Literal) and not count.is_string
    return is_number and str(count.this).isdigit() and int(count.this) <= MOST_CHARACTERS


def _keeps_short(replace: exp.Replace) -> bool:
    """Tell whether what takes the place of a text is known, and no longer than that text."""
    sought, put = _text(replace.expression), _text(replace.args["replacement"])
    return put is not None and len(put) <= len(sought or "")


def _text(node: exp.Expr) -> str | None:
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None
