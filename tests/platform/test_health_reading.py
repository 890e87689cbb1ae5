"""Reading, pinning, deleting and purging."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Forbidden
from kaireon.platform.health.decisions import Severity
from kaireon.platform.health.models import ReadReceipt, SystemHealthAlert
from kaireon.platform.health.selectors import newest_alerts, open_alerts, unread_count, visible_alerts
from kaireon.platform.health.services import (
    delete_alert,
    mark_all_read,
    mark_read,
    pin_alert,
    purge_alerts,
    raise_alert,
    raise_many,
    resolve,
)
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from tests.people import Person
from tests.platform.health_world import LATER, NOW, actor_of, alerts_of, problem


def test_a_receipt_belongs_to_one_person(alice: Person, bob: Person) -> None:
    raise_many([problem(alice.tenant), problem(alice.tenant)], now=NOW)

    mark_read(alert=alerts_of(alice.tenant)[0], actor=actor_of(alice), now=NOW)

    assert unread_count(alice.tenant, alice.user.pk) == 1
    assert unread_count(alice.tenant, bob.user.pk) == 2
    assert unread_count(alice.tenant, None) == 2


def test_reading_twice_is_reading_once(alice: Person) -> None:
    raise_many([problem(alice.tenant)], now=NOW)

    for _ in range(2):
        mark_read(alert=alerts_of(alice.tenant)[0], actor=actor_of(alice), now=NOW)

    assert ReadReceipt.objects.count() == 1


def test_everything_is_read_at_once_and_only_what_the_person_sees(alice: Person, bob: Person, charlie: Person) -> None:
    mine, theirs = problem(alice.tenant), problem(alice.tenant, user_id=bob.user.pk)
    raise_many([mine, mine, theirs, problem(charlie.tenant)], now=NOW)

    counts = [mark_all_read(tenant=alice.tenant, actor=actor_of(alice), now=NOW) for _ in range(2)]

    assert counts == [2, 0]
    assert unread_count(alice.tenant, bob.user.pk) == 3
    assert unread_count(charlie.tenant, charlie.user.pk) == 1


def test_an_api_key_reads_for_nobody(alice: Person) -> None:
    raise_many([problem(alice.tenant)], now=NOW)
    key = Actor(kind="api_key", name="ci", role=Role.ADMIN, api_key_id=uuid.uuid4())

    with pytest.raises(Forbidden):
        mark_read(alert=alerts_of(alice.tenant)[0], actor=key, now=NOW)
    with pytest.raises(Forbidden):
        mark_all_read(tenant=alice.tenant, actor=key, now=NOW)


def test_what_got_worse_is_unread_again_and_what_repeats_is_not(alice: Person) -> None:
    raise_many([problem(alice.tenant, dedupe_key="k")], now=NOW)
    mark_read(alert=alerts_of(alice.tenant)[0], actor=actor_of(alice), now=NOW)

    raise_many([problem(alice.tenant, dedupe_key="k")], now=LATER)
    after_repeat = unread_count(alice.tenant, alice.user.pk)
    raise_many([problem(alice.tenant, dedupe_key="k", severity=Severity.ERROR)], now=LATER)

    assert (after_repeat, unread_count(alice.tenant, alice.user.pk)) == (0, 1)


def test_what_is_for_one_person_is_seen_by_that_person_alone(alice: Person, bob: Person) -> None:
    raise_many([problem(alice.tenant, user_id=bob.user.pk)], now=NOW)

    assert [visible_alerts(alice.tenant, who).count() for who in (bob.user.pk, alice.user.pk, None)] == [1, 0, 0]


def test_the_badge_stops_counting_at_a_hundred(alice: Person) -> None:
    raise_many([problem(alice.tenant) for _ in range(130)], now=NOW)

    assert unread_count(alice.tenant, alice.user.pk) == 100


def test_the_drawer_holds_the_twenty_newest(alice: Person) -> None:
    for minute in range(25):
        raise_many([problem(alice.tenant, title=str(minute))], now=NOW + timedelta(minutes=minute))

    assert [row.title for row in newest_alerts(alice.tenant, alice.user.pk)] == [str(n) for n in range(24, 4, -1)]


def test_open_ones_come_pinned_then_worst_then_newest(alice: Person) -> None:
    for title, severity in [("old", "warning"), ("new", "warning"), ("bad", "critical"), ("pinned", "info")]:
        raise_alert(
            tenant_id=alice.tenant.pk, severity=severity, source="system", title=title, fan_out=False,
            now=LATER if title == "new" else NOW,
        )  # fmt: skip
    pinned = SystemHealthAlert.objects.for_tenant(alice.tenant).get(title="pinned")
    pin_alert(alert=pinned, is_pinned=True, actor=actor_of(alice), now=NOW)

    rows = open_alerts(alice.tenant, alice.user.pk, limit=10)

    assert [row.title for row in rows] == ["pinned", "bad", "new", "old"]


def test_deleting_keeps_what_was_said_in_the_audit_log(alice: Person) -> None:
    raise_many([problem(alice.tenant)], now=NOW)

    delete_alert(alert=alerts_of(alice.tenant)[0], actor=actor_of(alice), now=NOW)

    assert alerts_of(alice.tenant) == []
    entry = AuditEntry.objects.for_tenant(alice.tenant).get(entity_type="system_health_alert")
    assert (entry.action, (entry.before or {})["title"]) == ("delete", "Pipeline source had no files")


def test_pinning_is_audited_when_it_changes_something(alice: Person) -> None:
    raise_many([problem(alice.tenant)], now=NOW)
    row = alerts_of(alice.tenant)[0]

    for is_pinned in (True, True, False):
        pin_alert(alert=row, is_pinned=is_pinned, actor=actor_of(alice), now=NOW)

    entries = AuditEntry.objects.for_tenant(alice.tenant).filter(entity_id=str(row.pk)).order_by("sequence")
    assert [entry.action for entry in entries] == ["pin", "unpin"]


@pytest.mark.parametrize(
    ("deviation", "age_days", "stays"),
    [
        ({"severity": Severity.WARNING}, 91, False),
        ({"severity": Severity.WARNING}, 89, True),
        ({"severity": Severity.CRITICAL}, 400, True),
        ({"severity": Severity.ERROR}, 91, True),
        ({"severity": Severity.ERROR, "dedupe_key": "gone"}, 91, False),
        ({"severity": Severity.INFO}, 91, False),
    ],
)
def test_old_ones_are_purged_and_what_matters_stays(
    acme: Tenant, deviation: dict[str, Any], age_days: int, stays: bool
) -> None:
    raise_many([problem(acme, **deviation)], now=NOW - timedelta(days=age_days))
    resolve(tenant_id=acme.pk, dedupe_key="gone", now=NOW)

    purge_alerts(now=NOW)

    assert bool(alerts_of(acme)) is stays


def test_a_pinned_one_is_never_purged_and_a_pass_is_bounded(alice: Person) -> None:
    raise_many([problem(alice.tenant) for _ in range(5)], now=NOW - timedelta(days=100))
    pin_alert(alert=alerts_of(alice.tenant)[0], is_pinned=True, actor=actor_of(alice), now=NOW)

    counts = [purge_alerts(now=NOW, limit=3) for _ in range(3)]

    assert counts == [3, 1, 0]
    assert len(alerts_of(alice.tenant)) == 1
