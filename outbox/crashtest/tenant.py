"""The crash test's rows: a tenant of its own, what is left of its events, and taking all of it away again."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadCount, DeadLetter, OutboxEvent, PublisherClaim, PublisherProcess

TOPIC: Final = "kaireon.crashtest."
_SLUG: Final = "crashtest-"
_REMNANT_AFTER: Final = timedelta(days=1)
_LIVE: Final = timedelta(seconds=30)
_IN_FLIGHT: Final = """
SELECT e.id::text FROM outbox_events AS e JOIN outbox_claims AS c ON c.token = e.claim_token
WHERE e.tenant_id = %s AND c.publisher = %s AND e.status = 'processing'"""


def make_tenant(run_id: str) -> Tenant:
    """Make the tenant, without what a real one is given: nothing but the outbox knows it."""
    name = _SLUG + run_id
    return Tenant.objects.create(name=name, slug=name, data_schema=f"t_{name.replace('-', '_')}")


def remove_tenant(tenant: Tenant, publishers: Collection[uuid.UUID]) -> None:
    """Delete the tenant with every row of it, and what its publishers left of themselves."""
    OutboxEvent.objects.for_tenant(tenant).delete()
    DeadLetter.objects.for_tenant(tenant).delete()
    DeadCount.objects.for_tenant(tenant).delete()
    PublisherClaim.objects.filter(pk__in=publishers).delete()
    PublisherProcess.objects.filter(pk__in=publishers).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_history WHERE tenant_id = %s", [tenant.pk])
    tenant.delete()


def remove_remnants(now: datetime) -> None:
    """Delete what tests left that were themselves killed a day ago or earlier: no test runs that long."""
    for tenant in Tenant.objects.filter(slug__startswith=_SLUG, created_at__lt=now - _REMNANT_AFTER):
        remove_tenant(tenant, [])


def in_flight(tenant: Tenant, publisher_id: uuid.UUID) -> frozenset[str]:
    """Return the ids of the tenant's events that a publisher holds."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_FLIGHT, [tenant.pk, publisher_id])
        return frozenset(event_id for (event_id,) in cursor.fetchall())


def rows_left(tenant: Tenant) -> set[str]:
    """Return the ids of events that still have a row: waiting, held, in flight or dead."""
    waiting = OutboxEvent.objects.for_tenant(tenant).values_list("pk", flat=True)
    return {str(pk) for pk in [*waiting, *DeadLetter.objects.for_tenant(tenant).values_list("pk", flat=True)]}


def count_waiting(tenant: Tenant) -> int:
    """Return how many events have not left yet."""
    return OutboxEvent.objects.for_tenant(tenant).count()


def count_leftovers(publishers: Collection[uuid.UUID]) -> int:
    """Return how many claims of dead publishers still name keys."""
    return PublisherClaim.objects.filter(pk__in=publishers, keys__len__gt=0).count()


def other_publishers(publishers: Collection[uuid.UUID], now: datetime) -> list[tuple[str, str]]:
    """Return name and back end of the publishers that live on this database beside the test's own."""
    living = PublisherProcess.objects.filter(heartbeat_at__gt=now - _LIVE).exclude(pk__in=publishers)
    return [(str(each).partition(" ")[0], each.backend) for each in living.order_by("host", "pid")]
