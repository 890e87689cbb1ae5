"""Tables of any length: laid out once, drawn page by page, with their header on each.

A platypus Table measures what is left of it anew at every page, which costs the square of its rows; here a page's part
is found by bisection in the running sum of the rows' heights.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from reportlab.platypus.flowables import Flowable

from reports.renderers.pdf.blocks import COLOURS, Words
from reports.renderers.pdf.lettering import ELLIPSIS, put, width_of, wrapped

SIZE, LEADING, PAD, PAD_BELOW = 8.0, 10.4, 5.0, 3.4
MOST_LINES: Final = 12
_LONGEST_CELL: Final = 1_200
_HEADER_LINES: Final = 4
_REMARK_GAP: Final = 5.0
# No row stands alone at the end of a page or at the beginning of the next. Two of the highest fit on every page.
_TOGETHER: Final = 2

Lines = Sequence[str]


class Cell(NamedTuple):
    """A cell as drawn: its lines, with their widths where it stands on the right."""

    lines: Lines
    widths: Sequence[float]


class Layout:
    """A table's cells broken into lines for columns of given widths (padding included)."""

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], is_right: Sequence[bool]
    ) -> None:
        self.widths, self.is_right = widths, is_right
        self.lefts = [0.0, *accumulate(widths)]
        inner = [width - 2 * PAD for width in widths]
        self.header = [
            wrapped(label, room, SIZE, bold=True, most=_HEADER_LINES) for label, room in zip(header, inner, strict=True)
        ]
        self.header_height = _height(self.header)
        columns = (
            [_cell(text, room, right) for text in texts]
            for texts, room, right in zip(zip(*rows, strict=True), inner, is_right, strict=True)
        )
        self.rows = list(zip(*columns, strict=True))
        heights = [_height([cell.lines for cell in row]) for row in self.rows]
        self.sums = [0.0, *accumulate(heights)]

    def height(self, start: int, end: int) -> float:
        """Return the height of some rows with the header."""
        return self.header_height + self.sums[end] - self.sums[start]


def _cell(text: str, room: float, right: bool) -> Cell:
    if len(text) > _LONGEST_CELL:
        text = text[:_LONGEST_CELL] + ELLIPSIS
    width = width_of(text, SIZE)
    if right:
        return Cell((text,), (width,))
    return Cell((text,), ()) if width <= room else Cell(wrapped(text, room, SIZE, most=MOST_LINES), ())


def _height(cells: Sequence[Lines]) -> float:
    return max((len(lines) for lines in cells), default=1) * LEADING + 2 * PAD_BELOW


def _below(remark: Words, width: float) -> float:
    """Return the height of a remark with the gap above it."""
    return remark.wrap(width, 0)[1] + _REMARK_GAP


class Grid(Flowable):  # type: ignore[misc]
    """The rows of a layout from `start` to `end`, under its header; `remarks` stay with the last row."""

    def __init__(self, layout: Layout, start: int = 0, end: int | None = None, remarks: Sequence[Words] = ()) -> None:
        super().__init__()
        self.layout, self.start, self.remarks = layout, start, remarks
        self.end = len(layout.rows) if end is None else end
        self.spaceAfter = 8

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Return the sizes of the layout."""
        self.width = self.layout.lefts[-1]
        self.rows_height = self.layout.height(self.start, self.end)
        self.height = self.rows_height + sum(_below(remark, width) for remark in self.remarks)
        self._room = width
        return self.width, self.height

    def split(self, width: float, height: float) -> list["Grid"]:
        """Return the rows that fit, and the rest; nothing when not one row fits."""
        layout = self.layout
        room = layout.sums[self.start] + height - layout.header_height
        fit = min(bisect_right(layout.sums, room + 0.01) - 1, self.end)
        if fit == self.end and self.remarks:
            fit -= 1
        if fit == self.end:
            return [self]
        few = min(_TOGETHER, (self.end - self.start) // 2)
        fit = min(fit, self.end - few)
        if fit - self.start < max(few, 1):
            return []
        return [Grid(layout, self.start, fit), Grid(layout, fit, self.end, self.remarks)]

    def draw(self) -> None:
        """Draw the header, the lines between the rows, then all text."""
        canvas, layout = self.canv, self.layout
        top = self.height
        self._draw_remarks(canvas, top - self.rows_height)
        canvas.setFillColor(COLOURS["soft"])
        canvas.rect(0, top - layout.header_height, self.width, layout.header_height, stroke=0, fill=1)
        self._rules(canvas, top - layout.header_height)
        lines = canvas.beginText()
        lines.setFillColor(COLOURS["ink"])
        self._put_header(lines, top)
        y = top - layout.header_height
        for number in range(self.start, self.end):
            self._put_row(lines, y, layout.rows[number])
            y -= layout.sums[number + 1] - layout.sums[number]
        canvas.drawText(lines)

    def _draw_remarks(self, canvas: Any, y: float) -> None:
        for remark in self.remarks:
            y -= _below(remark, self._room)
            remark.drawOn(canvas, 0, y)

    def _rules(self, canvas: Any, top: float) -> None:
        canvas.setLineWidth(0.8)
        canvas.setStrokeColor(COLOURS["axis"])
        canvas.line(0, top, self.width, top)
        canvas.setLineWidth(0.4)
        canvas.setStrokeColor(COLOURS["line"])
        base = self.layout.sums[self.start]
        heights = (top - (self.layout.sums[number] - base) for number in range(self.start + 1, self.end + 1))
        canvas.lines([(0, y, self.width, y) for y in heights])

    def _put_header(self, lines: Any, top: float) -> None:
        layout = self.layout
        for number, words in enumerate(layout.header):
            y = top - PAD_BELOW - SIZE
            for word in words:
                right = layout.lefts[number + 1] - PAD - width_of(word, SIZE, bold=True)
                x = right if layout.is_right[number] else layout.lefts[number] + PAD
                put(lines, x, y, word, SIZE, bold=True)
                y -= LEADING

    def _put_row(self, lines: Any, top: float, row: Sequence[Cell]) -> None:
        layout = self.layout
        for number, cell in enumerate(row):
            if cell.widths:
                self._put_right(lines, number, top - PAD_BELOW - SIZE, cell)
                continue
            y = top - PAD_BELOW - SIZE
            for line in cell.lines:
                put(lines, layout.lefts[number] + PAD, y, line, SIZE)
                y -= LEADING

    def _put_right(self, lines: Any, number: int, y: float, cell: Cell) -> None:
        """Put a figure at the right edge; one that is wider than its column is narrowed, never cut."""
        layout, width = self.layout, cell.widths[0]
        room = layout.widths[number] - 2 * PAD
        size = SIZE if width <= room else SIZE * max(room / width, 0.2)
        put(lines, layout.lefts[number + 1] - PAD - width * size / SIZE, y, cell.lines[0], size)
