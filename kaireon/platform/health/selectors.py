"""What is open, what somebody has not read, what is worst."""

import uuid
from datetime import datetime
from typing import Any, Final

from django.db.models import BooleanField, Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from kaireon.platform.health.decisions import BY_RANK
from kaireon.platform.health.models import ReadReceipt, SystemHealthAlert
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

DRAWER_LENGTH: Final = 20
COUNTED_UP_TO: Final = 100


def visible_alerts(tenant: Tenant | uuid.UUID, user_id: uuid.UUID | None) -> TenantQuerySet[Any]:
    """Return the alerts that a person may see, each with `is_read`; an API key (None) sees what is for everybody."""
    rows: TenantQuerySet[Any] = SystemHealthAlert.objects.for_tenant(tenant)
    if user_id is None:
        return rows.filter(user_id=None).annotate(is_read=Value(value=False, output_field=BooleanField()))
    receipt = ReadReceipt.objects.filter(alert_id=OuterRef("pk"), user_id=user_id)
    return rows.filter(Q(user_id=None) | Q(user_id=user_id)).annotate(is_read=Exists(receipt))


def newest_alerts(tenant: Tenant, user_id: uuid.UUID | None) -> list[Any]:
    """Return the drawer's content: the 20 newest, read and unread."""
    return list(visible_alerts(tenant, user_id).order_by("-created_at", "-pk")[:DRAWER_LENGTH])


def unread_count(tenant: Tenant | uuid.UUID, user_id: uuid.UUID | None) -> int:
    """Return how many alerts somebody has not read, counted up to 100: a badge says "99+" beyond that."""
    unread = visible_alerts(tenant, user_id).filter(is_read=False).order_by("-created_at", "-pk")
    return len(unread.values_list("pk")[:COUNTED_UP_TO])


def open_alerts(
    tenant: Tenant | uuid.UUID,
    user_id: uuid.UUID | None,
    *,
    limit: int,
    severities: list[str] | None = None,
    sources: list[str] | None = None,
) -> list[Any]:
    """Return what needs a person now: pinned first, then the worst, then the newest."""
    rank = Case(
        *(When(severity=severity.value, then=Value(severity.rank)) for severity in BY_RANK),
        default=Value(0),
        output_field=IntegerField(),
    )
    rows = filter_alerts(visible_alerts(tenant, user_id), severities=severities, sources=sources, state="open")
    return list(rows.annotate(rank=rank).order_by("-pinned", "-rank", "-last_raised_at", "-pk")[:limit])


def filter_alerts(
    rows: QuerySet[Any],
    *,
    unread_only: bool = False,
    since: datetime | None = None,
    severities: list[str] | None = None,
    sources: list[str] | None = None,
    state: str = "",
) -> QuerySet[Any]:
    """Return the rows that match every filter given; `state` is `open`, `resolved` or empty for both."""
    wanted = Q()
    if unread_only:
        wanted &= Q(is_read=False)
    if since is not None:
        wanted &= Q(created_at__gte=since)
    if severities:
        wanted &= Q(severity__in=severities)
    if sources:
        wanted &= Q(source__in=sources)
    if state:
        wanted &= Q(resolved_at__isnull=state == "open")
    return rows.filter(wanted)
