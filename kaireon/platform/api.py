"""The base of every API view: tenant, actor, role, 404 for foreign ids, and cursor pages."""

import base64
import binascii
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kaireon.platform.errors import BadRequest, NotFound
from kaireon.platform.fields import StrictSerializer, read_uuid
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role

Row = TypeVar("Row", bound=Model)
DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class ApiView(APIView):
    """A view of one tenant's data; `scope` is the area in an API key's scopes, such as `alerts`."""

    scope = ""
    read_role = Role.VIEWER
    write_role = Role.EDITOR
    # A POST that only reads, for its question is too long for an address.
    only_reads = False

    def write_role_for(self, method: str | None) -> Role:
        """Return the role that a writing method needs; override where methods differ."""
        return self.write_role

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep answers, a new key among them, out of every cache."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.setdefault("Cache-Control", "no-store")
        return answer

    @property
    def tenant(self) -> Tenant:
        """Return the tenant of the caller; permissions have made sure that there is one."""
        tenant: Tenant = self.request._request.tenant  # type: ignore[attr-defined]
        return tenant

    @property
    def actor(self) -> Actor:
        """Return who calls."""
        actor: Actor = self.request._request.actor  # type: ignore[attr-defined]
        return actor

    def now(self) -> datetime:
        """Read the clock: the only place where a request does."""
        return timezone.now()

    def validated(self, serializer_class: type[StrictSerializer], *, partial: bool = False) -> dict[str, Any]:
        """Validate the body and return what it says in the services' names. Raises ValidationError (400)."""
        serializer = serializer_class(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def find(self, queryset: QuerySet[Row], row_id: Any) -> Row:
        """Return the row, which the query set has scoped to the tenant; raise NotFound for any other id."""
        row = queryset.filter(pk=parse_id(row_id)).first()
        if row is None:
            raise NotFound("There is no such object for this tenant.")
        return row


def parse_id(text: Any) -> uuid.UUID:
    """Return the UUID; raise NotFound for anything else: no row can have that id."""
    row_id = text if isinstance(text, uuid.UUID) else read_uuid(text)
    if row_id is None:
        raise NotFound("There is no such object for this tenant.")
    return row_id


def query_integer(request: Request, name: str, default: int, *, minimum: int = 0, maximum: int) -> int:
    """Return an integer query parameter; raise BadRequest that names it when it is none or out of bounds."""
    text = request.query_params.get(name, "")
    if text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and minimum <= int(text) <= maximum):
        limit = f"Must be a whole number from {minimum} to {maximum}."
        raise BadRequest(f"{name}: {limit}", fields={name: [limit]})
    return int(text)


def query_boolean(request: Request, name: str) -> bool:
    """Return a boolean query parameter (`true`, `1`, `false`, `0`); raise BadRequest for other words."""
    text = request.query_params.get(name, "").lower()
    if text not in {"", "true", "1", "false", "0"}:
        raise BadRequest(f"{name}: Must be true or false.", fields={name: ["Must be true or false."]})
    return text in {"true", "1"}


def query_id(request: Request, name: str) -> uuid.UUID | None:
    """Return a query parameter that is an id, or None when absent; raise BadRequest that names it for another text."""
    text = request.query_params.get(name, "")
    row_id = read_uuid(text)
    if text and row_id is None:
        raise BadRequest(f"{name}: Must be a UUID.", fields={name: ["Must be a UUID."]})
    return row_id


def query_time(request: Request, name: str) -> datetime | None:
    """Return an ISO 8601 query parameter with an offset, or None when absent; raise BadRequest otherwise."""
    text = request.query_params.get(name, "").replace(" ", "+")
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is None or not 1970 <= value.year <= 9000:
            raise ValueError
    except ValueError:
        rule = "Must be an ISO 8601 time with an offset, such as 2026-01-31T08:00:00Z."
        raise BadRequest(f"{name}: {rule}", fields={name: [rule]}) from None
    return value.astimezone(UTC)


def page_by_cursor(
    request: Request,
    queryset: QuerySet[Row],
    *,
    serialize: Callable[[Row], Any],
    time_field: str = "created_at",
    default_limit: int = DEFAULT_LIMIT,
    max_limit: int = MAX_LIMIT,
    count_up_to: int | None = None,
) -> Response:
    """Answer one page, newest first, by key and not by offset: `{"data": […], "pagination": {…}}`.

    The cursor holds the time and id of the last row shown; a cursor that is not ours is a BadRequest.
    `count_up_to` bounds what the total costs where there may be millions.
    """
    limit = query_integer(request, "limit", default_limit, minimum=1, maximum=max_limit)
    total = (queryset if count_up_to is None else queryset.order_by()[:count_up_to]).count()
    page = queryset.order_by(f"-{time_field}", "-pk")
    if cursor := request.query_params.get("cursor", ""):
        at, last_id = _read_cursor(cursor)
        # The first condition says nothing new, but an index can begin there instead of at the newest row.
        page = page.filter(Q(**{f"{time_field}__lt": at}) | Q(**{time_field: at, "pk__lt": last_id}))
        page = page.filter(**{f"{time_field}__lte": at})
    rows = list(page[: limit + 1])
    has_more = len(rows) > limit
    rows = rows[:limit]
    cursor_out = _write_cursor(getattr(rows[-1], time_field), rows[-1].pk) if has_more else None
    pagination = {"total": total, "limit": limit, "hasMore": has_more, "cursor": cursor_out}
    return Response({"data": [serialize(row) for row in rows], "pagination": pagination})


def _write_cursor(at: datetime, row_id: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(row_id)]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        text, row_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not 1970 <= at.year <= 9000:
            raise ValueError
        return at, uuid.UUID(row_id)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise BadRequest("cursor: not one of ours.", fields={"cursor": ["Not one of ours."]}) from None
