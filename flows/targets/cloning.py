"""A second table like the first, and everything that has to move from one to the other when they change places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.decisions.naming import TableName, quoted
from flows.targets.base import TargetRefused
from flows.targets.shapes import TableShape

# What the new table cannot take over, so that the old one must stay: (question, what it finds in words).
REFERRING: Final = """
SELECT string_agg(DISTINCT conrelid::regclass::text, ', ') FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND confrelid = %(oid)s AND conrelid <> confrelid
"""
VIEWS: Final = """
SELECT string_agg(DISTINCT r.ev_class::regclass::text, ', ') FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid WHERE d.classid = 'pg_rewrite'::regclass
AND d.refclassid = 'pg_class'::regclass AND d.refobjid = %(oid)s AND r.ev_class <> %(oid)s
"""
HEIRS: Final = """
SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_catalog.pg_inherits
WHERE inhparent = %(oid)s OR inhrelid = %(oid)s
"""
POLICIES: Final = "SELECT string_agg(polname, ', ') FROM pg_catalog.pg_policy WHERE polrelid = %(oid)s"
PUBLISHED: Final = """
SELECT string_agg(p.pubname, ', ') FROM pg_catalog.pg_publication_rel r
JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = %(oid)s
"""
OBSTACLES: Final = (
    (REFERRING, "{} refers to it by a foreign key"), (VIEWS, "the view {} reads it"),
    (HEIRS, "it has partitions or heirs ({})"), (POLICIES, "it has policies ({})"), (PUBLISHED, "it is published ({})"),
)  # fmt: skip
CONSTRAINTS: Final = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint
WHERE conrelid = %s AND contype IN ('p', 'u', 'x', 'f') ORDER BY contype = 'f', conname
"""
INDEXES: Final = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = %s AND NOT EXISTS (
  SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
ORDER BY i.indexrelid
"""
TRIGGERS: Final = "SELECT pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger WHERE tgrelid = %s AND NOT tgisinternal"
SEQUENCES: Final = """
SELECT d.objid::regclass::text, a.attname FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = %s AND d.deptype = 'a'
"""
IDENTITIES: Final = """
SELECT a.attname, s.relname FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_depend d ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
WHERE a.attrelid = %s AND a.attidentity <> ''
"""
GRANTS: Final = """
SELECT x.privilege_type, x.grantee = 0, coalesce(quote_ident(r.rolname), ''), x.is_grantable, NULL
FROM pg_catalog.pg_class c, aclexplode(c.relacl) x LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
WHERE c.oid = %(oid)s AND x.grantee <> c.relowner
UNION ALL
SELECT x.privilege_type, x.grantee = 0, coalesce(quote_ident(r.rolname), ''), x.is_grantable, a.attname
FROM pg_catalog.pg_attribute a, aclexplode(a.attacl) x LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
"""
OF_TABLE: Final = """
SELECT pg_get_userbyid(c.relowner) <> current_user, quote_ident(pg_get_userbyid(c.relowner)),
       array_to_string(c.reloptions, ', '), c.relpersistence = 'u', obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class c WHERE c.oid = %s
"""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to a table, as statements for one that takes its name; run after the old one is gone."""

    statements: Sequence[str]
    sequences: Sequence[tuple[str, str]]
    identities: Sequence["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A column that counts by itself: its sequence, and the number that comes next."""

    column: str
    sequence: TableName
    following: int


def refuse_obstacles(cursor: Any, shape: TableShape) -> None:
    """Raise TargetRefused when something hangs on the table itself, so that another cannot take its place."""
    if shape.relkind != "r":
        raise TargetRefused(f"blue_green: {shape.table.shown} is partitioned; use truncate.")
    for question, words in OBSTACLES:
        cursor.execute(question, {"oid": shape.oid})
        found = cursor.fetchone()[0]
        if found:
            raise TargetRefused(
                f"blue_green: {shape.table.shown} cannot be replaced: {words.format(found)}. Use truncate."
            )


def belongings_of(cursor: Any, shape: TableShape) -> Belongings:
    """Return what a table that takes this one's place needs besides its columns."""
    table = shape.table
    statements = []
    cursor.execute(CONSTRAINTS, [shape.oid])
    for name, definition in cursor.fetchall():
        statements.append(f"ALTER TABLE {table.sql} ADD CONSTRAINT {quoted(name)} {definition}")
    for question in (INDEXES, TRIGGERS):
        cursor.execute(question, [shape.oid])
        statements += [row[0] for row in cursor.fetchall()]
    cursor.execute(GRANTS, {"oid": shape.oid})
    statements += [_grant(table, *row) for row in cursor.fetchall()]
    statements += _of_table(cursor, shape)
    cursor.execute(SEQUENCES, [shape.oid])
    sequences = [(name, column) for name, column in cursor.fetchall()]
    return Belongings(statements, sequences, identities_of(cursor, shape))


def _grant(table: TableName, right: str, is_public: bool, role: str, is_grantable: bool, column: str | None) -> str:
    to = "PUBLIC" if is_public else role
    columns = f" ({quoted(column)})" if column else ""
    return f"GRANT {right}{columns} ON {table.sql} TO {to}{' WITH GRANT OPTION' if is_grantable else ''}"


def _of_table(cursor: Any, shape: TableShape) -> list[str]:
    cursor.execute(OF_TABLE, [shape.oid])
    is_others, owner, options, is_unlogged, comment = cursor.fetchone()
    statements = []
    if options:
        statements.append(f"ALTER TABLE {shape.table.sql} SET ({options})")
    if is_unlogged:
        statements.append(f"ALTER TABLE {shape.table.sql} SET UNLOGGED")
    if comment:
        cursor.execute("SELECT quote_literal(%s)", [comment])
        statements.append(f"COMMENT ON TABLE {shape.table.sql} IS {cursor.fetchone()[0]}")
    if is_others:
        statements.append(f"ALTER TABLE {shape.table.sql} OWNER TO {owner}")
    return statements


def identities_of(cursor: Any, shape: TableShape) -> list[Identity]:
    """Return the table's identity columns."""
    cursor.execute(IDENTITIES, [shape.oid])
    named = [(column, TableName(shape.table.schema, sequence)) for column, sequence in cursor.fetchall()]
    found = []
    for column, sequence in named:
        cursor.execute(f"SELECT last_value + is_called::int FROM {sequence.sql}")  # noqa: S608 - quoted name
        found.append(Identity(column, sequence, int(cursor.fetchone()[0])))
    return found
