"""The error envelope: one shape for every failure, short whatever was sent, and never a body that cannot be encoded."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.http.request import UnreadablePostError
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from kaireon.platform import envelope
from kaireon.platform.errors import Busy, Conflict, DomainError, NotFound, Unprocessable
from kaireon.platform.vault.cipher import VaultError

pytestmark = pytest.mark.django_db
REQUEST = SimpleNamespace(_request=SimpleNamespace(request_id="req-1"))


def answer(error: Exception) -> Response:
    """Return what the API answers to an exception of a view."""
    response = envelope.exception_handler(error, {"request": REQUEST})
    assert response is not None
    return response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("gone"), 404, "NOT_FOUND"),
        (Conflict("taken"), 409, "CONFLICT"),
        (Unprocessable("no"), 422, "UNPROCESSABLE"),
        (Busy("later", wait=5), 429, "BUSY"),
        (DomainError("no"), 400, "DOMAIN_ERROR"),
        (NotFound("gone", code="NO_RULE"), 404, "NO_RULE"),
        (Http404(), 404, "NOT_FOUND"),
        (PermissionDenied(), 403, "FORBIDDEN"),
        (exceptions.NotAuthenticated(), 401, "UNAUTHENTICATED"),
        (exceptions.MethodNotAllowed("PUT"), 405, "METHOD_NOT_ALLOWED"),
        (exceptions.UnsupportedMediaType("text/xml"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (exceptions.NotAcceptable(), 406, "NOT_ACCEPTABLE"),
        (exceptions.Throttled(2.3), 429, "RATE_LIMITED"),
        (exceptions.ValidationError({"name": ["no"]}), 400, "BAD_REQUEST"),
        (SuspiciousOperation("odd"), 400, "BAD_REQUEST"),
        (UnreadablePostError("hung up"), 400, "BAD_REQUEST"),
        (RequestDataTooBig("big"), 413, "PAYLOAD_TOO_LARGE"),
        (OperationalError("away"), 503, "UNAVAILABLE"),
        (InterfaceError("closed"), 503, "UNAVAILABLE"),
        (RuntimeError("boom"), 500, "INTERNAL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_exception_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    response = answer(error)

    body = response.data["error"]
    assert response.status_code == body["status"] == status
    assert body["code"] == code
    assert body["message"]
    assert body["requestId"] == "req-1"


def test_what_was_not_foreseen_is_logged_with_its_trace_and_told_by_an_id_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        response = answer(RuntimeError("password=hunter2"))

    record: Any = caplog.records[-1]
    assert record.errorId in response.data["error"]["message"]
    assert record.exc_info
    assert "hunter2" not in json.dumps(response.data)


def test_a_failure_on_our_side_is_logged_though_it_has_a_message_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = answer(VaultError("The secret x was changed."))

    assert response.status_code == 500
    assert [record.getMessage() for record in caplog.records] == ["request failed"]


@pytest.mark.parametrize(("wait", "seconds"), [(None, "1"), (0.0, "1"), (0.2, "1"), (59.9, "60")])
def test_a_caller_that_is_too_fast_is_told_when_to_come_back(wait: float | None, seconds: str) -> None:
    error = exceptions.Throttled()
    error.wait = wait  # type: ignore[attr-defined]

    assert answer(error).headers["Retry-After"] == seconds


def test_missing_credentials_are_challenged() -> None:
    error = exceptions.NotAuthenticated()
    error.auth_header = "Bearer"  # type: ignore[attr-defined]

    assert answer(error).headers["WWW-Authenticate"] == "Bearer"


def test_a_rule_of_many_fields_names_the_first_and_stays_short() -> None:
    wrong = {f"field{number}": ["Unknown field."] for number in range(100_000)}

    body = answer(exceptions.ValidationError(wrong)).data["error"]

    assert len(body["fields"]) == envelope.MOST_FIELDS
    assert len(json.dumps(body)) < 10_000


def test_a_name_or_text_of_a_megabyte_is_not_echoed() -> None:
    huge = "x" * 1_000_000

    body = answer(Unprocessable(huge, fields={huge: [huge]})).data["error"]

    assert len(json.dumps(body)) < 5000
    assert body["message"].endswith("…")


def test_half_a_surrogate_pair_in_a_fields_name_can_be_answered() -> None:
    response = answer(Unprocessable("\ud800", fields={"\udfff": ["\ud83d"]}))

    rendered = json.loads(JSONRenderer().render(response.data))
    assert rendered["error"]["fields"] == {"\\udfff": ["\\ud83d"]}


def test_fields_are_left_out_when_nothing_is_known_about_them() -> None:
    assert "fields" not in answer(NotFound("gone")).data["error"]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"name": ["a", "b"]}, {"name": ["a", "b"]}),
        ({"config": {"headers": {"X-A": ["a"]}}}, {"config.headers.X-A": ["a"]}),
        ({"config": {"headers": [{}, {"name": ["a"]}]}}, {"config.headers[1].name": ["a"]}),
        ({"scopes": {0: ["a"], 2: ["b"]}}, {"scopes[0]": ["a"], "scopes[2]": ["b"]}),
        ({"non_field_errors": ["a"]}, {"body": ["a"]}),
        ({"config": {"non_field_errors": ["a"]}}, {"config": ["a"]}),
        (["a"], {"body": ["a"]}),
        ("a", {"body": ["a"]}),
    ],
)
def test_nested_details_become_paths(detail: Any, expected: dict[str, list[str]]) -> None:
    assert envelope.flatten(detail) == expected


def test_the_envelope_is_the_same_outside_a_view() -> None:
    request = RequestFactory().get("/api/nowhere")

    response = envelope.json_error(request, 404, "There is nothing here")

    assert json.loads(response.content) == {
        "error": {"code": "NOT_FOUND", "message": "There is nothing here", "status": 404, "requestId": ""}
    }


def test_who_meets_a_busy_server_is_told_when_to_come_again() -> None:
    assert answer(Busy("later", wait=5))["Retry-After"] == "5"
