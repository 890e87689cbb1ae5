"""Questions about dead letters: how many, which, and what a retry would meet. All of one tenant, all bounded."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from kaireon.platform.fields import read_uuid
from kaireon.platform.paging import Page, newest_first
from outbox.decisions.dead_letters import DepthAlert, depth_alert
from outbox.models import DeadCount, DeadLetter

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Depth:
    """How many dead letters a tenant has, by topic, largest first."""

    total: int
    by_topic: Mapping[str, int]

    @property
    def alert(self) -> DepthAlert:
        """Return how bad that is."""
        return depth_alert(self.total)


def dead_depth(tenant_id: uuid.UUID) -> Depth:
    """Return the kept counts: nobody counts millions."""
    rows = DeadCount.objects.for_tenant(tenant_id).filter(total__gt=0).order_by("-total", "topic")
    by_topic = dict(rows.values_list("topic", "total"))
    return Depth(sum(by_topic.values()), by_topic)


def depth_by_tenant(tenant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the depth of each tenant that was asked for, 0 included."""
    rows = DeadCount.objects.across_tenants().filter(tenant_id__in=tenant_ids).values("tenant_id")
    found = dict(rows.annotate(depth=Sum("total")).values_list("tenant_id", "depth"))
    return {tenant_id: found.get(tenant_id, 0) for tenant_id in tenant_ids}


def depth_by_slug() -> list[tuple[str, int]]:
    """Return the depth of every tenant that ever had a dead letter, by slug: for the scrape."""
    rows = DeadCount.objects.across_tenants().values("tenant__slug").annotate(depth=Sum("total"))
    return list(rows.order_by("tenant__slug").values_list("tenant__slug", "depth"))


def list_dead_letters(
    tenant_id: uuid.UUID, *, topic: str = "", reason: str = "", key: str = "", limit: int = PAGE_SIZE
) -> list[DeadLetter]:
    """Return the newest dead letters; topic, reason and key narrow them."""
    return list(_filtered(tenant_id, topic, reason, key).order_by("-failed_at", "-id")[:limit])


def dead_letters_page(
    tenant_id: uuid.UUID, *, after: str = "", topic: str = "", reason: str = "", key: str = "", limit: int = PAGE_SIZE
) -> Page[DeadLetter]:
    """Return one page for people, newest first; `after` is the page before's `next_key`."""
    rows = _filtered(tenant_id, topic, reason, key)
    return newest_first(rows, after=after, limit=limit, time_field="failed_at")


def find_dead_letter(tenant_id: uuid.UUID, text: str) -> DeadLetter | None:
    """Return the dead letter of this tenant with this event id, or None."""
    event_id = read_uuid(text)
    return DeadLetter.objects.for_tenant(tenant_id).filter(pk=event_id).first() if event_id else None


def count_by_reason(tenant_id: uuid.UUID) -> dict[str, int]:
    """Return how many dead letters there are for each reason; it reads them all: for pages, not for scrapes."""
    rows = DeadLetter.objects.for_tenant(tenant_id).values("reason").annotate(total=Count("id"))
    return dict(rows.order_by("reason").values_list("reason", "total"))


def _filtered(tenant_id: uuid.UUID, topic: str, reason: str, key: str) -> QuerySet[DeadLetter]:
    wanted = {name: value for name, value in (("topic", topic), ("reason", reason), ("key", key)) if value}
    rows: QuerySet[DeadLetter] = DeadLetter.objects.for_tenant(tenant_id).filter(**wanted)
    return rows


def unknown_ids(tenant_id: uuid.UUID, event_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the ids that are no event of the tenant: no dead letter, none that waits, and none published lately.

    An id that is on its way again, because somebody else was faster, is known.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN, {"tenant": tenant_id, "ids": list(event_ids)})
        return [row[0] for row in cursor.fetchall()]


_UNKNOWN: Final = """
SELECT asked.id FROM unnest(%(ids)s::uuid[]) AS asked (id)
WHERE NOT EXISTS (SELECT 1 FROM outbox_dead_letters AS d WHERE d.id = asked.id AND d.tenant_id = %(tenant)s)
  AND NOT EXISTS (SELECT 1 FROM outbox_events AS e WHERE e.id = asked.id AND e.tenant_id = %(tenant)s)
  AND NOT EXISTS (SELECT 1 FROM outbox_history AS h WHERE h.id = asked.id AND h.tenant_id = %(tenant)s)"""
