"""Pictures: a plot laid out as lines, boxes, dots and labels on a plane whose origin is its upper left corner."""

from dataclasses import dataclass, field
from typing import Final, Literal

from reports.decisions.document import ChartKind
from reports.renderers.charts.plots import Plot
from reports.renderers.charts.scales import Scale, scale_of, tick_text

Anchor = Literal["start", "middle", "end"]

WIDTH: Final = 640.0
TEXT: Final = 11.0
_LETTER: Final = 0.56 * TEXT
_TOP, _LEGEND, _FOOT = 8.0, 20.0, 22.0
_PLOT_HEIGHT: Final = 190.0
_BAR, _BAR_GAP = 13.0, 9.0
_MOST_NAME: Final = 26
_DOTS_UP_TO: Final = 40


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line of the frame: `role` is grid or axis."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: str


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    role: str


@dataclass(frozen=True, slots=True)
class Box:
    """A filled box."""

    x: float
    y: float
    width: float
    height: float
    role: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    role: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text on its base line; `width` is the most that it may take, None as much as it wants."""

    x: float
    y: float
    text: str
    anchor: Anchor
    role: str = "text"
    width: float | None = None


Mark = Line | Path | Box | Dot | Label


@dataclass(slots=True)
class Picture:
    """What is drawn, in the order in which it is; `title` says in words what is seen."""

    title: str
    height: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    remark: str = ""
    width: float = WIDTH


def picture_of(plot: Plot) -> Picture:
    """Lay out a plot."""
    picture = Picture(plot.title)
    top = _legend(picture, plot)
    if plot.kind is ChartKind.FUNNEL:
        _funnel(picture, plot, top)
    elif plot.kind is ChartKind.BAR and not plot.stands:
        _lying_bars(picture, plot, top)
    else:
        _along_time(picture, plot, top)
    if plot.left_out:
        picture.remark = f"The first {plot.rows:,} of {plot.rows + plot.left_out:,} rows are drawn."
    return picture


def role_of(number: int) -> str:
    """Return the role of a series by its number."""
    return f"series{number}"


def _legend(picture: Picture, plot: Plot) -> float:
    """Name the series when there are several; return where the drawing begins."""
    if len(plot.series) < 2:
        return _TOP
    each = picture.width / len(plot.series)
    for number, series in enumerate(plot.series):
        picture.marks.append(Box(number * each, _TOP, 10, 10, role_of(number)))
        picture.marks.append(Label(number * each + 15, _TOP + 9, series.label, "start", width=each - 22))
    return _TOP + _LEGEND


def _texts(scale: Scale, plot: Plot) -> list[str]:
    step = scale.ticks[1] - scale.ticks[0]
    return [tick_text(tick, plot.unit, step) for tick in scale.ticks]


def _along_time(picture: Picture, plot: Plot, top: float) -> None:
    """Draw lines, or standing bars, over an axis of rows."""
    scale = scale_of(plot.values)
    texts = _texts(scale, plot)
    left = max(len(text) for text in texts) * _LETTER + 10
    right, bottom = picture.width - 8, top + 4 + _PLOT_HEIGHT
    for tick, text in zip(scale.ticks, texts, strict=True):
        y = bottom - scale.part(tick) * _PLOT_HEIGHT
        picture.marks.append(Line(left, y, right, y, "axis" if tick == 0 else "grid"))
        picture.marks.append(Label(left - 6, y + 4, text, "end", "muted"))
    frame = _Frame(left, right, bottom, scale, plot)
    _names_along(picture, plot, frame)
    for number, series in enumerate(plot.series):
        if plot.stands:
            _standing_bars(picture, plot, frame, number)
        else:
            _line(picture, frame, series.points, role_of(number))
    picture.height = bottom + _FOOT


@dataclass(frozen=True, slots=True)
class _Frame:
    left: float
    right: float
    bottom: float
    scale: Scale
    plot: Plot

    @property
    def slot(self) -> float:
        """Return the width of a row along the axis."""
        return (self.right - self.left) / max(1, self.plot.rows)

    def x(self, number: int) -> float:
        """Return the middle of a row."""
        return self.left + (number + 0.5) * self.slot

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return self.bottom - self.scale.part(value) * _PLOT_HEIGHT


def _names_along(picture: Picture, plot: Plot, frame: _Frame) -> None:
    named = sorted(plot.labels)
    room = (frame.right - frame.left) / max(1, len(named))
    for number in named:
        text = Label(frame.x(number), frame.bottom + 16, plot.labels[number], "middle", "muted", room - 6)
        half = min(room - 6, len(text.text) * _LETTER) / 2
        # The last name may not leave the picture.
        x = max(half, min(picture.width - half, text.x))
        picture.marks.append(Label(x, text.y, text.text, "middle", "muted", text.width))


def _line(picture: Picture, frame: _Frame, points: list[tuple[int, float | None]], role: str) -> None:
    stretch: list[tuple[float, float]] = []
    for number, value in [*points, (0, None)]:
        if value is not None:
            stretch.append((frame.x(number), frame.y(value)))
            continue
        if len(stretch) > 1:
            picture.marks.append(Path(tuple(stretch), role))
        if len(stretch) == 1 or (stretch and len(points) <= _DOTS_UP_TO):
            picture.marks.extend(Dot(x, y, 2.6, role) for x, y in stretch)
        stretch = []


def _standing_bars(picture: Picture, plot: Plot, frame: _Frame, number: int) -> None:
    width = frame.slot * 0.72 / len(plot.series)
    zero = frame.y(0)
    for row, value in plot.series[number].points:
        if value is not None:
            x = frame.x(row) - frame.slot * 0.36 + number * width
            y = frame.y(value)
            picture.marks.append(Box(x, min(y, zero), max(width - 0.6, 0.4), abs(y - zero), role_of(number)))


def _lying_bars(picture: Picture, plot: Plot, top: float) -> None:
    """Draw a group of bars for each row, its name on the left, its values at their ends."""
    scale = scale_of(plot.values)
    left = _name_width(plot)
    texts = {id(series): _value_texts(plot, number) for number, series in enumerate(plot.series)}
    room = max((len(text) for each in texts.values() for text in each.values()), default=0) * _LETTER + 8
    length = picture.width - left - 2 * room if scale.low < 0 else picture.width - left - room
    start = left + room if scale.low < 0 else left
    y, zero = top, start + scale.part(0) * length
    bar = _BAR / (1 if len(plot.series) == 1 else 1.3)
    for row in range(plot.rows):
        middle = y + bar * len(plot.series) / 2 + 4
        picture.marks.append(Label(left - 8, middle, plot.labels.get(row, ""), "end", width=left - 10))
        for number, series in enumerate(plot.series):
            value = series.points[row][1]
            if value is not None:
                end = start + scale.part(value) * length
                picture.marks.append(Box(min(zero, end), y, max(abs(end - zero), 0.6), bar - 1.5, role_of(number)))
            at, anchor = _end_of(value, zero, start, scale, length)
            picture.marks.append(Label(at, y + bar / 2 + 3.2, texts[id(series)][row], anchor, "muted"))
            y += bar
        y += _BAR_GAP
    picture.marks.append(Line(zero, top - 2, zero, y - _BAR_GAP + 3, "axis"))
    picture.height = y + 2


def _end_of(value: float | None, zero: float, start: float, scale: Scale, length: float) -> tuple[float, Anchor]:
    if value is None or value >= 0:
        return (zero if value is None else start + scale.part(value) * length) + 5, "start"
    return start + scale.part(value) * length - 5, "end"


def _value_texts(plot: Plot, number: int) -> dict[int, str]:
    """Return the values of a series as short texts, three digits each, by row."""
    texts = {}
    for row, value in plot.series[number].points:
        step = abs(value) / 1000 if value else 1.0
        texts[row] = "–" if value is None else tick_text(value, plot.unit, _rounded(step))
    return texts


def _rounded(step: float) -> float:
    return float(f"1e{f'{max(step, 1e-300):e}'.partition('e')[2]}") * 10


def _name_width(plot: Plot) -> float:
    longest = max((len(text) for text in plot.labels.values()), default=0)
    return min(longest, _MOST_NAME) * _LETTER + 16


def _funnel(picture: Picture, plot: Plot, top: float) -> None:
    """Draw a step below the other, each as wide as what is left of the first, its share beside it."""
    points = plot.series[0].points
    texts = _value_texts(plot, 0)
    greatest = max((abs(value) for _, value in points if value is not None), default=0.0) or 1.0
    first = next((value for _, value in points if value), None)
    left, room = _name_width(plot), 128.0
    length, y = picture.width - left - room, top
    for row, value in points:
        width = abs(value or 0.0) / greatest * length
        picture.marks.append(Label(left - 8, y + 15, plot.labels.get(row, ""), "end", width=left - 10))
        picture.marks.append(Box(left + (length - width) / 2, y, max(width, 0.8), 22, role_of(0)))
        share = f"  {value / first:.1%}" if value is not None and first and abs(value / first) < 1000 else ""
        picture.marks.append(Label(picture.width - room + 10, y + 15, f"{texts[row]}{share}", "start", "muted"))
        y += 28
    picture.height = y
