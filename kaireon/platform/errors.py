"""Errors of the domain: each carries the code and HTTP status that the API answers with."""

from collections.abc import Mapping, Sequence

Fields = Mapping[str, Sequence[str]]


class DomainError(Exception):
    """A use case refused; the message tells an operator what can be done.

    `fields` maps the path of a wrong field (`config.url`) to what is wrong with it.
    """

    code = "DOMAIN_ERROR"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, fields: Fields | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.fields: dict[str, list[str]] = {path: list(texts) for path, texts in (fields or {}).items()}


class Failed(DomainError):
    """Something failed on our side; what, stands in the log under `error_id`, which the answer carries as `errorId`."""

    code, status = "INTERNAL", 500

    def __init__(self, error_id: str) -> None:
        super().__init__(f"Something failed on our side; error {error_id}.")
        self.error_id = error_id


class BadRequest(DomainError):
    """What was sent cannot be read: bad JSON; an unknown, missing or wrongly typed field."""

    code, status = "BAD_REQUEST", 400


class Unauthenticated(DomainError):
    """No credentials, or credentials that are not valid."""

    code, status = "UNAUTHENTICATED", 401


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code, status = "FORBIDDEN", 403


class NotFound(DomainError):
    """There is no such thing for this tenant."""

    code, status = "NOT_FOUND", 404


class Conflict(DomainError):
    """The request conflicts with what is there."""

    code, status = "CONFLICT", 409


class TooLarge(DomainError):
    """The body is larger than the limit."""

    code, status = "PAYLOAD_TOO_LARGE", 413


class Unprocessable(DomainError):
    """It reads well and cannot be: a broken zone, a bad config, a cap."""

    code, status = "UNPROCESSABLE", 422


class Busy(DomainError):
    """There is no room for it just now; the same may go through after `wait` seconds."""

    code, status = "BUSY", 429

    def __init__(self, message: str, *, wait: int) -> None:
        super().__init__(message)
        self.wait = wait
