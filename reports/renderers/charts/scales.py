"""Scales: round ticks that hold every value, and how a tick reads."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reports.decisions.document import Unit

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS: Final = 5
_SIZES: Final = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from `low` to `high`, with its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, value: float) -> float:
        """Return where a value lies: 0 at the low end, 1 at the high end."""
        # Halves, since the span of the greatest values is no number.
        span = self.high / 2 - self.low / 2
        return (value / 2 - self.low / 2) / span


def scale_of(values: Sequence[float]) -> Scale:
    """Return the scale that holds the values and zero, from a round tick to a round tick."""
    low, high = min(0.0, *values), max(0.0, *values)
    if low == high:
        high = 1.0
    step = _step(high / _TICKS - low / _TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(max(rough, 1e-300)))
    return next((size * each for each in _STEPS if size * each >= rough * 0.999), size * 10)


def tick_text(value: float, unit: Unit, step: float) -> str:
    """Return a tick in few characters: 1.5k, 20 %, 3 h."""
    if unit is Unit.RATIO:
        return f"{_plain(value * 100, step * 100)} %"
    if unit is Unit.MILLISECONDS:
        return f"{_plain(value, step)} ms"
    if unit is Unit.SECONDS:
        return _duration(value, step)
    return _plain(value, step)


def _duration(value: float, step: float) -> str:
    for size, sign in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if step >= size:
            return f"{_plain(value / size, step / size)} {sign}"
    return f"{_plain(value, step)} s"


def _plain(value: float, step: float) -> str:
    if value == 0 or abs(value) < step / 1000:
        return "0"
    if abs(value) >= 1e15 or step < 1e-6:
        return f"{value:.3g}"
    for size, sign in _SIZES:
        if abs(value) >= size and step >= size / 1000:
            return f"{_places(value / size, step / size)}{sign}"
    return _places(value, step)


def _places(value: float, step: float) -> str:
    places = max(0, min(9, math.ceil(-math.log10(step)) + (1 if _needs_one_more(step) else 0)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _needs_one_more(step: float) -> bool:
    size = step / 10.0 ** math.floor(math.log10(step))
    return abs(size - 2.5) < 0.01
