"""What changed since the last issue: two runs' kept sections, compared figure by figure and row by row.

A row is known by its leading texts. Where a run kept only the first rows of a table, nobody can tell a row that is new
from one that moved up, so neither is said. Rows that are days or instants follow the calendar and are not compared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from reports.decisions.document import Unit

ROWS_PER_SECTION: Final = 5
_NAMES: Final = frozenset({Unit.TEXT})
_CALENDAR: Final = frozenset({Unit.DATE, Unit.TIME})
_UNMEASURED: Final = _NAMES | _CALENDAR | {Unit.YES_NO}

Kept = Mapping[str, Any]
Number = int | float


class ChangeKind(StrEnum):
    """What sort of news it is."""

    SECTION_ADDED = "section_added"
    SECTION_REMOVED = "section_removed"
    FAILED = "failed"
    RECOVERED = "recovered"
    FIGURE = "figure"
    ROW_ADDED = "row_added"
    ROW_REMOVED = "row_removed"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of news. `label` names the figure, or the row's column; `name` the row; `after` is today's value."""

    kind: ChangeKind
    section_id: str
    section_title: str
    label: str = ""
    name: str = ""
    unit: Unit = Unit.TEXT
    before: Number | None = None
    after: Number | None = None

    @property
    def ratio(self) -> float | None:
        """Return by which part of the value before it changed; None where there is none, or it was 0."""
        if self.before is None or self.after is None or not self.before:
            return None
        return (self.after - self.before) / abs(self.before)


def what_changed(before: Sequence[Kept], after: Sequence[Kept]) -> list[Change]:
    """Compare the `sectionsData` of two runs, section by section in today's order, and what is gone at the end.

    A section is the same one when its id and its source are. Of its rows the ROWS_PER_SECTION that moved most are told.
    """
    known = {(each["id"], each["sourceKey"]): each for each in before}
    today = {(each["id"], each["sourceKey"]) for each in after}
    changes: list[Change] = []
    for section in after:
        earlier = known.get((section["id"], section["sourceKey"]))
        changes += _compared(earlier, section) if earlier else [_news(ChangeKind.SECTION_ADDED, section)]
    gone = (each for key, each in known.items() if key not in today)
    return changes + [_news(ChangeKind.SECTION_REMOVED, each) for each in gone]


def _news(kind: ChangeKind, section: Kept, **values: Any) -> Change:
    return Change(kind, section["id"], section["title"], **values)


def _compared(before: Kept, after: Kept) -> list[Change]:
    if before["error"] or after["error"]:
        if bool(before["error"]) is bool(after["error"]):
            return []
        return [_news(ChangeKind.FAILED if after["error"] else ChangeKind.RECOVERED, after)]
    return [*_figures(before, after), *_rows(before, after)]


def _figures(before: Kept, after: Kept) -> Iterator[Change]:
    earlier = {each["key"]: each for each in before["figures"]}
    for figure in after["figures"]:
        old = earlier.get(figure["key"])
        if old is not None and old["unit"] == figure["unit"] and old["value"] != figure["value"]:
            yield _news(
                ChangeKind.FIGURE, after, label=figure["label"], unit=Unit(figure["unit"]),
                before=old["value"], after=figure["value"],
            )  # fmt: skip


def _rows(before: Kept, after: Kept) -> list[Change]:
    column = _measured(after)
    if column is None or before["columns"] != after["columns"]:
        return []
    shape: dict[str, Any] = {
        "label": after["columns"][column]["label"],
        "unit": Unit(after["columns"][column]["unit"]),
    }
    old, new = _values(before, column), _values(after, column)
    moved = [
        _news(ChangeKind.ROW, after, name=_shown(after, key), before=old[key], after=value, **shape)
        for key, value in new.items()
        if key in old and old[key] != value
    ]
    added = [
        _news(ChangeKind.ROW_ADDED, after, name=_shown(after, key), after=value, **shape)
        for key, value in new.items()
        if key not in old and not before["truncated"]
    ]
    removed = [
        _news(ChangeKind.ROW_REMOVED, after, name=_shown(after, key), before=value, **shape)
        for key, value in old.items()
        if key not in new and not after["truncated"]
    ]
    return [*_largest(moved), *_largest(added), *_largest(removed)]


def _largest(changes: Iterable[Change]) -> list[Change]:
    """Return those that moved most, in units of the column; equal ones by name."""
    return sorted(changes, key=lambda each: (-abs((each.after or 0) - (each.before or 0)), each.name))[
        :ROWS_PER_SECTION
    ]


def _measured(section: Kept) -> int | None:
    """Return the place of the column that stands for a row: the first one drawn, else the first with a number."""
    columns = section["columns"]
    if not columns or Unit(columns[0]["unit"]) in _CALENDAR or not _named(section):
        return None
    drawn = section["chart"]["drawn"][:1] if section["chart"] else []
    places = [place for place, each in enumerate(columns) if Unit(each["unit"]) not in _UNMEASURED]
    return next((place for place in places if columns[place]["key"] in drawn), places[0] if places else None)


def _named(section: Kept) -> list[int]:
    """Return the places of the leading texts."""
    places = []
    for place, column in enumerate(section["columns"]):
        if Unit(column["unit"]) not in _NAMES:
            break
        places.append(place)
    return places


def _values(section: Kept, column: int) -> dict[tuple[Any, ...], Any]:
    """Return each row's value by its name; of two rows with one name the first."""
    places = _named(section)
    found: dict[tuple[Any, ...], Any] = {}
    for row in section["rows"]:
        value = row[column]
        if value is None or isinstance(value, int | float):
            found.setdefault(tuple(row[place] for place in places), value)
    return found


def _shown(section: Kept, key: tuple[Any, ...]) -> str:
    """Return a row's name: the text along the chart's axis, else the first one that says something."""
    along = section["chart"]["along"] if section["chart"] else ""
    named = dict(zip((section["columns"][place]["key"] for place in _named(section)), key, strict=True))
    return str(named.get(along) or next((text for text in key if text), ""))
