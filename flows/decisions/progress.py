"""How far a run is, pure: its stages, its files, and when it will be done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from flows.decisions.vocabulary import Stage

ORDER: Final = tuple(Stage)
# Before so much is done nobody can tell.
LEAST_PART: Final = 0.02
MINUTE, HOUR = 60, 3_600


def eta_seconds(*, done: int, total: int | None, elapsed: float) -> float | None:
    """Return the seconds that are left at the pace so far; None while nobody can tell."""
    if not total or done <= 0 or elapsed <= 0 or done / total < LEAST_PART:
        return None
    return max(0.0, elapsed * (total - done) / done)


def eta_words(seconds: float | None) -> str | None:
    """Return "3m", "40s" or "2h 5m"; None stays None."""
    if seconds is None:
        return None
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{round(whole / MINUTE)}m"
    hours, rest = divmod(round(whole / MINUTE), 60)
    return f"{hours}h {rest}m" if rest else f"{hours}h"


def enter_stage(stages: Sequence[Mapping[str, Any]], stage: Stage, *, at: datetime) -> list[dict[str, Any]]:
    """Return the list of stages with the last one finished and a new one begun; the same again changes nothing."""
    kept = [dict(each) for each in stages]
    if kept and kept[-1]["stage"] == stage.value and kept[-1]["finishedAt"] is None:
        return kept
    kept = leave_stage(kept, at=at)
    kept.append({"stage": stage.value, "startedAt": at.isoformat(), "finishedAt": None})
    return kept


def leave_stage(stages: Sequence[Mapping[str, Any]], *, at: datetime, **figures: int) -> list[dict[str, Any]]:
    """Return the list with its last stage finished and these figures (`rowsIn`, `rowsOut`, `quarantined`) noted."""
    kept = [dict(each) for each in stages]
    if kept:
        kept[-1] |= figures
        kept[-1]["finishedAt"] = kept[-1]["finishedAt"] or at.isoformat()
    return kept


def note_figures(stages: Sequence[Mapping[str, Any]], **figures: int) -> list[dict[str, Any]]:
    """Return the list with these figures noted at its last stage."""
    kept = [dict(each) for each in stages]
    if kept:
        kept[-1] |= figures
    return kept
