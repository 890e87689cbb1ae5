"""The words of triggers: what a schedule, an occurrence, a tick can be."""

from enum import StrEnum


class TriggerState(StrEnum):
    """Where a schedule or a file trigger stands."""

    ACTIVE = "active"
    # The pipeline is paused; resuming counts from then on.
    PAUSED = "paused"
    # `enabled: false` in the IR.
    OFF = "off"
    # It became unreadable without a save: an import, an older release, a zone that is gone. Visible, with its reason.
    PARKED = "parked"


class OccurrenceKind(StrEnum):
    """What was expected: an instant of a schedule, a file, an instant that somebody backfills, a deadline."""

    SCHEDULE = "schedule"
    FILE = "file"
    BACKFILL = "backfill"
    DEADLINE = "deadline"


class Outcome(StrEnum):
    """What became of an occurrence: every one has exactly one row, and that row one of these."""

    # A run of its own began.
    FIRED = "fired"
    # Another run stands for it.
    COALESCED = "coalesced"
    # Decided, and waiting until `due_at`: jitter, debounce, a file that must not change any more.
    HELD = "held"
    # The overlap policy is `skip` and a run was waiting or under way.
    SKIPPED_OVERLAP = "skipped_overlap"
    # It fell into a time in which nothing ticked, or longer ago than its catch-up reaches.
    MISSED = "missed"
    # It fell into a pause.
    PAUSED = "paused"
    # The schedule cannot be read.
    PARKED = "parked"
    # The dispatch was refused or failed; the reason says why.
    FAILED = "failed"
    # A file that was gone, or did not match any more, when its turn came.
    GONE = "gone"
    # A deadline passed without a file.
    DEADLINE_MISSED = "deadline_missed"


class HeldFor(StrEnum):
    """Why an occurrence waits."""

    NOTHING = ""
    JITTER = "jitter"
    DEBOUNCE = "debounce"
    STABLE = "stable"


class Via(StrEnum):
    """How it came to the scheduler's attention."""

    TICK = "tick"
    POLL = "poll"
    PUSH = "push"
    INOTIFY = "inotify"
    PERSON = "person"


class TickSource(StrEnum):
    """Who ticked."""

    TICKER = "ticker"
    CRON = "cron"
    SESSION = "session"
    COMMAND = "command"


class OnMiss(StrEnum):
    """What a missed deadline does."""

    ALERT = "alert"
    FAIL = "fail"
    SKIP = "skip"
