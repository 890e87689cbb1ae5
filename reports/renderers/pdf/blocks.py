"""What a page is made of beside tables: words, headings, cards of figures, pictures. Platypus flowables."""

from collections.abc import Sequence
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.platypus.flowables import Flowable

from reports.renderers.charts.palette import LIGHT
from reports.renderers.charts.pictures import TEXT, Box, Dot, Label, Line, Mark, Path, Picture
from reports.renderers.pdf.lettering import ELLIPSIS, draw, shortened, width_of, wrapped
from reports.renderers.wording import FigureText

COLOURS: Final = {role: HexColor(colour) for role, colour in LIGHT.items()}
_LONGEST_PARAGRAPH: Final = 20_000


class Words(Flowable):  # type: ignore[misc]
    """A paragraph, which may go on over the page's end; `mark` stands before its first line."""

    def __init__(
        self, text: str, size: float = 10, *, bold: bool = False, colour: str = "ink", leading: float = 1.45,
        after: float = 6, mark: str = "", most: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.text, self.size, self.bold, self.colour = text, size, bold, colour
        if len(text) > _LONGEST_PARAGRAPH:
            self.text = text[:_LONGEST_PARAGRAPH] + ELLIPSIS
        self.leading, self.spaceAfter, self.mark = leading * size, after, mark
        self.indent, self.most = 14 if mark else 0, most
        self.lines: list[str] = []
        self._is_part = False

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Break the text into lines of this width."""
        if not self._is_part:
            self.lines = wrapped(self.text, width - self.indent, self.size, bold=self.bold, most=self.most)
        self.width = width
        return width, len(self.lines) * self.leading

    def split(self, width: float, height: float) -> list["Words"]:
        """Return what fits, and the rest; nothing when not even two lines fit."""
        self.wrap(width, height)
        fit = int(height // self.leading)
        if fit >= len(self.lines):
            return [self]
        if fit < 2:
            return []
        return [self._part(self.lines[:fit], self.mark, 0), self._part(self.lines[fit:], "", self.spaceAfter)]

    def _part(self, lines: list[str], mark: str, after: float) -> "Words":
        part = Words("", self.size, bold=self.bold, colour=self.colour, after=after)
        part.leading, part.lines, part.mark, part.indent = self.leading, lines, mark, self.indent
        part._is_part = True
        return part

    def draw(self) -> None:
        """Draw the lines."""
        self.canv.setFillColor(COLOURS[self.colour])
        y = len(self.lines) * self.leading - self.size
        if self.mark:
            draw(self.canv, 0, y, self.mark, self.size, bold=True)
        for line in self.lines:
            draw(self.canv, self.indent, y, line, self.size, bold=self.bold)
            y -= self.leading


class Link(Words):
    """A line that leads to an address."""

    def __init__(self, text: str, address: str) -> None:
        super().__init__(text, 10, colour="brand", most=1)
        self.address = address

    def draw(self) -> None:
        """Draw the line, and what is clicked."""
        super().draw()
        width = width_of(self.lines[0], self.size)
        self.canv.linkURL(self.address, (0, 0, width, self.leading), relative=1, thickness=0)


class Heading(Words):
    """A heading, which is an entry of the outline; `key` names its place in the document."""

    def __init__(self, text: str, key: str, *, size: float = 15) -> None:
        super().__init__(text, size, bold=True, leading=1.3, after=8)
        self.key = key

    def split(self, width: float, height: float) -> list[Words]:
        """Stay whole."""
        return []

    def draw(self) -> None:
        """Draw it, and note it in the outline."""
        self.canv.bookmarkHorizontal(self.key, 0, self.height + 12)
        self.canv.addOutlineEntry(self.text[:200], self.key, level=0)
        super().draw()

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Break a long title into three lines at most."""
        self.lines = wrapped(self.text, width, self.size, bold=True, most=3)
        self.width, self.height = width, len(self.lines) * self.leading
        return width, self.height


class Notice(Words):
    """A paragraph in a coloured box: what could not be made."""

    _PAD = 10

    def __init__(self, text: str) -> None:
        super().__init__(text[:3_000], 9.5, colour="warnInk", after=12)

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Break the text inside of the box."""
        self.lines = wrapped(self.text, width - 2 * self._PAD, self.size, most=24)
        self.width, self.height = width, len(self.lines) * self.leading + 2 * self._PAD
        return width, self.height

    def split(self, width: float, height: float) -> list[Words]:
        """Stay whole."""
        return []

    def draw(self) -> None:
        """Draw the box and the lines."""
        self.canv.setFillColor(COLOURS["warn"])
        self.canv.roundRect(0, 0, self.width, self.height, 5, stroke=0, fill=1)
        self.canv.translate(self._PAD, self._PAD)
        super().draw()


class Cards(Flowable):  # type: ignore[misc]
    """A row of up to four key figures with their change."""

    _GAP, _PAD, _HEIGHT = 10.0, 9.0, 68.0

    def __init__(self, figures: Sequence[FigureText], across: int) -> None:
        super().__init__()
        self.figures, self.across = figures, across
        self.spaceAfter = 10

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Take the whole width."""
        self.width, self.height = width, self._HEIGHT
        return width, self._HEIGHT

    def draw(self) -> None:
        """Draw one card beside the other."""
        each = (self.width - self._GAP * (self.across - 1)) / self.across
        for number, figure in enumerate(self.figures):
            self._card(number * (each + self._GAP), each, figure)

    def _card(self, x: float, width: float, figure: FigureText) -> None:
        canvas, room = self.canv, width - 2 * self._PAD
        canvas.setFillColor(COLOURS["soft"])
        canvas.setStrokeColor(COLOURS["line"])
        canvas.setLineWidth(0.6)
        canvas.roundRect(x, 0, width, self._HEIGHT, 5, stroke=1, fill=1)
        x += self._PAD
        canvas.setFillColor(COLOURS["muted"])
        draw(canvas, x, 53, shortened(figure.label, room, 8), 8)
        canvas.setFillColor(COLOURS["ink"])
        size = min(15.0, max(6.0, 15 * room / max(width_of(figure.value, 15, bold=True), 1)))
        draw(canvas, x, 35, shortened(figure.value, room, size, bold=True), size, bold=True)
        canvas.setFillColor(COLOURS["muted"])
        before = f"before: {figure.before}" if figure.change else ""
        for y, told in ((20.0, figure.change or "no earlier period"), (9.0, before)):
            size = min(7.5, max(5.0, 7.5 * room / max(width_of(told, 7.5), 1)))
            draw(canvas, x, y, shortened(told, room, size), size)


class Drawing(Flowable):  # type: ignore[misc]
    """A chart: its title, and the picture as vectors, as wide as the column."""

    _TITLE = 16.0

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture, self.spaceAfter = picture, 12

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Scale to the width, and to the height of an empty page if it is higher."""
        room = max(height - self._TITLE, 220)
        self.scale = min(width / self.picture.width, 1.1, max(room / self.picture.height, 0.3))
        self.width, self.height = width, self.picture.height * self.scale + self._TITLE
        return width, self.height

    def draw(self) -> None:
        """Draw title and picture."""
        self.canv.setFillColor(COLOURS["ink"])
        draw(self.canv, 0, self.height - 9, shortened(self.picture.title, self.width, 9, bold=True), 9, bold=True)
        self.canv.saveState()
        self.canv.scale(self.scale, self.scale)
        for mark in self.picture.marks:
            _draw_mark(self.canv, mark, self.picture.height)
        self.canv.restoreState()


def _draw_mark(canvas: Any, mark: Mark, height: float) -> None:
    """Draw a mark of a picture, whose plane hangs from its upper edge, on a page, which stands on its lower."""
    if isinstance(mark, Label):
        canvas.setFillColor(COLOURS["ink" if mark.role == "text" else mark.role])
        _draw_label(canvas, mark, height)
        return
    colour = COLOURS[mark.role]
    canvas.setFillColor(colour)
    canvas.setStrokeColor(colour)
    match mark:
        case Line():
            canvas.setLineWidth(0.7)
            canvas.line(mark.x1, height - mark.y1, mark.x2, height - mark.y2)
        case Box():
            canvas.rect(mark.x, height - mark.y - mark.height, mark.width, mark.height, stroke=0, fill=1)
        case Dot():
            canvas.circle(mark.x, height - mark.y, mark.radius, stroke=0, fill=1)
        case Path():
            _draw_path(canvas, mark, height)


def _draw_path(canvas: Any, mark: Path, height: float) -> None:
    canvas.setLineWidth(1.6)
    canvas.setLineJoin(1)
    path = canvas.beginPath()
    path.moveTo(mark.points[0][0], height - mark.points[0][1])
    for x, y in mark.points[1:]:
        path.lineTo(x, height - y)
    canvas.drawPath(path)


def _draw_label(canvas: Any, label: Label, height: float) -> None:
    text = label.text if label.width is None else shortened(label.text, label.width, TEXT)
    left = label.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor] * width_of(text, TEXT)
    draw(canvas, left, height - label.y, text, TEXT)
