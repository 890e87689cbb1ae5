"""One call to AWS and what its refusal means: for its entries, or for the service as a whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from outbox.decisions.outcomes import Failed, Outcome
from outbox.publishers.base import BackendDown

Entry = Mapping[str, Any]
Call = Callable[[Sequence[Entry]], list[Outcome]]

THROTTLED: Final = Failed("AWS throttles", is_transient=True, is_outage=True)

_THROTTLES: Final = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "SlowDown",
        "TooManyRequestsException", "LimitExceededException", "RequestLimitExceeded", "KMSThrottlingException",
        "ProvisionedThroughputExceededException",
    }
)  # fmt: skip
# Said of an entry, and about whoever sends it: true for all entries until an operator changes it.
_CLOSED: Final = {
    code: Failed(f"AWS: {code}", is_transient=True)
    for code in ("AccessDeniedException", "InvalidAccountIdException", "NotAuthorizedForSourceException")
}
# About the event itself.
_MALFORMED: Final = frozenset({"MalformedDetail", "InvalidArgument", "EventSizeExceeded"})
# A call with one bad entry is refused as a whole.
_BAD_CALL: Final = frozenset(
    {
        "ValidationException", "ValidationError", "InvalidArgumentException", "SerializationException",
        "RequestEntityTooLargeException", "RequestEntityTooLarge", "413",
    }
)  # fmt: skip
_TOO_LARGE: Final = 413
_SERVER_FAULT: Final = 500


def entry_failure(code: str) -> Failed:
    """Return what an entry's error code means; AWS's own text may name accounts and is left out."""
    if code in _THROTTLES:
        return THROTTLED
    return _CLOSED.get(code) or Failed(f"AWS: {code}", is_transient=code not in _MALFORMED)


def make_call(call: Call, entries: Sequence[Entry]) -> list[Outcome]:
    """Make a call and return an outcome for each entry.

    A call that is refused for one of its entries is made again for each alone. Raises BackendDown for refused
    credentials, missing names, faults of the service and everything that keeps the call from being answered.
    """
    try:
        outcomes = call(entries)
    except ClientError as error:
        return _refused(error, call, entries)
    except (NoCredentialsError, PartialCredentialsError):
        raise BackendDown("AWS credentials are missing", is_transient=False) from None
    except BotoCoreError as error:
        # The library's text names the address. A certificate that is not trusted stays so until somebody mends it.
        is_transient = "CERTIFICATE_VERIFY_FAILED" not in str(error)
        raise BackendDown(f"AWS does not answer: {type(error).__name__}", is_transient=is_transient) from None
    if len(outcomes) != len(entries):
        raise BackendDown(f"AWS answered for {len(outcomes)} of {len(entries)} entries")
    if all(outcome in _CLOSED.values() for outcome in outcomes):
        raise BackendDown(str(getattr(outcomes[0], "reason", "")), is_transient=False)
    return outcomes


def _refused(error: ClientError, call: Call, entries: Sequence[Entry]) -> list[Outcome]:
    code = str(error.response.get("Error", {}).get("Code", "")) or "Unknown"
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLES:
        return [THROTTLED] * len(entries)
    if code in _BAD_CALL or status == _TOO_LARGE:
        if len(entries) == 1:
            # Too large is about the event; another objection may be about the call, which an operator can mend.
            return [Failed(f"AWS: {code}", is_transient=status != _TOO_LARGE)]
        return [outcome for entry in entries for outcome in make_call(call, [entry])]
    raise BackendDown(f"AWS: {code}", is_transient=status >= _SERVER_FAULT)
