"""What a chart draws: series of points read from a section's rows once, in bounded memory."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from reports.decisions.document import Cell, Chart, ChartKind, Column, Section, Unit
from reports.decisions.narrative.figures import exact
from reports.renderers.cells import cell_writer, clean

MOST_POINTS: Final = 400
MOST_BARS: Final = 15
MOST_COLUMNS: Final = 62
MOST_STEPS: Final = 8
MOST_SERIES: Final = 6
_MOST_TICKS: Final = 7
_MOST_INSTANTS: Final = 4
# Beyond this a difference of two values is no number any more.
_GREATEST: Final = 1e300
_ALONG_TIME: Final = frozenset({Unit.TIME, Unit.DATE})

Point = tuple[int, float | None]


@dataclass(slots=True)
class Series:
    """The points of one column: the row's number and its value, None where there is none."""

    column: Column
    points: list[Point] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Return the column's label."""
        return clean(self.column.label)


@dataclass(slots=True)
class Plot:
    """A chart's series of one unit, the labels along the axis by row, and how many rows are not drawn."""

    kind: ChartKind
    title: str
    unit: Unit
    series: list[Series]
    labels: dict[int, str]
    rows: int
    left_out: int = 0
    stands: bool = False

    @property
    def values(self) -> list[float]:
        """Return every value that is drawn."""
        return [value for series in self.series for _, value in series.points if value is not None]


def plots_of(section: Section, zone: str) -> list[Plot]:
    """Return the plots of a section's chart, one for each unit; none without a chart, rows or a number to draw."""
    chart, keys = section.chart, [column.key for column in section.columns]
    if chart is None or section.error or not len(section.rows) or chart.along not in keys:
        return []
    along = section.columns[keys.index(chart.along)]
    drawn = [section.columns[keys.index(key)] for key in chart.drawn if key in keys][:MOST_SERIES]
    if not drawn:
        return []
    kind, stands = _kind(chart, along, len(section.rows))
    read = _Reading(section, along, drawn[:1] if kind is ChartKind.FUNNEL else drawn, kind, stands, zone)
    found = [_plot(chart, read, unit, kind, stands) for unit in dict.fromkeys(column.unit for column in read.drawn)]
    return [plot for plot in found if plot.values]


def _kind(chart: Chart, along: Column, rows: int) -> tuple[ChartKind, bool]:
    """Return how a chart is drawn: bars along time stand while they fit, and become a line when they do not."""
    if chart.kind is not ChartKind.BAR or along.unit not in _ALONG_TIME:
        return chart.kind, False
    return (ChartKind.BAR, True) if rows <= MOST_COLUMNS else (ChartKind.LINE, False)


def _plot(chart: Chart, read: "_Reading", unit: Unit, kind: ChartKind, stands: bool) -> Plot:
    series = [each for each in read.series if each.column.unit is unit]
    names, title = ", ".join(each.label for each in series), clean(chart.title)
    if len(series) < len(read.series):
        title = f"{title}: {names}" if title else names
    left_out = 0 if kind is ChartKind.LINE else read.rows - read.limit
    return Plot(kind, title or names, unit, series, read.labels, min(read.rows, read.limit), max(left_out, 0), stands)


class _Reading:
    """One pass over the rows: every point while there are few, the lowest and highest of each stretch of many."""

    def __init__(
        self, section: Section, along: Column, drawn: Sequence[Column], kind: ChartKind, stands: bool, zone: str
    ) -> None:
        self.drawn = drawn
        self.rows = len(section.rows)
        self.limit = {ChartKind.LINE: self.rows, ChartKind.FUNNEL: MOST_STEPS, ChartKind.BAR: MOST_BARS}[kind]
        if stands:
            self.limit = MOST_COLUMNS
        self.series = [Series(column) for column in drawn]
        self.labels: dict[int, str] = {}
        keys = [column.key for column in section.columns]
        self._along, self._drawn = keys.index(along.key), [keys.index(column.key) for column in drawn]
        self._label = cell_writer(along, zone)
        self._named = set(ticks_along(self.rows, most_names(along))) if kind is ChartKind.LINE or stands else None
        self._read(section)

    def _read(self, section: Section) -> None:
        shown = min(self.rows, self.limit)
        stretches = [_Stretches(shown) for _ in self.series]
        for number, row in enumerate(section.rows):
            if number >= shown:
                break
            if self._named is None or number in self._named:
                self.labels[number] = self._label(row[self._along])
            for stretch, place in zip(stretches, self._drawn, strict=True):
                stretch.add(number, drawable(row[place]))
        for series, stretch in zip(self.series, stretches, strict=True):
            series.points = list(stretch.points())


def most_names(along: Column) -> int:
    """Return how many rows are named along the axis: instants are long."""
    return _MOST_INSTANTS if along.unit is Unit.TIME else _MOST_TICKS


def drawable(value: Cell) -> float | None:
    """Return a cell as a length, or None for what has none."""
    number = exact(value)
    return None if number is None else max(-_GREATEST, min(_GREATEST, float(number)))


def ticks_along(rows: int, most: int) -> list[int]:
    """Return the rows that are named along the axis: evenly apart, the first among them."""
    step = max(1, math.ceil(rows / most))
    return list(range(0, rows, step))


class _Stretches:
    """Thins a series to at most MOST_POINTS points without losing a peak."""

    def __init__(self, rows: int) -> None:
        self._width = max(1, math.ceil(rows / (MOST_POINTS // 2)))
        self._keeps_all = rows <= MOST_POINTS
        self._found: dict[int, list[Point]] = {}

    def add(self, number: int, value: float | None) -> None:
        """Take in the next point."""
        kept = self._found.setdefault(number if self._keeps_all else number // self._width, [])
        point = (number, value)
        if not kept or value is None:
            kept[:] = kept or [point]
            return
        low, high = min((*kept, point), key=_low), max((*kept, point), key=_high)
        kept[:] = sorted({low, high})

    def points(self) -> Iterator[Point]:
        """Yield what is kept, in order."""
        for kept in self._found.values():
            yield from kept


def _low(point: Point) -> float:
    return math.inf if point[1] is None else point[1]


def _high(point: Point) -> float:
    return -math.inf if point[1] is None else point[1]
