"""What PostgreSQL refused, in words that name the row and the column."""

import re
from typing import Final

import psycopg

from flows.targets.base import TargetRefused

CONTEXT: Final = re.compile(r"COPY [^,]+, line (\d+)(?:, column ([^:\n]+))?", re.DOTALL)
# What every row has, in the row that PostgreSQL shows; it cuts long values.
LINEAGE: Final = re.compile(r', \{"runId": [^}]*?(?:\}|\.\.\.)')
MOST: Final = 600


def refusal_of(error: psycopg.Error, shown: str) -> TargetRefused:
    """Return the refusal that an error of the server stands for; one that is not about the rows is raised again."""
    state = error.sqlstate or ""
    if not state.startswith(("22", "23", "21", "42", "0A", "2B", "55006")):
        raise error
    found = CONTEXT.search(error.diag.context or "")
    column = (found and found[2]) or error.diag.column_name
    parts = [f"row {int(found[1]):,}" if found else "", f"column {column}" if column else ""]
    where = ", ".join(part for part in parts if part)
    detail = f" {LINEAGE.sub('', error.diag.message_detail)}" if error.diag.message_detail else ""
    text = f"{shown}{f', {where}' if where else ''}: {_plain(error)}.{detail}"
    return TargetRefused(text[:MOST])


def _plain(error: psycopg.Error) -> str:
    text = (error.diag.message_primary or str(error)).rstrip(".")
    return "a text has a NUL in it" if "0x00" in text else text
