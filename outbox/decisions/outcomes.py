"""What became of one event at the back end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The back end has it; `receipt` is its own name for it (partition and offset, stream id), or empty."""

    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The back end refused this event. `is_transient` tells whether trying again can help.

    `is_outage` tells that the part of the back end that this event goes to is away or overloaded: nothing is known
    against the event, so however long that lasts it waits, and does not become a dead letter.
    `reason` is for people: what the back end said, without addresses, secrets or the payload.
    """

    reason: str
    is_transient: bool
    is_outage: bool = False


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was not tried: an earlier event of its key failed, or the time was up."""


Outcome = Sent | Failed | NotSent
SENT = Sent()
NOT_SENT = NotSent()
