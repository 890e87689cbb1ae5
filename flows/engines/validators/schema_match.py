"""`schemaMatch`."""

from collections.abc import Iterator
from typing import Final

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.types import DUCKDB_TYPES
from flows.ir.validation import SchemaMatch

# What also passes for a type: each narrower than it.
_NARROWER: Final = {
    "INTEGER": {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"},
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"},
}


def unlike(validator: SchemaMatch, rows: Rows, work: Work) -> str | None:
    """Tell which columns are missing, of another type, or too many."""
    return "; ".join(_differences(validator, rows, work)) or None


def _differences(validator: SchemaMatch, rows: Rows, work: Work) -> Iterator[str]:
    for expected in validator.columns:
        if expected.name not in rows.columns:
            yield f"there is no column {expected.name}"
        elif expected.type is not None:
            kind = work.backend.dialect.kind(rows, expected.name)
            if not _is(kind, DUCKDB_TYPES[expected.type]):
                yield f"{expected.name} is {kind}, not {expected.type}"
    if validator.strict:
        known = {expected.name for expected in validator.columns}
        yield from (f"there is a column {name} too many" for name in rows.columns if name not in known)


def _is(kind: str, wanted: str) -> bool:
    name, wanted = kind.partition("(")[0], wanted.partition("(")[0]
    return name == wanted or name in _NARROWER.get(wanted, set())
