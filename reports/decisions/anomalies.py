"""Is a change worth a look? It must be large, rest on enough events, and be more than chance makes of such numbers."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WARNING_CHANGE: Final = 0.5
CRITICAL_CHANGE: Final = 1.0
# Of a thousand comparisons in which nothing changed, three are this far apart.
STANDARD_ERRORS: Final = 3.0


class Level(StrEnum):
    """How large a change is: half of the baseline is a warning, all of it critical."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Nature(StrEnum):
    """What a value is, which decides how far chance moves it."""

    RATIO = "ratio"
    COUNT = "count"
    # Amounts and percentiles: of their spread nothing is known, so enough events must do.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Observation:
    """A metric now and in the baseline. Counts and sums are per day; `events` is what each value rests on."""

    nature: Nature
    current: float | None
    baseline: float | None
    events: int
    baseline_events: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that is worth a look; no `change` where the baseline was 0."""

    level: Level
    change: float | None

    @property
    def size(self) -> float:
        """Return how large the change is, to put the largest first."""
        return math.inf if self.change is None else abs(self.change)


def judge(seen: Observation, *, min_change: float, min_events: int) -> Finding | None:
    """Return what a change amounts to, None when it is none, too small, or what chance makes of few events.

    `min_change` is a part of the baseline. A ratio needs `min_events` in both periods, a count in one of them.
    """
    if seen.current is None or seen.baseline is None or seen.current == seen.baseline:
        return None
    if not _has_evidence(seen, min_events) or not _is_beyond_chance(seen):
        return None
    if not seen.baseline:
        return Finding(Level.CRITICAL, None)
    change = (seen.current - seen.baseline) / abs(seen.baseline)
    return Finding(_level(abs(change)), change) if abs(change) >= min_change else None


def _level(size: float) -> Level:
    if size >= CRITICAL_CHANGE:
        return Level.CRITICAL
    return Level.WARNING if size >= WARNING_CHANGE else Level.INFO


def _has_evidence(seen: Observation, min_events: int) -> bool:
    counts = (seen.events, seen.baseline_events)
    return (max(counts) if seen.nature is Nature.COUNT else min(counts)) >= min_events


def _is_beyond_chance(seen: Observation) -> bool:
    if seen.nature is Nature.OTHER or seen.current is None or seen.baseline is None:
        return True
    error = _ratio_error(seen) if seen.nature is Nature.RATIO else _count_error(seen)
    return abs(seen.current - seen.baseline) >= STANDARD_ERRORS * error


def _ratio_error(seen: Observation) -> float:
    """Return the standard error of the difference of two shares, of the same kind if nothing changed."""
    both = seen.events + seen.baseline_events
    pooled = ((seen.current or 0) * seen.events + (seen.baseline or 0) * seen.baseline_events) / both
    # Two positive outcomes may follow one impression: what is above 1 spreads at least as widely as a half.
    spread = pooled * (1 - pooled) if 0 <= pooled <= 1 else 0.25
    return math.sqrt(spread * (1 / seen.events + 1 / seen.baseline_events))


def _count_error(seen: Observation) -> float:
    """Return the standard error of the difference of two counts per day."""
    return math.hypot(_daily_error(seen.current, seen.events), _daily_error(seen.baseline, seen.baseline_events))


def _daily_error(per_day: float | None, events: int) -> float:
    return (per_day or 0) / math.sqrt(events) if events else 0.0
