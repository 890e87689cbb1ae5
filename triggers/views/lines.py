"""What rows of the scheduler's pages show: an occurrence in words, a tick as a bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flows.decisions.vocabulary import RunStatus
from kaireon.platform.badges import badge_of
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TickSource, Via
from triggers.models import Occurrence, SchedulerTick

KINDS: Final = {
    OccurrenceKind.SCHEDULE: "schedule",
    OccurrenceKind.FILE: "file",
    OccurrenceKind.BACKFILL: "backfill",
    OccurrenceKind.DEADLINE: "deadline",
}
HELD: Final = {
    HeldFor.NOTHING: "",
    HeldFor.JITTER: "its start is spread",
    HeldFor.DEBOUNCE: "the one before it was a moment ago",
    HeldFor.STABLE: "the file may still be written",
}
VIAS: Final = {
    Via.TICK: "a tick",
    Via.POLL: "a look into the folder",
    Via.PUSH: "the push endpoint",
    Via.INOTIFY: "a notice of the file system",
    Via.PERSON: "a person",
}
SOURCES: Final = {
    TickSource.TICKER: "the web server's own ticker",
    TickSource.CRON: "an outside scheduler",
    TickSource.SESSION: "a person",
    TickSource.COMMAND: "manage.py tick",
}
# What a tick's bar is at least high, so that it is seen.
_LEAST: Final = 4
_HEIGHT: Final = 48


@dataclass(frozen=True, slots=True)
class OccurrenceLine:
    """An occurrence as a list shows it; `state` and `run_state` are words of the badges."""

    row: Occurrence

    @property
    def state(self) -> str:
        """Return the badge's word of the outcome."""
        return state_of(self.row.outcome)

    @property
    def kind(self) -> str:
        """Return what was expected, in a word."""
        return KINDS[OccurrenceKind(self.row.kind)]

    @property
    def file(self) -> str:
        """Return the name of its file; empty where it is none."""
        key = self.row.detail.get("key") if isinstance(self.row.detail, dict) else None
        return key if isinstance(key, str) else ""

    @property
    def why(self) -> str:
        """Return why it became what it is."""
        return self.row.reason or HELD[HeldFor(self.row.held_for)]

    @property
    def run_state(self) -> str:
        """Return the badge's word of its run."""
        return "" if self.row.run is None else run_state(self.row.run.status)


def run_state(status: str) -> str:
    """Return the badge's word of a run."""
    words = {RunStatus.PENDING: "queued", RunStatus.COMPLETED_WITH_ERRORS: "completed_with_rejects"}
    return words.get(RunStatus(status), str(status))


def state_of(outcome: str) -> str:
    """Return the badge's word of an outcome; other areas have words of the same name."""
    return f"occurrence_{Outcome(outcome).value}"


def outcome_choices() -> list[tuple[str, str]]:
    """Return every outcome with its name, for a filter."""
    return [(each.value, badge_of(state_of(each)).label) for each in Outcome]


@dataclass(frozen=True, slots=True)
class TickBar:
    """A tick in the picture of the last ones; `tone` is `good`, `bad`, or `idle` for one that left it to another."""

    tick: SchedulerTick
    x: int
    y: int
    height: int
    tone: str


def tick_bars(ticks: Sequence[SchedulerTick], *, width: int) -> list[TickBar]:
    """Return the ticks as bars by their duration, oldest first."""
    slowest = max((tick.duration_ms or 0 for tick in ticks), default=0) or 1
    bars = []
    for place, tick in enumerate(reversed(ticks)):
        height = max(_LEAST, round(_HEIGHT * (tick.duration_ms or 0) / slowest))
        tone = "idle" if tick.was_locked else "bad" if tick.error else "good"
        bars.append(TickBar(tick, place * width, _HEIGHT - height, height, tone))
    return bars


def source_words(source: str) -> str:
    """Say who ticked."""
    return SOURCES[TickSource(source)]
