"""What a back end is to the tier: it takes a batch in order and says what became of each event."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from outbox.decisions.outcomes import Outcome

SOURCE: Final = "kaireon"
CONTENT_TYPE: Final = "application/json"


class Event(NamedTuple):
    """An event as it leaves: `payload` is JSON text, `timestamp` ISO 8601 in UTC with milliseconds and `Z`.

    A tuple, because hundreds are made in the time in which a broker answers.
    """

    id: str
    tenant_id: str
    topic: str
    key: str
    payload: str
    timestamp: str

    @property
    def body(self) -> str:
        """Return the envelope `{"type", "timestamp", "payload"}` as JSON text; the payload is passed through."""
        return f'{{"type":"{self.topic}","timestamp":"{self.timestamp}","payload":{self.payload}}}'

    @property
    def attributes(self) -> dict[str, str]:
        """Return the CloudEvents 1.0 attributes; the tenant and the key are extensions."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.topic,
            "time": self.timestamp,
            "datacontenttype": CONTENT_TYPE,
            "tenantid": self.tenant_id,
            "partitionkey": self.key,
        }


class BackendDown(Exception):
    """The back end as a whole does not answer or does not take us: nobody's attempt is burnt, the tier waits.

    The message is for operators and carries no secret. Whether it is worth an operator's hand is `is_transient`:
    refused credentials will not mend themselves, a broker that restarts will.
    """

    def __init__(self, message: str, *, is_transient: bool = True) -> None:
        super().__init__(message)
        self.is_transient = is_transient


class TimeLeft(Protocol):
    """How long a publish may still take; a stop of the process shortens it while it runs."""

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""


class Publisher(Protocol):
    """A back end. One instance per process, used by one thread; made without network, connected at first use.

    A process may fork before the first use, not after it.
    """

    name: str

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Send the events and return one outcome for each, in the same order; come back within `time_left`.

        Events of one (tenant, key) are sent in the order given: once one of them is not Sent, no later one of the
        same (tenant, key) may be Sent: it is NotSent. What was not tried for lack of time is NotSent. An event whose
        answer is not known is `Failed(…, is_transient=True)` or counts as down: at least once, never lost.

        Raises BackendDown when nothing of the batch is known to have left; with some outcomes known it returns
        them, the rest NotSent, and the next call raises.
        """

    def close(self) -> None:
        """Let go of connections; called once, also after BackendDown."""
