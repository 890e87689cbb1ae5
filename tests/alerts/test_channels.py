"""Legacy targets make destinations: only for those who may make one, and one only, however many ask at once."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from alerts.models import AlertRule
from alerts.services.channels import resolve_channels
from kaireon.platform.notifications.models import Destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from tests.people import Person
from tests.platform.together import run_together

NEW_TARGET = {"type": "email", "target": "anybody@elsewhere.example"}
BODY = {"name": "Low acceptance", "metric": "acceptance_rate", "operator": "lt", "threshold": 0.02}


def save(client: APIClient) -> int:
    """Save a rule that tells the new target, and return the status."""
    return client.post("/api/v1/alerts", {**BODY, "channels": [NEW_TARGET]}, format="json").status_code


def destinations_of(tenant: Tenant) -> int:
    """Return how many destinations there are."""
    return Destination.objects.for_tenant(tenant).count()


def test_an_editor_makes_no_destination_by_naming_a_new_target(eve: Person) -> None:
    answer = eve.api().post("/api/v1/alerts", {**BODY, "channels": [NEW_TARGET]}, format="json")

    assert answer.status_code == 403
    assert set(answer.json()["error"]["fields"]) == {"channels[0].target"}
    assert destinations_of(eve.tenant) == 0
    assert not AlertRule.objects.for_tenant(eve.tenant).exists()


def test_an_editor_does_not_change_a_rule_to_tell_a_new_target(alice: Person, eve: Person) -> None:
    rule = alice.api().post("/api/v1/alerts", {**BODY, "channels": []}, format="json").json()

    answer = eve.api().put(f"/api/v1/alerts/{rule['id']}", {"channels": [NEW_TARGET]}, format="json")

    assert answer.status_code == 403
    assert destinations_of(eve.tenant) == 0


def test_an_editor_may_name_a_target_that_an_admin_made(alice: Person, eve: Person) -> None:
    assert save(alice.api()) == 201

    assert save(eve.api()) == 201
    assert destinations_of(eve.tenant) == 1


def test_an_admins_key_for_alerts_alone_makes_no_destination(alice: Person) -> None:
    _, key = create_api_key(
        tenant=alice.tenant, name="CI", role=Role.ADMIN, scopes=["alerts:write"], actor=SYSTEM, now=timezone.now()
    )
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)

    assert save(client) == 403
    assert destinations_of(alice.tenant) == 0


@pytest.mark.django_db(transaction=True)
def test_rules_saved_at_once_for_one_new_target_share_its_destination(acme: Tenant) -> None:
    found: list[object] = []

    def resolve() -> None:
        found.extend(
            resolve_channels(tenant_id=acme.pk, channels=[NEW_TARGET], known=(), actor=SYSTEM, now=timezone.now())
        )

    run_together(*[resolve] * 4)

    assert len(found) == 4
    assert len(set(found)) == 1
    assert destinations_of(acme) == 1
