"""Fill a tenant with an invented history, so that charts and rules have something to show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from interactions.decisions.demo import CHANNELS, OFFERS, Anomaly, invent_days
from interactions.models import Channel, Creative, Offer
from interactions.services.loading import INTERACTIONS, TRACES, load_rows
from interactions.services.outcome_types import ensure_outcome_types
from kaireon.platform.errors import Unprocessable
from kaireon.platform.tenancy.models import Tenant

MAX_DAYS = 400
MAX_PER_DAY = 1_000_000


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was new: running the same seed for the same time again adds nothing."""

    interactions: int
    traces: int


def _no_progress(day: int, days: int) -> None:
    """Tell nobody."""


def generate_demo(
    *,
    tenant: Tenant,
    days: int,
    per_day: int,
    seed: int,
    now: datetime,
    anomaly: Anomaly | None = None,
    on_progress: Callable[[int, int], None] = _no_progress,
) -> DemoReport:
    """Write the catalogue and `days` of history up to `now`, `per_day` interactions each, one transaction per day.

    With an anomaly, suppression breaches the default alert rules at `now`. Raises Unprocessable for numbers out of
    bounds.
    """
    if not 1 <= days <= MAX_DAYS or not 1 <= per_day <= MAX_PER_DAY:
        raise Unprocessable(f"days must be 1 to {MAX_DAYS} and per-day 1 to {MAX_PER_DAY}.")
    ensure_outcome_types(tenant=tenant, now=now)
    write_demo_catalogue(tenant=tenant)
    interactions = traces = 0
    for number, day in enumerate(invent_days(days=days, per_day=per_day, seed=seed, now=now, anomaly=anomaly), 1):
        traces += load_rows(tenant_id=tenant.pk, staging=TRACES, rows=day.traces)
        interactions += load_rows(tenant_id=tenant.pk, staging=INTERACTIONS, rows=day.interactions)
        on_progress(number, days)
    return DemoReport(interactions=interactions, traces=traces)


@transaction.atomic(durable=True)
def write_demo_catalogue(*, tenant: Tenant) -> None:
    """Create the demo's channels, offers and creatives, as far as they are missing."""
    Channel.objects.bulk_create(
        [Channel(tenant=tenant, key=key, name=name) for key, name in CHANNELS], ignore_conflicts=True
    )
    offers = [Offer(tenant=tenant, key=key, name=name, category=category) for key, name, category, _ in OFFERS]
    Offer.objects.bulk_create(offers, ignore_conflicts=True)
    creatives = [
        Creative(
            tenant=tenant, key=f"{offer.key}-{channel.key}", name=f"{offer.name} · {channel.name}",
            offer=offer, channel=channel,
        )
        for offer in Offer.objects.for_tenant(tenant).filter(key__in=[offer[0] for offer in OFFERS])
        for channel in Channel.objects.for_tenant(tenant).filter(key__in=[channel[0] for channel in CHANNELS])
    ]  # fmt: skip
    Creative.objects.bulk_create(creatives, ignore_conflicts=True)
