"""`hash`: the digest of a column's text."""

import ibis

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Hash


def compile_hash(op: Hash, rows: Rows, work: Work) -> Rows:
    """Compile the operation."""
    work.column(rows, op.field)
    rows = work.where(rows)
    dialect = work.backend.dialect
    text = dialect.text(rows[op.field])
    salted = ibis.literal(op.salt) + text if op.salt else text
    return rows.compute({op.field: dialect.digest(salted, op.algorithm)})
