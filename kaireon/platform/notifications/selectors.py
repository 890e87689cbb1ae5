"""Questions about destinations and deliveries."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from kaireon.platform.errors import NotFound
from kaireon.platform.notifications.decisions import CAP_WINDOW, OPEN_STATES, State
from kaireon.platform.notifications.models import Delivery, DeliveryAttempt, Destination
from kaireon.platform.notifications.transports import TRANSPORTS
from kaireon.platform.tenancy.scoping import TenantQuerySet


@dataclass(frozen=True, slots=True)
class DestinationOverview:
    """A destination with the last delivery that was meant for it, if there was one."""

    destination: Destination
    last_delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a delivery stands; `waits_for` is what a follow-up must wait for while this one has not ended."""

    provider_id: uuid.UUID
    state: State
    waits_for: uuid.UUID | None
    provider_kind: str = ""
    provider_name: str = ""
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryStory:
    """A delivery with every attempt, what it was folded into or repeats, and what repeated it."""

    delivery: Delivery
    attempts: list[DeliveryAttempt]
    resends: list[Delivery]
    folded: list[Delivery]


def list_kinds() -> list[dict[str, str]]:
    """Return the kinds of destinations with the names that people read."""
    return [{"kind": transport.kind, "displayName": transport.display_name} for transport in TRANSPORTS.values()]


def find_destination(tenant_id: uuid.UUID, destination_id: uuid.UUID) -> Destination:
    """Return one destination of the tenant; raise NotFound."""
    row = Destination.objects.for_tenant(tenant_id).filter(pk=destination_id).first()
    if row is None:
        raise NotFound("There is no such destination for this tenant.")
    return row


def list_destinations(tenant_id: uuid.UUID) -> list[DestinationOverview]:
    """Return the tenant's destinations, newest first, each with its last delivery; two queries."""
    rows = list(Destination.objects.for_tenant(tenant_id).order_by("-created_at", "-pk"))
    last = last_deliveries(tenant_id, [row.pk for row in rows])
    return [DestinationOverview(row, last.get(row.pk)) for row in rows]


def last_deliveries(tenant_id: uuid.UUID, destination_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Delivery]:
    """Return the newest delivery of each destination, by walking the index once per destination."""
    statement = """
        SELECT newest.* FROM unnest(%s::uuid[]) AS wanted(id)
        CROSS JOIN LATERAL (
            SELECT * FROM notifications_delivery
            WHERE tenant_id = %s AND provider_id = wanted.id AND state <> 'digested'
            ORDER BY created_at DESC, id DESC LIMIT 1
        ) newest"""
    return {row.provider_id: row for row in Delivery.unscoped.raw(statement, [list(destination_ids), tenant_id])}


def list_deliveries(
    tenant_id: uuid.UUID,
    *,
    provider_id: uuid.UUID | None = None,
    state: str = "",
    event_type: str = "",
    since: datetime | None = None,
) -> TenantQuerySet[Delivery]:
    """Return the tenant's deliveries that match every filter given; the caller orders and pages them."""
    rows: TenantQuerySet[Delivery] = Delivery.objects.for_tenant(tenant_id)
    if provider_id is not None:
        rows = rows.filter(provider_id=provider_id)
    if state:
        rows = rows.filter(state=state)
    if event_type:
        rows = rows.filter(event_type=event_type)
    return rows if since is None else rows.filter(created_at__gte=since)


def find_delivery(tenant_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery:
    """Return one delivery of the tenant; raise NotFound."""
    row = Delivery.objects.for_tenant(tenant_id).filter(pk=delivery_id).first()
    if row is None:
        raise NotFound("There is no such delivery for this tenant.")
    return row


def delivery_story(tenant_id: uuid.UUID, delivery_id: uuid.UUID) -> DeliveryStory:
    """Return one delivery with its attempts and relations; raise NotFound."""
    delivery = find_delivery(tenant_id, delivery_id)
    mine = Delivery.objects.for_tenant(tenant_id)
    return DeliveryStory(
        delivery=delivery,
        attempts=list(DeliveryAttempt.objects.for_tenant(tenant_id).filter(delivery=delivery).order_by("number")),
        resends=list(mine.filter(resend_of=delivery).order_by("created_at", "pk")),
        folded=list(mine.filter(digest=delivery).order_by("created_at", "pk")),
    )


def delivery_standings(delivery_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Return how deliveries stand, for callers that decide by it: one query.

    What was folded into a digest stands as the digest does once that has ended, and is `digested` until then.
    """
    rows = Delivery.objects.across_tenants().filter(pk__in=set(delivery_ids))
    standings: dict[uuid.UUID, Standing] = {}
    columns = ("pk", "provider_id", "state", "digest__state", "provider_kind", "provider_name", "error", "attempts")
    for pk, provider_id, own, digest, kind, name, error, attempts in rows.values_list(*columns):
        is_over = own == State.DIGESTED and digest not in {None, *OPEN_STATES}
        state = State(digest) if is_over else State(own)
        waits_for = pk if state in OPEN_STATES or state is State.DIGESTED else None
        standings[pk] = Standing(provider_id, state, waits_for, kind, name, error, attempts)
    return standings


def newest_resends(delivery_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the newest delivery that repeats each of these, or repeats a repetition; others are left out."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    # Which of the deliveries asked for each of the rows of this round goes back to.
    origins = {each: each for each in delivery_ids}
    while origins:
        rows = Delivery.objects.across_tenants().filter(resend_of__in=origins).order_by("created_at", "pk")
        repeated = {original: pk for pk, original in rows.values_list("pk", "resend_of_id") if original is not None}
        found |= {origins[original]: pk for original, pk in repeated.items()}
        origins = {pk: origins[original] for original, pk in repeated.items()}
    return found


def destination_kinds(tenant_id: uuid.UUID, destination_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the kind of each destination that the tenant has."""
    rows = Destination.objects.for_tenant(tenant_id).filter(pk__in=destination_ids)
    return dict(rows.values_list("pk", "kind"))


def count_in_cap_window(tenant_ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, int]:
    """Return how many deliveries of the last hour count against each tenant's `notificationsPerHour`."""
    counted = (
        Delivery.objects.across_tenants()
        .filter(tenant_id__in=tenant_ids, created_at__gt=now - CAP_WINDOW)
        .exclude(state__in=[State.CAPPED, State.DIGESTED])
        .values_list("tenant_id")
        .annotate(count=Count("pk"))
    )
    return dict(counted)
