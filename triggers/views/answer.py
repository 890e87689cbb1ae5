"""The first answer of the scheduler's page: is it alive, how late is it, and what to do where it is not. Words only."""

from dataclasses import dataclass

from kaireon.templatetags.kaireon_format import duration, figure, short_duration
from triggers.decisions.pulse import PulseState
from triggers.selectors.status import COUNTED_UP_TO, Counts, Status


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence, what it means, and what a person can do; `tone` and `shape` are those of badges."""

    tone: str
    shape: str
    title: str
    text: str
    remedy: str = ""
    command: str = ""


_TICK = "GET /api/v1/cron/flow-scheduler-tick"


def answer(status: Status, *, failing_folders: int = 0) -> Answer:
    """Say how the scheduler is: worst first."""
    counts = status.counts
    if status.state in {PulseState.NEVER, PulseState.SILENT}:
        return _nobody(status)
    if status.state is PulseState.FAILING:
        error = status.last.error if status.last else ""
        return Answer("bad", "diamond", "The scheduler ticks, but its last tick failed", error, "Its log says more.")
    if counts.overdue:
        return _behind(status)
    if troubles := troubles_of(counts, failing_folders):
        return Answer(
            "warn", "triangle", f"The scheduler is alive, but {troubles}", _beat(status), "Each says why below."
        )
    if not counts.is_used:
        text = "No live pipeline has a schedule or waits for a file."
        return Answer("idle", "ring", "The scheduler is alive, and has nothing to do", text)
    return Answer("good", "disc", "The scheduler is alive", _beat(status))


def _nobody(status: Status) -> Answer:
    remedy, counts = "Start the web server with CRON_SECRET set, or let a scheduler call", status.counts
    waiting = [
        f"{figure(counts.scheduled)} schedule{_s(counts.scheduled)}" if counts.scheduled else "",
        f"{figure(counts.file_triggers)} file trigger{_s(counts.file_triggers)}" if counts.file_triggers else "",
    ]
    who = " and ".join(each for each in waiting if each)
    if not who:
        title = "No tick has come yet" if status.last is None else "No tick comes any more"
        text = "Nothing waits for one: no live pipeline has a schedule or waits for a file."
        return Answer("idle", "ring", title, text, remedy, _TICK)
    if status.last is None:
        return Answer(
            "bad", "diamond", "The scheduler has never ticked", f"{who} wait for it.".capitalize(), remedy, _TICK
        )
    silence = duration((status.now - status.last.at).total_seconds())
    text = f"{who} wait. What falls due meanwhile is made up for by its catch-up, or counted as missed.".capitalize()
    return Answer("bad", "diamond", f"The scheduler is silent for {silence}", text, f"{remedy}", _TICK)


def _behind(status: Status) -> Answer:
    late = bounded(status.counts.overdue)
    title = f"The scheduler is alive, but behind: {late} schedule{_s(status.counts.overdue)} overdue"
    remaining = status.last.remaining if status.last else 0
    text = f"The last tick left {figure(remaining)} for the next." if remaining else "They wait longer than two ticks."
    return Answer("warn", "triangle", title, text, "The next ticks work them off, oldest first.")


def _beat(status: Status) -> str:
    lag = status.lag
    if lag.p50 is None or lag.most is None:
        return "Nothing was due within the last hour."
    return (
        f"Of the last hour's {bounded(lag.samples, 500)} fire{_s(lag.samples)}, half began within "
        f"{short_duration(lag.p50)}, the slowest after {short_duration(lag.most)}."
    )


def troubles_of(counts: Counts, failing_folders: int) -> str:
    """Say what of the last 24 hours needs a look; empty when nothing does."""
    parts = [
        _part(counts.all_parked, "schedule is parked", "schedules are parked"),
        _part(counts.failed, "dispatch failed", "dispatches failed"),
        _part(counts.missed, "time was missed", "times were missed"),
        _part(counts.deadline_missed, "deadline passed", "deadlines passed"),
        _part(failing_folders, "folder cannot be listed", "folders cannot be listed"),
    ]
    found = [part for part in parts if part]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def _part(count: int, one: str, many: str) -> str:
    return f"{bounded(count)} {one if count == 1 else many}" if count else ""


def bounded(count: int, most: int = COUNTED_UP_TO) -> str:
    """Write a count that was not carried on beyond `most`."""
    return f"{figure(most)}+" if count > most else figure(count)


def _s(count: int) -> str:
    return "" if count == 1 else "s"
