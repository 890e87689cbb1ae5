"""The vocabulary of states: each word with the name, the colour and the shape that every page gives it."""

from typing import Final, NamedTuple


class Badge(NamedTuple):
    """A state as people see it. `tone` is good, busy, warn, bad or idle; text, colour and shape always go together."""

    label: str
    tone: str
    shape: str


_GOOD: Final = ("good", "disc")
_BAD: Final = ("bad", "diamond")
_WARN: Final = ("warn", "triangle")
_BUSY: Final = ("busy", "half")
_IDLE: Final = ("idle", "ring")
_OFF: Final = ("idle", "bar")

BADGES: Final[dict[str, Badge]] = {
    # Alert rules: the latest evaluation
    "ok": Badge("OK", *_GOOD),
    "fired": Badge("Firing", *_BAD),
    "cooldown": Badge("In cooldown", *_WARN),
    "delivery_failed": Badge("Delivery failed", "bad", "cross"),
    "unsupported_metric": Badge("Unknown metric", "warn", "cross"),
    "pending": Badge("Pending", *_BUSY),
    "muted": Badge("Muted", *_OFF),
    "acknowledged": Badge("Acknowledged", *_BUSY),
    "no_data": Badge("No data", *_IDLE),
    "resolved": Badge("Resolved", *_GOOD),
    "disabled": Badge("Off", *_OFF),
    "never": Badge("Not evaluated yet", *_IDLE),
    # Deliveries and attempts
    "sending": Badge("Sending", *_BUSY),
    "delivered": Badge("Delivered", *_GOOD),
    "failed": Badge("Failed", "bad", "cross"),
    "unknown": Badge("Unknown", *_WARN),
    "capped": Badge("Capped", "warn", "square"),
    "digested": Badge("In a digest", *_IDLE),
    # Destinations
    "failing": Badge("Failing", *_WARN),
    "broken": Badge("Broken", "bad", "cross"),
    # Events of the outbox, why one is dead, who publishes
    "processing": Badge("Publishing", *_BUSY),
    "held": Badge("Held", *_WARN),
    "dead": Badge("Dead letter", "bad", "cross"),
    "published": Badge("Published", *_GOOD),
    "gone": Badge("Has left", *_IDLE),
    "permanent": Badge("Refused for good", "bad", "square"),
    "exhausted": Badge("Attempts used up", *_WARN),
    "publishing": Badge("Publishing", *_GOOD),
    "idle": Badge("Nothing to do", *_GOOD),
    "backend_down": Badge("Back end is down", *_BAD),
    "draining": Badge("Stopping", *_BUSY),
    "silent": Badge("Gone silent", *_OFF),
    # Reports: stages and ends of a run, what holds a schedule, what became of an occurrence
    "queued": Badge("Queued", *_BUSY),
    "querying": Badge("Reading data", *_BUSY),
    "narrating": Badge("Writing", *_BUSY),
    "rendering": Badge("Making files", *_BUSY),
    "delivering": Badge("Sending", *_BUSY),
    "completed": Badge("Completed", *_GOOD),
    "completed_with_errors": Badge("Not all delivered", *_WARN),
    "skipped_empty": Badge("Skipped, empty", *_IDLE),
    "paused": Badge("Paused", "warn", "bar"),
    "parked": Badge("Parked", "bad", "square"),
    "run": Badge("Run", *_GOOD),
    "coalesced": Badge("Covered by a later one", *_IDLE),
    "missed": Badge("Missed", *_WARN),
    # Pipelines, the stages of a run, what its files went through, connectors
    "draft": Badge("Draft", *_IDLE),
    "live": Badge("Live", *_GOOD),
    "unsaved": Badge("Not saved", *_WARN),
    "running": Badge("Running", *_BUSY),
    "completed_with_rejects": Badge("Completed with errors", *_WARN),
    "cancelled": Badge("Cancelled", *_OFF),
    "cancelling": Badge("Stopping", *_BUSY),
    "listing": Badge("Looking for files", *_BUSY),
    "staging": Badge("Taking files", *_BUSY),
    "reading": Badge("Reading", *_BUSY),
    "transforming": Badge("Transforming", *_BUSY),
    "validating": Badge("Validating", *_BUSY),
    "loading": Badge("Loading", *_BUSY),
    "archiving": Badge("Archiving files", *_BUSY),
    "done": Badge("Done", *_GOOD),
    "claimed": Badge("Taken", *_BUSY),
    "staged": Badge("In work", *_BUSY),
    "committed": Badge("Loaded", *_GOOD),
    "archived": Badge("Archived", *_GOOD),
    "restored": Badge("Put back", *_WARN),
    "left": Badge("Left in place", *_IDLE),
    "untested": Badge("Not tested yet", *_IDLE),
    # Triggers: what became of an occurrence, deadlines, schedules
    "occurrence_fired": Badge("Fired", *_GOOD),
    "occurrence_coalesced": Badge("In another run", *_IDLE),
    "occurrence_held": Badge("Held", *_BUSY),
    "occurrence_skipped_overlap": Badge("Skipped, still running", *_IDLE),
    "occurrence_missed": Badge("Missed", *_WARN),
    "occurrence_paused": Badge("Fell into a pause", *_OFF),
    "occurrence_parked": Badge("Parked", "bad", "square"),
    "occurrence_failed": Badge("Dispatch failed", "bad", "cross"),
    "occurrence_gone": Badge("File is gone", *_IDLE),
    "occurrence_deadline_missed": Badge("Deadline missed", *_BAD),
    "deadline_near": Badge("Due soon", *_WARN),
    "deadline_far": Badge("In time", *_GOOD),
    "overdue": Badge("Overdue", *_WARN),
    "off": Badge("Off", *_OFF),
    "secret_leaving": Badge("Being replaced", *_WARN),
    # Severities
    "info": Badge("Info", *_BUSY),
    "success": Badge("Success", *_GOOD),
    "warning": Badge("Warning", *_WARN),
    "error": Badge("Error", "bad", "cross"),
    "critical": Badge("Critical", *_BAD),
    # API keys, health, guardrails, the audit chain
    "active": Badge("Active", *_GOOD),
    "expired": Badge("Expired", *_OFF),
    "revoked": Badge("Revoked", "idle", "cross"),
    "open": Badge("Open", *_WARN),
    "reached": Badge("Reached", "bad", "square"),
    "near": Badge("Nearly reached", *_WARN),
    "within": Badge("Within", *_GOOD),
    "intact": Badge("Intact", *_GOOD),
    "tampered": Badge("Tampered with", *_BAD),
}


def badge_of(state: str) -> Badge:
    """Return the badge of a state; a word without one shows as itself."""
    key = str(state or "")
    return BADGES.get(key) or Badge(key.replace("_", " ").capitalize() or "–", *_IDLE)
