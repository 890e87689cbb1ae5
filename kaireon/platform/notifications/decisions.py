"""The rules of delivery, pure: states, what follows an attempt, back-off, storms, caps.

The machine: `pending` → (claim) `sending` → `delivered | failed | unknown`, or back to `pending` with a later time.
`capped` and `digested` are ends that a delivery can be opened with. Only `unknown` means "it may have arrived".
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

MAX_ATTEMPTS: Final = 5
MAX_TEST_ATTEMPTS: Final = 2
STORM_LIMIT: Final = 20
MAX_IN_FLIGHT: Final = 16
MAX_IN_FLIGHT_PER_DESTINATION: Final = 2
# Longer than any request may take, so that a lease that ran out means a process that died.
LEASE: Final = timedelta(seconds=30)
FIRST_RETRY: Final = timedelta(seconds=1)
# A send waits this long for its own first retry; later ones are the worker's or the next tick's.
SAME_SEND_PATIENCE: Final = timedelta(seconds=2)
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
DIGEST_LINES: Final = 50
CAP_WINDOW: Final = timedelta(hours=1)
TEST_EVENT: Final = "test"
# A receiver knows the contract's types only; what was folded says its own under `data.messages`.
DIGEST_EVENT: Final = "notification"
_BACK_OFF: Final = (FIRST_RETRY, timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
_JITTER: Final = 0.2

STOPPED_BEFORE_ANSWER: Final = "The process stopped after the request had left and before it saw the answer."
FIRING_NEVER_ARRIVED: Final = "Not sent: the firing itself never arrived."
NO_DESTINATION: Final = "There is no such destination: it was deleted, or never was one of this tenant."
DISABLED: Final = "The destination is switched off."


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CAPPED = "capped"
    DIGESTED = "digested"


OPEN_STATES: Final = frozenset({State.PENDING, State.SENDING})
ARRIVED_STATES: Final = frozenset({State.DELIVERED, State.UNKNOWN})
RESENDABLE_STATES: Final = frozenset({State.FAILED, State.UNKNOWN, State.CAPPED})


class DestinationState(StrEnum):
    """How a destination did last: `broken` is not tried again before a Test succeeds."""

    OK = "ok"
    FAILING = "failing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, before a transport gives it the form of its medium.

    `data` names what it is about (`ruleId`, `name`, …); `extra_payload` goes to webhooks as it is.
    """

    event_type: str
    subject: str
    message: str
    timestamp: datetime
    severity: str = "info"
    link: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    extra_payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the subject with the severity in front, unless the sender has said it: colour alone tells too few."""
        return self.subject if self.subject.startswith("[") else f"[{self.severity}] {self.subject}"

    def to_json(self) -> dict[str, Any]:
        """Return the message as the ledger keeps it."""
        return {
            "eventType": self.event_type,
            "subject": self.subject,
            "message": self.message,
            "timestamp": self.timestamp.isoformat(),
            "severity": self.severity,
            "link": self.link,
            "data": dict(self.data),
            "extraPayload": dict(self.extra_payload),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Message":
        """Return the message that `to_json` wrote."""
        return cls(
            event_type=kept["eventType"],
            subject=kept["subject"],
            message=kept["message"],
            timestamp=datetime.fromisoformat(kept["timestamp"]),
            severity=kept["severity"],
            link=kept["link"],
            data=kept["data"],
            extra_payload=kept["extraPayload"],
        )


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """One message for one destination. The same `dedupe_key` again is the same delivery, not a second one.

    `depends_on` is the delivery that must have ended first: a `resolved` waits for its `fired`.
    """

    tenant_id: uuid.UUID
    provider_id: uuid.UUID
    dedupe_key: str
    message: Message
    depends_on: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class DestinationSnapshot:
    """What opening a delivery needs to know about its destination."""

    is_enabled: bool
    state: DestinationState
    state_reason: str
    state_changed_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """The state a delivery starts in, and why when that is already its end."""

    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt met. `is_delivered` or an error; `is_sent` says whether the request had left."""

    is_delivered: bool
    error: str = ""
    status_code: int | None = None
    is_permanent: bool = False
    is_sent: bool = False
    is_gone: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows an attempt: the delivery's new state, and when to try again if it is `pending`."""

    state: State
    error: str
    next_attempt_at: datetime | None = None
    is_destination_broken: bool = False
    pause_destination_until: datetime | None = None


