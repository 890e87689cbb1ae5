"""The demo tenant of a development machine: history, a destination, a report, a pipeline with a file, and two rules.

One of the rules has fired, the other is about to.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from alerts.services import create_rule, run_tick
from interactions.decisions.recordings import read_decision, read_interaction
from interactions.services import Anomaly, generate_demo, record_decision, record_interaction
from kaireon.demo_flows import add_pipeline
from kaireon.environment import ADMIN_PASSWORD, DEMO_API_KEY
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.selectors import find_live_key, find_tenant, members_with_role
from kaireon.platform.tenancy.services import create_api_key, create_tenant, create_user
from outbox.decisions.events import MAX_PAYLOAD_BYTES
from reports.services import create_report

SLUG = "demo"
DAYS, PER_DAY, SEED = 15, 2000, 7
SUPPRESSION_RULE: dict[str, Any] = {
    "name": "Too many offers suppressed",
    "metric": "suppression_rate",
    "operator": "gte",
    "threshold": 0.5,
    "window_minutes": 60,
}
ACCEPTANCE_RULE: dict[str, Any] = {
    "name": "Acceptance rate below target",
    "metric": "acceptance_rate",
    "operator": "lt",
    "threshold": 0.3,
    "window_minutes": 1440,
}
WEEKLY_REPORT: Final[Mapping[str, Any]] = {
    "name": "Weekly performance",
    "description": "Which offers and channels people took up in the last seven days.",
    "data_sources": [
        {"sourceKey": "offer_performance", "params": {"days": 7}},
        {"sourceKey": "channel_effectiveness", "params": {"days": 7}},
        {"sourceKey": "daily_trend", "params": {"days": 7}},
    ],
    "formats": ["pdf", "csv"],
}
EVERY_MORNING: Final[Mapping[str, Any]] = {
    "name": "Every morning",
    "cron_expression": "0 8 * * *",
    "timezone": "Europe/Berlin",
}
# Who came by last: the customer, the offer shown, and what they did, each with the seconds since the decision.
VISITS: Final[Sequence[tuple[str, str, Mapping[str, int]]]] = (
    ("customer-00042", "gold-card", {"impression": 2, "click": 14, "accept": 31, "convert": 55}),
    ("customer-00107", "savings-plus", {"impression": 1, "dismiss": 9}),
    ("customer-00365", "travel-cover", {"impression": 2}),
)
CONVERSION_VALUE: Final = 75.0


@dataclass(frozen=True, slots=True)
class DemoSeed:
    """What seeding did."""

    is_new: bool
    tenant: Tenant


def seed_demo(*, now: datetime) -> DemoSeed:
    """Make the demo tenant once; on later starts only make sure that the admin and the printed key work.

    The admin's password and the key come from the data folder. An existing admin keeps their password.
    """
    tenant = find_tenant(SLUG)
    is_new = tenant is None
    if tenant is None:
        tenant = create_tenant(name="Demo Bank", slug=SLUG, now=now)
    _ensure_access(tenant, now)
    if is_new:
        _fill(tenant, now)
    return DemoSeed(is_new=is_new, tenant=tenant)


def _ensure_access(tenant: Tenant, now: datetime) -> None:
    password, key = os.environ.get(ADMIN_PASSWORD, ""), os.environ.get(DEMO_API_KEY, "")
    if password and not User.objects.filter(email=settings.DEMO_ADMIN_EMAIL).exists():
        create_user(email=settings.DEMO_ADMIN_EMAIL, password=password, tenant=tenant, role=Role.ADMIN, now=now)
    if key and find_live_key(key, now) is None:
        create_api_key(tenant=tenant, name="make run", role=Role.ADMIN, actor=SYSTEM, key=key, now=now)


def _fill(tenant: Tenant, now: datetime) -> None:
    generate_demo(tenant=tenant, days=DAYS, per_day=PER_DAY, seed=SEED, now=now, anomaly=Anomaly())
    mail = create_destination(
        tenant_id=tenant.pk, kind="ops_email", name="Operations mail", enabled=True, actor=SYSTEM, now=now,
        config={"fromEmail": "alerts@example.com", "recipients": ["operations@example.com"]},
    )  # fmt: skip
    record_visits(tenant=tenant, now=now)
    channels = [str(mail.pk)]
    create_rule(tenant=tenant, values={**SUPPRESSION_RULE, "channels": channels}, actor=SYSTEM, now=now)
    run_tick(now=now, budget=Budget(20), tenant_id=tenant.pk)
    # Made after that tick: this one fires at the newcomer's first.
    create_rule(tenant=tenant, values={**ACCEPTANCE_RULE, "channels": channels}, actor=SYSTEM, now=now)
    add_report(tenant=tenant, destination_id=mail.pk, now=now)
    add_pipeline(tenant=tenant, now=now)


def add_report(*, tenant: Tenant, destination_id: uuid.UUID, now: datetime) -> None:
    """Make the report that a newcomer finds, owned by the admin: every morning, and at any time by Run now."""
    owner = next(iter(members_with_role(tenant.pk, Role.ADMIN)), None)
    to = {"destination_ids": [destination_id]}
    create_report(
        tenant=tenant, template={**WEEKLY_REPORT, **to, "owner_id": owner and owner.pk},
        schedule={**EVERY_MORNING, **to}, actor=SYSTEM, now=now,
    )  # fmt: skip


def record_visits(*, tenant: Tenant, now: datetime) -> None:
    """Record a few visits of the last minutes as an engine would: each with its event, for the publisher to take.

    The history that `generate_demo` imports has none: what happened long ago is told to nobody.
    """
    for number, (customer, offer, doings) in enumerate(VISITS):
        at = now - timedelta(minutes=len(VISITS) - number)
        _decide(tenant, customer, offer, at, now)
        for outcome, seconds in doings.items():
            _respond(tenant, customer, offer, outcome, at + timedelta(seconds=seconds), now)


def _decide(tenant: Tenant, customer: str, offer: str, at: datetime, now: datetime) -> None:
    body = {
        "customerId": customer, "idempotencyKey": f"visit:{customer}:decision", "recommendationId": f"visit:{customer}",
        "channelId": "web", "placementId": "web-main", "totalLatencyMs": 38.5, "timestamp": at.isoformat(),
        "counts": {"afterQualification": 8, "afterContactPolicy": 1, "finalCount": 1},
        "selected": [{"offerId": offer, "creativeId": f"{offer}-web", "rank": 1, "score": 0.81}],
    }  # fmt: skip
    record_decision(tenant_id=tenant.pk, key=None, new=read_decision(body, header_key=None, now=now), now=now)


def _respond(tenant: Tenant, customer: str, offer: str, outcome: str, at: datetime, now: datetime) -> None:
    body: dict[str, Any] = {
        "customerId": customer, "outcome": outcome, "idempotencyKey": f"visit:{customer}:{outcome}",
        "recommendationId": f"visit:{customer}", "rank": 1, "creativeId": f"{offer}-web", "placementId": "web-main",
        "timestamp": at.isoformat(),
    }  # fmt: skip
    if outcome == "convert":
        body["conversionValue"] = CONVERSION_VALUE
    new = read_interaction(body, header_key=None, most_bytes=MAX_PAYLOAD_BYTES, now=now)
    record_interaction(tenant_id=tenant.pk, key=None, new=new, now=now)
