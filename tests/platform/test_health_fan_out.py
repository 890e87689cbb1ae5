"""Telling outside: which alerts become deliveries, and to whom."""

from typing import Any

import pytest
from django.db import transaction

from kaireon.platform.health.decisions import Severity
from kaireon.platform.health.services import (
    raise_many,
)
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.tenancy.models import Tenant
from tests.people import Person
from tests.platform.health_world import NOW, alerts_of, destination, problem


def deliveries_of(tenant: Tenant) -> list[Delivery]:
    return list(Delivery.objects.for_tenant(tenant).order_by("provider_name"))


def test_an_error_goes_to_the_destinations_of_people(acme: Tenant) -> None:
    for kind in ("slack", "teams", "ops_email", "webhook"):
        destination(acme, kind, name=kind)

    alert_id = raise_many([problem(acme, severity=Severity.ERROR)], now=NOW)[0]

    rows = deliveries_of(acme)
    assert [row.provider_kind for row in rows] == ["ops_email", "slack", "teams"]
    assert {row.state for row in rows} == {"pending"}
    assert rows[0].message["severity"] == "error"
    assert rows[0].message["link"].endswith("/data/flow-runs")
    assert rows[0].message["link"].startswith("http")
    assert rows[0].message["data"]["systemHealthAlertId"] == str(alert_id)


@pytest.mark.parametrize(
    "deviation",
    [
        {"severity": Severity.WARNING},
        {"severity": Severity.INFO},
        {"severity": Severity.CRITICAL, "fan_out": False},
    ],
)
def test_what_is_harmless_or_was_told_already_stays_inside(acme: Tenant, deviation: Any) -> None:
    destination(acme)

    raise_many([problem(acme, **deviation)], now=NOW)

    assert deliveries_of(acme) == []


def test_what_is_for_one_person_stays_inside(alice: Person) -> None:
    destination(alice.tenant)

    raise_many([problem(alice.tenant, severity=Severity.CRITICAL, user_id=alice.user.pk)], now=NOW)

    assert deliveries_of(alice.tenant) == []


def test_a_destination_hears_of_a_problem_once_for_each_severity(acme: Tenant) -> None:
    destination(acme)

    for severity in (Severity.ERROR, Severity.ERROR, Severity.CRITICAL, Severity.ERROR, Severity.CRITICAL):
        raise_many([problem(acme, severity=severity, dedupe_key="k")], now=NOW)

    assert sorted(row.message["severity"] for row in deliveries_of(acme)) == ["critical", "error"]


def test_one_that_is_off_broken_or_named_is_left_out(acme: Tenant) -> None:
    destination(acme, name="off", enabled=False)
    named, broken = destination(acme, name="named"), destination(acme, name="broken")
    destination(acme, name="fine")
    Destination.objects.for_tenant(acme).filter(pk=broken.pk).update(state="broken")

    raise_many([problem(acme, severity=Severity.ERROR, not_through=[named.pk])], now=NOW)

    assert [row.provider_name for row in deliveries_of(acme)] == ["fine"]


def test_another_tenants_destinations_hear_nothing(acme: Tenant, globex: Tenant) -> None:
    destination(globex)

    raise_many([problem(acme, severity=Severity.CRITICAL)], now=NOW)

    assert deliveries_of(globex) == []


def test_the_deliveries_vanish_with_the_alert_that_was_rolled_back(acme: Tenant) -> None:
    destination(acme)

    with transaction.atomic():
        raise_many([problem(acme, severity=Severity.ERROR)], now=NOW)
        transaction.set_rollback(True)

    assert deliveries_of(acme) == []
    assert alerts_of(acme) == []
