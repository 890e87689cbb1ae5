"""Charts of a page: the plots that the renderers draw, as Chart.js is told them, and in words for readers of screens.

Pure. What is drawn, and how a long series is thinned, is decided where the files are rendered, so that all agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reports.decisions.document import ChartKind, Section
from reports.renderers.cells import NOTHING, CellWriter, cell_writer
from reports.renderers.charts.plots import Plot, Series, plots_of

_AXIS_HEIGHT: Final = 56
_BAR_HEIGHT: Final = 30


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart: its id on the page, what the script is told, what it shows in words, and how many bars lie in it."""

    id: str
    title: str
    drawn: Mapping[str, Any]
    words: str
    bars: int

    @property
    def told_id(self) -> str:
        """Return the id of the element that holds what the script is told."""
        return f"{self.id}-told"

    @property
    def height(self) -> int:
        """Return the height in which every bar has room for its name, in pixels."""
        return _AXIS_HEIGHT + _BAR_HEIGHT * self.bars


def draw_charts(section: Section, zone: str) -> Iterator[ChartView]:
    """Yield the charts of a section, one for each unit that it draws."""
    for number, plot in enumerate(plots_of(section, zone)):
        labels = _labels(section, plot, zone)
        is_lying = plot.kind is ChartKind.FUNNEL or (plot.kind is ChartKind.BAR and not plot.stands)
        drawn = {
            "kind": "line" if plot.kind is ChartKind.LINE else "bar",
            "isLying": is_lying,
            "unit": str(plot.unit),
            "labels": list(labels.values()),
            "series": [_series(series, labels, zone) for series in plot.series],
        }
        words = f"{plot.title}. {' '.join(_words(series, labels, zone) for series in plot.series)}"
        yield ChartView(f"chart-{section.id}-{number}", plot.title, drawn, words, len(labels) if is_lying else 0)


def _labels(section: Section, plot: Plot, zone: str) -> dict[int, str]:
    """Return how each drawn row is named, by its number."""
    assert section.chart is not None, "a plot has a chart"
    keys = [column.key for column in section.columns]
    place = keys.index(section.chart.along)
    write = cell_writer(section.columns[place], zone)
    drawn = {point[0] for each in plot.series for point in each.points}
    named: dict[int, str] = {}
    for number, row in enumerate(section.rows):
        if number >= plot.rows:
            break
        if number in drawn:
            named[number] = write(row[place])
    return named


def _series(series: Series, labels: Mapping[int, str], zone: str) -> dict[str, Any]:
    known, write = dict(series.points), cell_writer(series.column, zone)
    values = [known.get(number) for number in labels]
    return {
        "label": series.label,
        "values": values,
        "texts": [_text(write, value) for value in values],
        "isBefore": series.column.key.endswith("Before"),
    }


def _text(write: CellWriter, value: float | None) -> str:
    if value is None:
        return NOTHING
    return write(int(value) if value.is_integer() and abs(value) < 1e15 else value)


def _words(series: Series, labels: Mapping[int, str], zone: str) -> str:
    """Say where a series is highest and lowest."""
    write = cell_writer(series.column, zone)
    points = [(value, number) for number, value in series.points if value is not None]
    if not points:
        return f"{series.label}: no values."
    high, low = max(points), min(points)
    if high[0] == low[0]:
        return f"{series.label}: {_text(write, high[0])} throughout."
    return (
        f"{series.label}: highest {_text(write, high[0])} ({labels[high[1]]}), "
        f"lowest {_text(write, low[0])} ({labels[low[1]]})."
    )
