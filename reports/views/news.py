"""What changed since the last issue, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from reports.decisions.changes import Change, ChangeKind, what_changed
from reports.decisions.document import Cell, Column
from reports.renderers.cells import cell_writer

WORDS: Final = {
    ChangeKind.SECTION_ADDED: "is new in this issue",
    ChangeKind.SECTION_REMOVED: "is no longer in the report",
    ChangeKind.FAILED: "could not be made this time",
    ChangeKind.RECOVERED: "could be made again",
    ChangeKind.ROW_ADDED: "is new",
    ChangeKind.ROW_REMOVED: "is gone",
}
_LEAST_PERCENT: Final = 0.05


@dataclass(frozen=True, slots=True)
class News:
    """One change in texts; `before` and `after` are empty where nothing was measured."""

    section: str
    subject: str
    words: str
    before: str
    after: str
    percent: str
    direction: int


def news_of(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], zone: str) -> list[News]:
    """Return what changed between the kept sections of two runs."""
    return [_told(change, zone) for change in what_changed(before, after)]


def _told(change: Change, zone: str) -> News:
    write = cell_writer(Column("", "", change.unit), zone)
    subject = f"{change.name}: {change.label}" if change.name and change.label else change.name or change.label
    return News(
        section=change.section_title,
        subject=subject or change.section_title,
        words=WORDS.get(change.kind, ""),
        before=_text(change.before, write, change.kind in {ChangeKind.FIGURE, ChangeKind.ROW}),
        after=_text(change.after, write, change.kind in {ChangeKind.FIGURE, ChangeKind.ROW}),
        percent=_percent(change.ratio),
        direction=_direction(change),
    )


def _text(value: Cell, write: Any, is_measured: bool) -> str:
    return str(write(value)) if is_measured or value is not None else ""


def _percent(ratio: float | None) -> str:
    if ratio is None or abs(100 * ratio) < _LEAST_PERCENT:
        return ""
    return f"{100 * ratio:+,.1f} %"


def _direction(change: Change) -> int:
    if change.before is None or change.after is None:
        return 0
    return (change.after > change.before) - (change.after < change.before)
