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
