"""What a schedule's cadence means: in words, in its next times, and whether it can be read at all."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from kaireon.platform.cadence import Cadence, CadenceError, Occurrence, read_cadence
from reports.decisions.cadence_words import say_cron
from reports.decisions.checking import in_one_sentence
from reports.decisions.vocabulary import ScheduleState

# As long as the columns are.
MAX_EXPRESSION: Final = 120
MAX_COUNT: Final = 50
# So many of a changing day's occurrences are looked at for a warning.
_LOOKED_AT: Final = 60
_YEAR: Final = 366


@dataclass(frozen=True, slots=True)
class PreviewedOccurrence:
    """A time at which a report goes out: in UTC, on the zone's clock, and whether that clock changes on that day."""

    at: datetime
    local: datetime
    is_dst_day: bool


@dataclass(frozen=True, slots=True)
class CadencePreview:
    """A cadence as people read it; `words` is the expression itself where no words can be found."""

    words: str
    occurrences: tuple[PreviewedOccurrence, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands: its state, why, and when it is next due; None when it is not."""

    state: ScheduleState
    reason: str
    next_run_at: datetime | None


def read_schedule(expression: str, timezone: str) -> Cadence:
    """Read both texts; raise CadenceError naming `cronExpression` or `timezone`."""
    if len(expression) > MAX_EXPRESSION:
        raise CadenceError("cronExpression", f"Must not be longer than {MAX_EXPRESSION} characters.")
    return read_cadence(expression, timezone)


def cadence_errors(expression: str, timezone: str) -> dict[str, list[str]]:
    """Return what is wrong with either text, under `cronExpression` and `timezone`."""
    errors = {}
    # One beside another that is sound, so that both are named when both are wrong.
    for pair in ((expression, "UTC"), ("* * * * *", timezone)):
        try:
            read_schedule(*pair)
        except CadenceError as error:
            errors[error.field] = [error.message]
    return errors


def why_unreadable(expression: str, timezone: str) -> str:
    """Say why a schedule's cadence cannot be read; empty when it can."""
    return in_one_sentence(cadence_errors(expression, timezone))


def standing_of(
    *, state: str, reason: str, next_run_at: datetime | None, expression: str, timezone: str
) -> Standing:  # fmt: skip
    """Return how a kept schedule stands, also before a tick has looked at it.

    A row that came in otherwise than through the API, or whose zone the tz database dropped, is parked: it has no next
    time, and says why.
    """
    if unreadable := why_unreadable(expression, timezone):
        is_paused = state == ScheduleState.PAUSED
        return Standing(ScheduleState(state), reason, None) if is_paused else Standing(
            ScheduleState.PARKED, unreadable, None
        )  # fmt: skip
    return Standing(ScheduleState(state), reason, next_run_at)


def describe_cadence(expression: str, timezone: str, now: datetime, count: int = 5) -> CadencePreview:
    """Return the words, the next times and what is worth knowing; raise CadenceError naming the field."""
    cadence = read_schedule(expression, timezone)
    upcoming = tuple(_previewed(each, cadence.zone) for each in cadence.forecast(now, min(count, MAX_COUNT)))
    warnings = (*_cron_warnings(expression, cadence), *_clock_warnings(cadence, now))
    return CadencePreview(say_cron(expression), upcoming, warnings)


def is_dst_day(day: date, zone: ZoneInfo) -> bool:
    """Tell whether the zone's clock changes on a local day."""
    return _midnight(day, zone).utcoffset() != _midnight(day + timedelta(days=1), zone).utcoffset()


def _previewed(occurrence: Occurrence, zone: ZoneInfo) -> PreviewedOccurrence:
    return PreviewedOccurrence(occurrence.at, occurrence.local, is_dst_day(occurrence.local.date(), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _cron_warnings(expression: str, cadence: Cadence) -> list[str]:
    cron, found = cadence.cron, []
    minute, hour, *_ = expression.split()
    for field, numbers, wholes, anew in ((minute, cron.minutes, 60, "hour"), (hour, cron.hours, 24, "day")):
        if field.startswith("*/") and wholes % int(field[2:]):
            found.append(f"{field} counts anew each {anew}: {wholes - numbers[-1]} and not {field[2:]} after the last.")
    if not cron.is_every_day and not cron.is_every_weekday:
        found.append("Both day fields are restricted: as in cron, a day that either of them names is enough.")
    if cron.is_every_weekday and min(cron.days) > 28:
        found.append(f"Months without a day {min(cron.days)} have no report.")
    return found


def _clock_warnings(cadence: Cadence, now: datetime) -> list[str]:
    """Say what the clock changes of the year to come do to the schedule, one sentence for each day."""
    first = now.astimezone(cadence.zone).date()
    days = (first + timedelta(days=number) for number in range(_YEAR))
    return [text for day in days if is_dst_day(day, cadence.zone) and (text := _changed_day(cadence, day))]


def _changed_day(cadence: Cadence, day: date) -> str:
    begins = _midnight(day, cadence.zone)
    occurrences = cadence.forecast(begins - timedelta(seconds=1), _LOOKED_AT)
    noted = (each for each in occurrences if each.local.date() == day and each.note)
    return "; ".join(f"{day}: goes out at {each.local:%H:%M}, {each.note}" for each in islice(noted, 1))
