"""Write entries as CSV that a spreadsheet may open: no cell becomes a formula."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from kaireon.platform.audit.serializers import entry_json

COLUMNS: Final = (
    "sequence",
    "timestamp",
    "action",
    "entityType",
    "entityId",
    "entityName",
    "entityVersion",
    "userId",
    "userName",
    "requestId",
    "changes",
    "before",
    "after",
    "integrityHash",
    "prevHash",
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Any]) -> Iterator[str]:
    """Yield the header, then one line per entry."""
    yield _line(COLUMNS)
    for row in rows:
        shown = entry_json(row)
        yield _line([safe_cell(shown[name]) for name in COLUMNS])


def safe_cell(value: Any) -> str:
    """Return the cell's text; one that a spreadsheet would run as a formula gets a leading apostrophe.

    Numbers stay numbers, also negative ones (contract §6; OWASP, CSV injection). Spaces before the sign count:
    some programs trim them first.
    """
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # float() also reads "+1_000" and "-inf", which no spreadsheet takes for a number.
    return all(character in "0123456789.eE+-" for character in text)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
