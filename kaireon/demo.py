"""The demo tenant of a development machine: history, a destination, a rule that has fired, and one that is about to."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from alerts.services import create_rule, run_tick
from interactions.services import Anomaly, generate_demo
from kaireon.environment import ADMIN_PASSWORD, DEMO_API_KEY
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.selectors import find_live_key, find_tenant
from kaireon.platform.tenancy.services import create_api_key, create_tenant, create_user

SLUG = "demo"
DAYS, PER_DAY, SEED = 7, 2000, 7
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
    channels = [str(mail.pk)]
    create_rule(tenant=tenant, values={**SUPPRESSION_RULE, "channels": channels}, actor=SYSTEM, now=now)
    run_tick(now=now, budget=Budget(20), tenant_id=tenant.pk)
    # Made after that tick: this one fires at the newcomer's first.
    create_rule(tenant=tenant, values={**ACCEPTANCE_RULE, "channels": channels}, actor=SYSTEM, now=now)