def decide_opening(destination: DestinationSnapshot | None, *, is_test: bool, sent_this_hour: int, cap: int) -> Opening:
    """Decide whether a delivery may wait for its turn or ends at once. A test reaches what is off or broken."""
    if destination is None:
        return Opening(State.FAILED, NO_DESTINATION)
    if not is_test:
        if not destination.is_enabled:
            return Opening(State.FAILED, DISABLED)
        if destination.state is DestinationState.BROKEN:
            since = destination.state_changed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
            return Opening(
                State.FAILED,
                f"The destination is marked broken since {since} ({destination.state_reason}); press Test.",
            )
    if sent_this_hour >= cap:
        return Opening(State.CAPPED, f"Over the guardrail of {cap} messages an hour for this tenant.")
    return Opening(State.PENDING)


def storming(destinations: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return the destinations that would get more than STORM_LIMIT messages of this batch: each gets one digest."""
    return {key for key, count in Counter(destinations).items() if count > STORM_LIMIT}


def max_attempts(event_type: str) -> int:
    """Return how often a delivery is tried: a person waits for a test, so it is given up after its first retry."""
    return MAX_TEST_ATTEMPTS if event_type == TEST_EVENT else MAX_ATTEMPTS


def decide_after_attempt(
    result: AttemptResult, *, attempts: int, event_type: str, now: datetime, jitter: float
) -> Verdict:
    """Decide what follows the attempt number `attempts`; `jitter` is a random number from 0 to 1.

    Sent without an answer is `unknown` and never repeated by itself: the other side may have acted on it.
    """
    if result.is_delivered:
        return Verdict(State.DELIVERED, "")
    if result.is_sent and result.status_code is None:
        return Verdict(State.UNKNOWN, result.error)
    if result.is_permanent or result.is_gone:
        return Verdict(State.FAILED, result.error, is_destination_broken=result.is_gone)
    pause = now + min(result.retry_after, LONGEST_RETRY_AFTER) if result.retry_after else None
    next_attempt_at = pause or now + back_off(attempts, jitter)
    is_too_late = event_type == TEST_EVENT and next_attempt_at - now > SAME_SEND_PATIENCE
    if attempts >= max_attempts(event_type) or is_too_late:
        tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        return Verdict(State.FAILED, f"{result.error} Given up after {tries}.", pause_destination_until=pause)
    return Verdict(State.PENDING, result.error, next_attempt_at, pause_destination_until=pause)


def back_off(attempts: int, jitter: float) -> timedelta:
    """Return the wait after attempt number `attempts`: about 1 s, 30 s, 2 min, 10 min, each up to a fifth longer."""
    return _BACK_OFF[min(attempts, len(_BACK_OFF)) - 1] * (1 + _JITTER * jitter)


def destination_state_after(state: State, *, is_broken: bool) -> DestinationState | None:
    """Return the state that a delivery's end puts its destination in, or None when it says nothing about it."""
    if is_broken:
        return DestinationState.BROKEN
    if state is State.DELIVERED:
        return DestinationState.OK
    return DestinationState.FAILING if state in {State.FAILED, State.UNKNOWN} else None


def parse_retry_after(text: str, now: datetime) -> timedelta | None:
    """Return the wait that a `Retry-After` header asks for, in seconds or as an HTTP date; None when unreadable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8)) or None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment - now if moment > now else None


def may_resend(state: State, *, has_open_resend: bool) -> str:
    """Return why a delivery cannot be sent again, or an empty text when it can."""
    if has_open_resend:
        return "It is being sent again already."
    if state in RESENDABLE_STATES:
        return ""
    return f"A delivery that is {state} cannot be sent again; only failed, unknown and capped ones can."


def digest_of(messages: Sequence[Message]) -> Message:
    """Return one message that lists the others, worst first, so that a storm is read and not scrolled past."""
    ranks = {"critical": 0, "error": 1, "warning": 2, "info": 3}
    ordered = sorted(messages, key=lambda message: (ranks.get(message.severity, 4), message.subject))
    listed = [f"• {message.title}" for message in ordered[:DIGEST_LINES]]
    if len(ordered) > DIGEST_LINES:
        listed.append(f"… and {len(ordered) - DIGEST_LINES} more")
    entries = [{"type": m.event_type, "subject": m.subject, "severity": m.severity, "link": m.link} for m in ordered]
    return Message(
        event_type=DIGEST_EVENT,
        subject=f"{len(ordered)} messages at once",
        message="\n".join(listed),
        timestamp=ordered[0].timestamp,
        severity=ordered[0].severity,
        link=ordered[0].link if len({message.link for message in ordered}) == 1 else "",
        data={"count": len(ordered), "messages": entries},
    )
