"""The one error envelope of the API, and the handler that fills it."""

import logging
from typing import Any

from django.core.exceptions import BadRequest as UnreadableRequest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from kaireon.platform.errors import Busy, DomainError, Failed
from kaireon.platform.ids import new_id

logger = logging.getLogger(__name__)

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
# One request may hold a hundred thousand wrong fields; the answer names the first of them, each in short.
MOST_FIELDS, MOST_TEXTS = 50, 5
LONGEST_NAME, LONGEST_TEXT, LONGEST_MESSAGE = 200, 300, 1000
UNREADABLE = (SuspiciousOperation, UnreadableRequest, UnreadablePostError)


def error_body(
    request: Any,
    status: int,
    message: str,
    *,
    code: str | None = None,
    fields: dict[str, list[str]] | None = None,
    error_id: str = "",
) -> dict[str, Any]:
    """Return the envelope; `fields` appears only when something is known about single fields, `errorId` with ours."""
    text = _printable(message, LONGEST_MESSAGE)
    error: dict[str, Any] = {"code": code or CODES.get(status, "ERROR"), "message": text, "status": status}
    if fields:
        error["fields"] = {
            _printable(path, LONGEST_NAME): [_printable(each, LONGEST_TEXT) for each in texts[:MOST_TEXTS]]
            for path, texts in list(fields.items())[:MOST_FIELDS]
        }
    if error_id:
        error["errorId"] = error_id
    error["requestId"] = getattr(request, "request_id", "")
    return {"error": error}


def _printable(text: str, most: int) -> str:
    # A field's name may hold half a surrogate pair, which no UTF-8 answer can carry.
    short = text if len(text) <= most else text[: most - 1] + "…"
    return short.encode("utf-8", "backslashreplace").decode()


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every exception of an API view in the envelope; the unforeseen gets an error id and a logged trace."""
    request = getattr(context.get("request"), "_request", None)
    set_rollback()
    if isinstance(error, Failed):
        return Response(error_body(request, error.status, error.message, error_id=error.error_id), status=error.status)
    if isinstance(error, DomainError):
        if error.status >= 500:
            logger.error("request failed", exc_info=error, extra={"event": "request.failed", "code": error.code})
        body = error_body(request, error.status, error.message, code=error.code, fields=error.fields)
        headers = {"Retry-After": str(error.wait)} if isinstance(error, Busy) else {}
        return Response(body, status=error.status, headers=headers)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _api_exception(request, error)
    if isinstance(error, UNREADABLE):
        return Response(unreadable_body(request, error), status=413 if isinstance(error, RequestDataTooBig) else 400)
    return _unforeseen(request, error)


def unreadable_body(request: Any, error: Exception) -> dict[str, Any]:
    """Return the envelope for a request that Django could not read: 413 when it was too big, else 400."""
    if isinstance(error, RequestDataTooBig):
        return error_body(request, 413, "The body is too large.")
    return error_body(request, 400, "The request cannot be read.")


def _api_exception(request: Any, error: exceptions.APIException) -> Response:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(int(getattr(error, "wait", None) or 0) + 1)
    if isinstance(error, exceptions.ValidationError):
        fields = flatten(error.detail)
        message = "; ".join(f"{path}: {texts[0]}" for path, texts in list(fields.items())[:5])
        body = error_body(request, 400, message, fields=fields)
    else:
        body = error_body(request, error.status_code, str(error.detail))
    return Response(body, status=error.status_code, headers=headers)


def _unforeseen(request: Any, error: Exception) -> Response:
    error_id = str(new_id())
    status = 503 if isinstance(error, OperationalError | InterfaceError) else 500
    logger.error("request failed", exc_info=error, extra={"event": "request.failed", "errorId": error_id})
    message = f"Something failed on our side; error {error_id}."
    return Response(error_body(request, status, message, error_id=error_id), status=status)


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten DRF's nested error detail to `{"config.headers[0]": ["…"]}`."""
    if isinstance(detail, dict):
        merged: dict[str, list[str]] = {}
        for key, inner in detail.items():
            is_own = key == api_settings.NON_FIELD_ERRORS_KEY
            merged |= flatten(inner, path if is_own else _join(path, key))
        return merged
    if isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        merged = {}
        for index, inner in enumerate(detail):
            merged |= flatten(inner, f"{path}[{index}]") if inner else {}
        return merged
    texts = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(text) for text in texts]}


def _join(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def json_error(request: HttpRequest, status: int, message: str) -> JsonResponse:
    """Return the envelope outside a DRF view: unknown routes, refused hosts, failures in a middleware."""
    return JsonResponse(error_body(request, status, message), status=status)
