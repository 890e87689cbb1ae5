"""How a run is held and how it ends, pure: leases, deaths, its status, what a trigger is told when no run begins."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from flows.decisions.vocabulary import RunStatus

# Whoever works on a run beats all the while; a worker that was killed is found when its lease has run out.
LEASE: Final = timedelta(seconds=30)
SECONDS_TO_BEAT: Final = 5.0
# How often a run looks whether it is to stop, and the least distance of two writes of its progress.
SECONDS_TO_LOOK: Final = 1.0
# A lease that ends beyond any that is given was given by a clock that was ahead: nobody waits for its end.
LONGEST_LEASE: Final = timedelta(hours=2)
# A run that takes its workers down with it (memory, a crash of a library) is not begun for ever.
MAX_DEATHS: Final = 3
# Moving files away after a run is tried so often; then the run ends and says where they lie.
MAX_CLEARINGS: Final = 6
MAX_ERRORS: Final = 1_000
TIME_LIMIT_SECONDS: Final = 3_600
LONGEST_TIME_LIMIT_SECONDS: Final = 7 * 86_400

DIED: Final = (
    f"Begun {MAX_DEATHS} times and never finished: whoever worked on it stopped, ran out of memory or was killed."
)
CANCELLED: Final = "Cancelled by {name}."
CANCELLED_UNNAMED: Final = "Cancelled."
OUT_OF_TIME: Final = "The run took longer than its time limit of {seconds} s; nothing of it was kept."
DEADLINE_MISSED: Final = "file arrival deadline missed"
VERSION_GONE: Final = "Version {version} of the pipeline is not there any more."


class Ending(StrEnum):
    """What a run that has not committed is on its way to: written before its first file is moved for it."""

    NONE = ""
    # Its files go back; it begins again later.
    AGAIN = "again"
    # Its files go to the failure folder.
    FAILED = "failed"
    # Its files go back; it ends.
    CANCELLED = "cancelled"
    # A source found no file, and that is no failure: what others took goes back, and it ends without a row.
    NOTHING = "nothing"


class NotBegun(StrEnum):
    """Why a dispatch began no run of its own; what the caller says about it."""

    OVERLAP = "another run of the pipeline is waiting or under way, and its overlap is skip"
    COALESCED = "a scheduled run waits already and stands for this one too"
    PAUSED = "the pipeline is paused"


def status_after(*, failed_rows: int) -> RunStatus:
    """Return how a run ends whose load was committed."""
    return RunStatus.COMPLETED_WITH_ERRORS if failed_rows else RunStatus.COMPLETED


def cancelled_by(name: str) -> str:
    """Return the words for a run that somebody cancelled."""
    return CANCELLED.format(name=name) if name else CANCELLED_UNNAMED


def time_limit_of(execution_config: object) -> int:
    """Return the seconds a run may take: `timeLimitSeconds` of the pipeline's executionConfig, else an hour."""
    given = execution_config.get("timeLimitSeconds") if isinstance(execution_config, dict) else None
    is_usable = isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= LONGEST_TIME_LIMIT_SECONDS
    return given if is_usable and isinstance(given, int) else TIME_LIMIT_SECONDS


def occurrence_of(parameters: object, *, created_at: datetime) -> datetime:
    """Return the instant that date templates of a run mean: its occurrence, else when it was asked for.

    It is the same in every attempt, also past midnight.
    """
    text = parameters.get("occurrenceAt") if isinstance(parameters, dict) else None
    if not isinstance(text, str):
        return created_at
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return created_at
    return at if at.tzinfo else created_at
