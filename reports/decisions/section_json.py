"""Sections as a run keeps them and the API shows them: the first rows of each, in the wire's names.

Numbers are JSON numbers, also money: its last digits beyond what a double holds are in the artifacts. Instants are ISO
8601 in UTC with `Z`, dates ISO 8601; a number that is none (NaN) is null.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from reports.decisions.document import Cell, Chart, ChartKind, Column, Document, Figure, Row, Section, Unit

KEPT_ROWS: Final = 200
# What no JSON in the database can hold.
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")


def sections_data(document: Document, limit: int = KEPT_ROWS) -> list[dict[str, Any]]:
    """Return the document's sections with at most `limit` rows each; `rowCount` counts all of them."""
    return [section_data(section, limit) for section in document.sections]


def section_data(section: Section, limit: int = KEPT_ROWS) -> dict[str, Any]:
    """Return one section with at most `limit` rows."""
    return {
        "id": _text(section.id),
        "title": _text(section.title),
        "sourceKey": _text(section.source_key),
        "columns": [{"key": each.key, "label": each.label, "unit": str(each.unit)} for each in section.columns],
        "rows": [[cell_data(cell) for cell in row] for row in islice(section.rows, limit)],
        "rowCount": len(section.rows),
        "truncated": len(section.rows) > limit,
        "figures": [_figure_data(figure) for figure in section.figures],
        "chart": _chart_data(section.chart) if section.chart else None,
        "note": _text(section.note),
        "error": _text(section.error),
    }


def read_sections(kept: Iterable[Mapping[str, Any]]) -> list[Section]:
    """Return the sections that `sections_data` gave, with the rows that it kept and the types of their units."""
    return [_read_section(each) for each in kept]


def cell_data(cell: Cell) -> str | int | float | bool | None:
    """Return a cell as JSON has it."""
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float | Decimal):
        return _number(cell)
    return cell


def _number(value: float | Decimal) -> int | float | None:
    if not math.isfinite(value):
        return None
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else float(value)


def _text(value: str) -> str:
    return _UNKEPT.sub("\ufffd", value)


def _figure_data(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.key,
        "label": figure.label,
        "value": cell_data(figure.value),
        "unit": str(figure.unit),
        "before": cell_data(figure.before),
    }


def _chart_data(chart: Chart) -> dict[str, Any]:
    return {"kind": str(chart.kind), "along": chart.along, "drawn": list(chart.drawn), "title": _text(chart.title)}


def _read_section(kept: Mapping[str, Any]) -> Section:
    columns = tuple(Column(each["key"], each["label"], Unit(each["unit"])) for each in kept["columns"])
    readers = [_READERS.get(column.unit, _as_it_is) for column in columns]
    chart = kept["chart"]
    return Section(
        kept["id"],
        kept["title"],
        kept["sourceKey"],
        columns,
        tuple(_read_row(row, readers) for row in kept["rows"]),
        chart=Chart(ChartKind(chart["kind"]), chart["along"], tuple(chart["drawn"]), chart["title"]) if chart else None,
        figures=tuple(_read_figure(each) for each in kept["figures"]),
        note=kept["note"],
        error=kept["error"],
    )


def _read_row(row: Iterable[Any], readers: Iterable[Callable[[Any], Any]]) -> Row:
    return tuple(None if cell is None else read(cell) for cell, read in zip(row, readers, strict=True))


def _read_figure(kept: Mapping[str, Any]) -> Figure:
    unit = Unit(kept["unit"])
    read = _READERS.get(unit, _as_it_is)
    value, before = (None if kept[name] is None else read(kept[name]) for name in ("value", "before"))
    return Figure(kept["key"], kept["label"], value, unit, before)


def _as_it_is(value: Any) -> Any:
    return value


def _read_money(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) else value


def _read_time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _read_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


_READERS: Final[Mapping[Unit, Callable[[Any], Any]]] = {
    Unit.MONEY: _read_money,
    Unit.TIME: _read_time,
    Unit.DATE: _read_date,
}
