"""The words of reporting, as the API and the tables spell them."""

from enum import StrEnum


class Format(StrEnum):
    """What a report is written as."""

    PDF = "pdf"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class TriggeredBy(StrEnum):
    """Who asked for a run."""

    CRON = "cron"
    MANUAL = "manual"
    API = "api"


class RunStatus(StrEnum):
    """How a run stands; any delivery `failed`, `unknown` or `capped` makes it `completed_with_errors`."""

    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"


class Stage(StrEnum):
    """How far a run has come. From `delivering` on it is never built again: its deliveries are in the ledger."""

    QUEUED = "queued"
    QUERYING = "querying"
    NARRATING = "narrating"
    RENDERING = "rendering"
    DELIVERING = "delivering"
    DONE = "done"


class ScheduleState(StrEnum):
    """Whether a schedule may fire: `paused` after failures or by hand, `parked` when its cadence cannot be read."""

    ACTIVE = "active"
    PAUSED = "paused"
    PARKED = "parked"


class LastStatus(StrEnum):
    """How a schedule's latest occurrence ended."""

    PENDING = "pending"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    SKIPPED_EMPTY = "skipped_empty"


class MissedPolicy(StrEnum):
    """What happens to occurrences that passed while nobody ticked: one late run, or none."""

    ONCE = "once"
    SKIP = "skip"


class OccurrenceOutcome(StrEnum):
    """What became of an occurrence: each has a row, so that no silence is without a reason."""

    RUN = "run"
    # An older one that was missed too: the run of a later occurrence stands for it.
    COALESCED = "coalesced"
    # missedPolicy `skip`.
    MISSED = "missed"
    SKIPPED_EMPTY = "skipped_empty"
    # A guardrail forbade it.
    CAPPED = "capped"
