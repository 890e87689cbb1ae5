"""API views for hot paths: a call by key goes straight to the work, past DRF's request, parsers and renderers.

What DRF would do is done all the same, by the same functions: credentials, role and scope, rate, content type, bounded
JSON, the error envelope. A call by browser session takes DRF's own way.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework.exceptions import APIException, Throttled, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView
from kaireon.platform.envelope import UNREADABLE, exception_handler
from kaireon.platform.errors import BadRequest, Conflict, DomainError, Failed
from kaireon.platform.loops import READ_ONLY, sql_state
from kaireon.platform.parsers import parse_json
from kaireon.platform.tenancy.authentication import actor_of, require_live_key, sent_key
from kaireon.platform.tenancy.key_memory import KeyHasChanged, forget, recall, remember
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.permissions import require_permission
from kaireon.platform.throttling import PerCredentialThrottle

JSON = "application/json"
REFUSALS = (DomainError, APIException, DatabaseError, InterfaceError, *UNREADABLE)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: for whom, what was sent, and the key that the work itself must find unchanged (None by session)."""

    tenant_id: UUID
    key: ApiKey | None
    body: Any
    meta: Mapping[str, Any]
    now: datetime

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        return str(self.meta.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the work came to."""

    status: int
    body: dict[str, Any]


class DirectView(ApiView):
    """A view with `answer` for its POST."""

    throttle_classes = [PerCredentialThrottle]

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Do the work. Raise KeyHasChanged when its statement finds another key than `call.key`."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Go straight to the work with a key, DRF's way without."""
        text = sent_key(request) if request.method == "POST" else None
        if text is None:
            return super().dispatch(request, *args, **kwargs)
        try:
            response = self._by_key(request, text)
        except REFUSALS as error:
            response = _refused(request, error)
        response.headers["Cache-Control"] = "no-store"
        return response

    def by_session(self, request: Request) -> Response:
        """Do the work for a browser; what DRF checks has been checked."""
        answer = self.answer(Call(self.tenant.pk, None, request.data, request.META, self.now()))
        return Response(answer.body, status=answer.status)

    def _by_key(self, request: HttpRequest, text: str) -> HttpResponse:
        now = self.now()
        if key := recall(text, now):
            try:
                return self._answer_to(request, key, now)
            except KeyHasChanged:
                forget(text)
            except (DomainError, APIException) as refusal:
                # Too many calls cost no look at the database.
                if isinstance(refusal, Failed | Throttled) or not self._may_now_do_other(text, key, now):
                    raise
        key = _live_key(text, now)
        remember(text, key, now)
        try:
            return self._answer_to(request, key, now)
        except KeyHasChanged:
            # Within these milliseconds: revoked most likely, and if not the caller may ask again.
            forget(text)
            _live_key(text, self.now())
            raise Conflict("The API key was changed while it was used; try again.") from None

    def _may_now_do_other(self, text: str, known: ApiKey, now: datetime) -> bool:
        """Look again before a refusal: a key that was revoked since hears just that, whatever else was wrong.

        Tell whether role or scopes are other ones now, so that the refusal may be out of date.
        """
        forget(text)
        key = _live_key(text, now)
        remember(text, key, now)
        return (key.role, key.scopes) != (known.role, known.scopes)

    def _answer_to(self, request: HttpRequest, key: ApiKey, now: datetime) -> HttpResponse:
        require_permission(actor_of(key), self, "POST")
        throttle: Any = self.throttle_classes[0]()
        if not throttle.count(throttle.key_of(key)):
            raise Throttled(wait=throttle.wait())
        if request.content_type != JSON:
            raise UnsupportedMediaType(request.content_type or "")
        if not request.META.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" in request.META:
            # Django takes it for an empty one.
            raise BadRequest("A body in chunks is not read: send it with a Content-Length.")
        answer = self.answer(Call(key.tenant_id, key, parse_json(request.body), request.META, now))
        return HttpResponse(json.dumps(answer.body), status=answer.status, content_type=JSON)


def _live_key(text: str, now: datetime) -> ApiKey:
    """Return the key's row as `require_live_key` does; on a new connection where this one leads to a standby.

    In a transaction, which has the level of the settings: at a stricter one of the server's those who note the use of
    one key at a time fail each other.
    """
    try:
        with transaction.atomic():
            return require_live_key(text, now)
    except DatabaseError as error:
        if sql_state(error) != READ_ONLY or connection.in_atomic_block:
            raise
    connection.close()
    with transaction.atomic():
        return require_live_key(text, now)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The part of DRF's request that the exception handler asks for."""

    _request: HttpRequest


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    response = exception_handler(error, {"request": _Asked(request)})
    assert response is not None, "the handler answers every exception"
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    return JsonResponse(response.data, status=response.status_code, headers=headers)
