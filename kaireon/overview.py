"""The answers of the overview, pure: the worst three things with their remedies, and where marks stand in an hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

SHOWN: Final = 3
HOUR: Final = timedelta(hours=1)
# The slowest cadence that the guide recommends is an hour; a rule's clock that stood still for longer has stopped.
TICK_IS_LATE: Final = timedelta(minutes=75)
REMEDIES: Final = {
    "alerts": "Look at the rule's timeline, then acknowledge the incident or mute the rule.",
    "notifications": "Open the destination and press Test, or change its settings.",
    "system": "Open it for what happened and what to do.",
    "reports": "Open the report: its last run says why it failed; Resume the schedule when the cause is gone.",
    "flow": "Open the run: it says at which node and why; correct the pipeline or the file, then press Retry.",
    "audit": "Verify the chain and compare the newest hash with the copy you keep.",
}


class Open(NamedTuple):
    """An open system-health alert."""

    severity: str
    source: str
    title: str
    message: str
    link: str
    since: datetime


class Clock(NamedTuple):
    """The flow scheduler: what waits for it, and whether it has gone silent."""

    waiting: int
    is_silent: bool
    last_tick_at: datetime | None


class Concern(NamedTuple):
    """One thing that needs a person, with what to do about it."""

    severity: str
    title: str
    message: str
    remedy: str
    link: str
    since: datetime | None


class Mark(NamedTuple):
    """Something at a place in the next hour, in percent of its width."""

    at: datetime
    percent: float
    title: str
    text: str
    link: str


def worst_concerns(
    alerts: Sequence[Open], *, enabled_rules: int, last_tick_at: datetime | None, clock: Clock, now: datetime
) -> list[Concern]:
    """Return at most three concerns: a clock that stands still comes first, for then nothing else is known."""
    concerns = _silent_scheduler(clock)
    if enabled_rules and (last_tick_at is None or now - last_tick_at > TICK_IS_LATE):
        stopped, waiting = "No tick is evaluating the alert rules", "The alert rules wait for their first tick"
        concerns.append(
            Concern(
                "critical" if last_tick_at else "warning",
                stopped if last_tick_at else waiting,
                f"{enabled_rules} enabled rule{'' if enabled_rules == 1 else 's'} cannot fire.",
                "Let a scheduler call POST /api/cron/tick every minute, or run manage.py tick.",
                "/settings/alerts",
                last_tick_at,
            )
        )  # fmt: skip
    concerns += [
        Concern(
            each.severity, each.title, each.message, REMEDIES.get(each.source, REMEDIES["system"]),
            each.link or "/system-health", each.since,
        )
        for each in alerts
    ]  # fmt: skip
    return concerns[:SHOWN]


def _silent_scheduler(clock: Clock) -> list[Concern]:
    if not clock.waiting or not clock.is_silent:
        return []
    one = clock.waiting == 1
    return [
        Concern(
            "critical" if clock.last_tick_at else "warning",
            "No tick is starting pipelines" if clock.last_tick_at else "Pipelines wait for the scheduler's first tick",
            f"{clock.waiting} pipeline{'' if one else 's'} with a schedule or a file trigger cannot start.",
            "Start the web server with CRON_SECRET set, or let a scheduler call GET /api/v1/cron/flow-scheduler-tick.",
            "/data/scheduler",
            clock.last_tick_at,
        )
    ]  # fmt: skip


def place_marks(events: Sequence[tuple[datetime, str, str, str]], now: datetime) -> list[Mark]:
    """Return the events (time, title, text, link) of the next hour with their places, soonest first."""
    return [
        Mark(at, round(100 * ((at - now) / HOUR), 1), title, text, link)
        for at, title, text, link in sorted(events)
        if now <= at <= now + HOUR
    ]
