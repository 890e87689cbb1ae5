"""Rows of any table as texts that a page can show: cut where they are long, the column of lineage left out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.decisions.naming import LINEAGE_COLUMN

LONGEST: Final = 160
MOST_COLUMNS: Final = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table in texts; each cell with whether it stands right, as numbers do."""

    heads: list[str]
    rows: list[list[tuple[str, bool]]]


def sheet_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> Sheet:
    """Return rows as texts, columns in the order of `names`, then what else there is."""
    found = dict.fromkeys(names) | dict.fromkeys(name for row in rows for name in row)
    heads = [name for name in found if name != LINEAGE_COLUMN][:MOST_COLUMNS]
    return Sheet(heads, [[_cell(row.get(name)) for name in heads] for row in rows])


def _cell(value: Any) -> tuple[str, bool]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return text_of_value(value)[:LONGEST], is_number


def text_of_value(value: Any) -> str:
    """Return a value as people read it; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
