"""Small pictures that the server draws as SVG: a line of values with its threshold. Pure geometry, no markup."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

SPARK_WIDTH: Final = 132.0
SPARK_HEIGHT: Final = 34.0
CHART_WIDTH: Final = 720.0
CHART_HEIGHT: Final = 170.0
_PADDING: Final = 3.0
_MARGIN: Final = 8.0


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


class Sparkline(NamedTuple):
    """A picture of some values: runs of known ones as polylines, the last one, the threshold's height, what fired."""

    width: float
    height: float
    lines: list[str]
    dots: list[Point]
    last: Point | None
    threshold_y: float | None
    fired: list[Point]

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw but the threshold."""
        return self.last is None


class Tick(NamedTuple):
    """A mark on the time axis."""

    x: float
    at: datetime


class Chart(NamedTuple):
    """A larger picture with a time axis."""

    picture: Sparkline
    ticks: list[Tick]
    highest: float
    lowest: float
    foot_y: float


def draw_sparkline(
    values: Sequence[float | None], threshold: float | None = None, *, fired: Collection[int] = (),
    width: float = SPARK_WIDTH, height: float = SPARK_HEIGHT,
) -> Sparkline:  # fmt: skip
    """Return the picture of values in order; None breaks the line. `fired` are positions that get a mark.

    The threshold is always inside the picture, so that "how far" can be read.
    """
    lowest, highest = _range(values, threshold)
    picture = _draw(values, threshold, lowest, highest, width, height)
    step = _step(values, width)
    marks = []
    for position in sorted(fired):
        value, x = values[position], round(_PADDING + position * step, 1)
        marks.append(Point(x, height / 2 if value is None else _y(value, lowest, highest, height)))
    return picture._replace(fired=marks)


def _draw(
    values: Sequence[float | None], threshold: float | None, lowest: float, highest: float, width: float, height: float
) -> Sparkline:
    step = _step(values, width)
    places = [
        (position, Point(round(_PADDING + position * step, 1), _y(value, lowest, highest, height)))
        for position, value in enumerate(values)
        if value is not None
    ]
    runs = _runs(places)
    return Sparkline(
        width=width,
        height=height,
        lines=[" ".join(f"{point.x},{point.y}" for point in run) for run in runs if len(run) > 1],
        dots=[run[0] for run in runs if len(run) == 1],
        last=places[-1][1] if places else None,
        threshold_y=None if threshold is None else _y(threshold, lowest, highest, height),
        fired=[],
    )


def _step(values: Sequence[float | None], width: float) -> float:
    return (width - 2 * _PADDING) / max(len(values) - 1, 1)


def _mark(at: datetime, value: float | None, instants: Sequence[datetime], lowest: float, highest: float) -> Point:
    span = instants[-1] - instants[0] if len(instants) > 1 else timedelta(0)
    share = min(max((at - instants[0]) / span, 0.0), 1.0) if span else 0.0
    x = round(_PADDING + share * (CHART_WIDTH - 2 * _PADDING), 1)
    return Point(x, CHART_HEIGHT / 2 if value is None else _y(value, lowest, highest, CHART_HEIGHT))


def draw_chart(
    points: Sequence[tuple[datetime, float | None]],
    threshold: float | None,
    *,
    fired: Collection[tuple[datetime, float | None]] = (),
) -> Chart:
    """Return the picture of a span of time with a mark at each firing (time, value) and a few on the time axis."""
    values, instants = [value for _, value in points], [at for at, _ in points]
    # The line may be thinned; a firing stands where it was, and its value belongs to the scale.
    shown = [*values, *(value for _, value in fired)]
    lowest, highest = _range(shown, threshold)
    picture = _draw(values, threshold, lowest, highest, CHART_WIDTH, CHART_HEIGHT)
    marks = [_mark(at, value, instants, lowest, highest) for at, value in sorted(fired, key=lambda each: each[0])]
    return Chart(
        picture._replace(fired=marks if len(instants) > 1 else []), _ticks(instants), highest, lowest, CHART_HEIGHT - 1
    )


def thin(
    points: Sequence[tuple[datetime, float | None]], keep: int, *, is_upward: bool
) -> list[tuple[datetime, float | None]]:
    """Return at most `keep` points: of each stretch the extreme that could breach, so that no breach is drawn away."""
    if len(points) <= keep:
        return list(points)
    size = -(-len(points) // keep)
    thinned = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        known = [(value, at) for at, value in stretch if value is not None]
        value, at = (max(known) if is_upward else min(known)) if known else (None, stretch[0][0])
        thinned.append((at, value))
    return thinned


def _range(values: Sequence[float | None], threshold: float | None) -> tuple[float, float]:
    shown = [value for value in values if value is not None] + ([] if threshold is None else [threshold])
    if not shown:
        return 0.0, 1.0
    lowest, highest = min(shown), max(shown)
    if lowest == highest:
        spread = abs(highest) or 1.0
        return lowest - spread / 2, highest + spread / 2
    return lowest, highest


def _y(value: float, lowest: float, highest: float, height: float) -> float:
    share = (value - lowest) / (highest - lowest)
    return round(height - _PADDING - share * (height - 2 * _PADDING), 1)


def _runs(places: Sequence[tuple[int, Point]]) -> list[list[Point]]:
    runs: list[list[Point]] = []
    last = -2
    for position, point in places:
        if position != last + 1:
            runs.append([])
        runs[-1].append(point)
        last = position
    return runs


def _ticks(instants: Sequence[datetime]) -> list[Tick]:
    if len(instants) < 2:
        return []
    span = instants[-1] - instants[0]
    step = timedelta(days=1) if span > timedelta(days=2) else timedelta(hours=4)
    at = instants[0].replace(minute=0, second=0, microsecond=0)
    at = at.replace(hour=at.hour - at.hour % 4) if step < timedelta(days=1) else at.replace(hour=0)
    ticks = []
    while (at := at + step) < instants[-1]:
        share = (at - instants[0]) / span
        if _MARGIN < share * CHART_WIDTH < CHART_WIDTH - 4 * _MARGIN:
            ticks.append(Tick(round(share * CHART_WIDTH, 1), at))
    return ticks
