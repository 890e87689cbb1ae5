"""`cast`: a column in another type; what cannot be one is null, stops the run, or sets its row aside."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Cast


def compile_cast(op: Cast, rows: Rows, work: Work) -> Rows:
    """Compile the operation."""
    before = work.column(rows, op.field)
    if op.on_error == "fail" and any(check.column == op.field for check in rows.checks):
        rows = work.where(rows)
        before = rows[op.field]
    if op.on_error == "quarantine":
        rows = work.where(rows)
        before = rows[op.field]
    value, kind = work.backend.dialect.cast(rows, op)
    kinds = {} if kind is None else {op.field: kind}
    if op.on_error == "null":
        return rows.compute({op.field: value}, kinds=kinds)
    if op.on_error == "fail":
        what = f", which is not {_article(op.to)} {op.to}"
        return work.check(rows, op.field, value, kinds=kinds, what=what)
    bad = value.isnull() & before.notnull()
    return work.reject(
        rows, bad, column=op.field, error=f"not {_article(op.to)} {op.to}", rule_id=op.id or work.op_name,
        also={op.field: value}, kinds=kinds,
    )  # fmt: skip


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" and word != "uuid" else "a"
