"""The wiring: what one subsystem registers with another works end to end."""

from django.utils import timezone

from alerts.models import AlertRule
from interactions.models import OutcomeType
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.guardrails import usage_of
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.services import create_tenant
from kaireon.wiring import connect
from tests.notifications.ledger import make_destination, open_one
from tests.servers import Receiver


def used(tenant: Tenant, cap: str) -> float | None:
    """Return what the guardrails page shows as used of a cap."""
    return next(usage.used for usage in usage_of(tenant) if usage.name == cap)


def test_a_new_tenant_gets_the_default_rules_and_outcome_types_once_however_often_it_is_wired(db: None) -> None:
    connect()
    connect()

    tenant = create_tenant(name="Initech", now=timezone.now())

    names = AlertRule.objects.for_tenant(tenant).values_list("metric", flat=True)
    assert sorted(names) == ["degraded_scoring_rate", "empty_candidate_rate", "error_rate", "suppression_rate"]
    assert OutcomeType.objects.for_tenant(tenant).filter(is_system=True).count() == 10
    assert used(tenant, "maxAlertRules") == 4


def test_messages_of_the_last_hour_count_against_the_cap_and_capped_ones_do_not(
    acme: Tenant, receiver: Receiver
) -> None:
    destination = make_destination(acme, receiver)
    open_one(destination, now=timezone.now())
    capped = open_one(destination, now=timezone.now())
    Delivery.objects.for_tenant(acme).filter(pk=capped.pk).update(state=State.CAPPED)

    assert used(acme, "notificationsPerHour") == 1
