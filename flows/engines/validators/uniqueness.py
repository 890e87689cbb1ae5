"""`uniqueness`."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.validation import Uniqueness


def repeated(validator: Uniqueness, rows: Rows, work: Work) -> str | None:
    """Tell when columns together name more than one row; nulls are a value like any other."""
    keys = [work.column(rows, name) for name in validator.fields]
    groups = rows.table.group_by(keys).aggregate(_kaireon_n=rows.table.count())
    several = groups.filter(groups["_kaireon_n"] > 1)
    found = work.figures(rows.over(several), keys=several.count(), several=several["_kaireon_n"].sum())
    if not found["keys"]:
        return None
    names = ", ".join(validator.fields)
    return f"{names}: {found['keys']:,} values stand in more than one row, {found['several']:,} rows in all"
