"""Writing to the audit chain, also from several connections at once."""

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from kaireon.platform.audit.decisions import EMPTY, GENESIS, find_break
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.audit.selectors import link_of, verify_chain
from kaireon.platform.audit.services import Entry, record, record_many
from kaireon.platform.telemetry.decisions import MASK
from kaireon.platform.telemetry.services import bound_request_id
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from tests.people import make_tenant
from tests.platform.together import run_together

NOW = datetime(2026, 3, 1, 12, 0, 0, 654321, tzinfo=UTC)


def entry(tenant: Tenant, name: str = "Rule", **more: Any) -> Entry:
    return Entry(tenant.pk, SYSTEM, "update", "rule", "r1", name, **more)


def chain_of(tenant: Tenant) -> list[AuditEntry]:
    return list(AuditEntry.objects.for_tenant(tenant).order_by("sequence"))


def test_an_entry_says_who_did_what_in_which_request(acme: Tenant) -> None:
    actor = Actor(kind="user", name="alice@acme.example", role=Role.ADMIN, user_id=uuid.uuid4())

    with bound_request_id("req-42"):
        row = record(
            tenant_id=acme.pk, actor=actor, action="update", entity_type="rule", entity_id="r1", entity_name="Rule",
            before={"threshold": 0.1}, after={"threshold": 0.2}, entity_version=3, now=NOW,
        )  # fmt: skip

    row.refresh_from_db()
    assert (row.user_id, row.user_name, row.actor_kind) == (actor.user_id, "alice@acme.example", "user")
    assert (row.request_id, row.timestamp, row.entity_version) == ("req-42", NOW, 3)
    assert row.changes == {"threshold": {"from": 0.1, "to": 0.2}}
    assert row.prev_hash == GENESIS


def test_each_entry_continues_the_one_before_it(acme: Tenant) -> None:
    for number in range(4):
        record_many([entry(acme, f"Rule {number}")], now=NOW)

    rows = chain_of(acme)
    assert [row.sequence for row in rows] == [1, 2, 3, 4]
    assert [row.prev_hash for row in rows[1:]] == [row.integrity_hash for row in rows[:-1]]
    assert verify_chain(acme).first_break is None


def test_each_tenant_has_a_chain_of_its_own(acme: Tenant, globex: Tenant) -> None:
    record_many([entry(acme), entry(globex), entry(acme), entry(globex), entry(acme)], now=NOW)

    assert [row.sequence for row in chain_of(acme)] == [1, 2, 3]
    assert [row.sequence for row in chain_of(globex)] == [1, 2]
    assert verify_chain(acme).first_break is None
    assert verify_chain(globex).first_break is None


def test_many_entries_of_many_tenants_cost_three_statements(
    acme: Tenant, globex: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    entries = [entry(tenant, str(number)) for number in range(50) for tenant in (acme, globex)]

    with django_assert_num_queries(3):
        record_many(entries, now=NOW)


def test_nothing_to_record_costs_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert record_many([], now=NOW) == []


def test_credentials_are_masked_at_any_depth_and_the_change_is_still_told(acme: Tenant) -> None:
    before = {"name": "Ops", "config": {"webhookUrl": "https://hooks.slack.com/services/T0/B0/old"}, "password": "old"}
    after = {"name": "Ops", "config": {"webhookUrl": "https://hooks.slack.com/services/T0/B0/new"}, "password": "new"}

    record_many([entry(acme, before=before, after=after)], now=NOW)

    row = chain_of(acme)[0]
    assert row.after == {"name": "Ops", "config": {"webhookUrl": MASK}, "password": MASK}
    assert row.changes == {
        "config": {"from": {"webhookUrl": MASK}, "to": {"webhookUrl": MASK}},
        "password": {"from": MASK, "to": MASK},
    }
    assert not any(secret in str(vars(row)) for secret in ("old", "new", "hooks"))


def test_recording_outside_a_transaction_is_refused(transactional_db: None) -> None:
    tenant = make_tenant("Acme")

    with pytest.raises(RuntimeError, match="outside a transaction"):
        record_many([entry(tenant)], now=NOW)


def test_an_entry_vanishes_with_the_change_that_was_rolled_back(acme: Tenant) -> None:
    with transaction.atomic():
        record_many([entry(acme)], now=NOW)
        transaction.set_rollback(True)

    assert chain_of(acme) == []


def test_the_database_itself_refuses_a_fork(acme: Tenant) -> None:
    row = record_many([entry(acme)], now=NOW)[0]

    with pytest.raises(IntegrityError, match="audit_chain_never_forks"), transaction.atomic():
        AuditEntry.objects.create(
            tenant=acme, sequence=2, action="x", entity_type="x", entity_id="x", actor_kind="system", user_name="x",
            prev_hash=row.prev_hash, integrity_hash="0" * 64, timestamp=NOW,
        )  # fmt: skip


def test_verify_names_the_first_broken_entry(acme: Tenant) -> None:
    rows = record_many([entry(acme, f"Rule {number}") for number in range(6)], now=NOW)
    AuditEntry.objects.for_tenant(acme).filter(sequence__in=[3, 5]).update(user_name="nobody")

    found = verify_chain(acme)

    assert found.first_break is not None
    assert (found.first_break.entry_id, found.first_break.sequence) == (rows[2].pk, 3)
    assert (found.checked, found.head.sequence) == (2, 2)


@pytest.mark.parametrize("gone", [[1], [2, 3], [4]])
def test_verify_notices_removed_entries_wherever_a_call_ends(acme: Tenant, gone: list[int]) -> None:
    record_many([entry(acme, f"Rule {number}") for number in range(6)], now=NOW)
    AuditEntry.objects.for_tenant(acme).filter(sequence__in=gone).delete()

    for limit in range(1, 8):
        after: int | None = 0
        found = None
        while after is not None:
            found = verify_chain(acme, after=after, limit=limit)
            after = found.next_after

        assert found is not None
        assert found.first_break is not None, limit
        assert found.first_break.sequence == gone[-1] + 1


def test_a_long_chain_is_verified_in_several_calls(acme: Tenant) -> None:
    record_many([entry(acme, f"Rule {number}") for number in range(7)], now=NOW)

    first = verify_chain(acme, limit=3)
    second = verify_chain(acme, after=first.next_after or 0, limit=3)
    third = verify_chain(acme, after=second.next_after or 0, limit=3)

    assert [(found.checked, found.next_after) for found in (first, second, third)] == [(3, 3), (3, 6), (1, None)]
    assert third.head.integrity_hash == chain_of(acme)[-1].integrity_hash


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=json_values, after=json_values, name=st.text(max_size=400))
def test_any_value_survives_the_database_with_its_hash(acme: Tenant, before: Any, after: Any, name: str) -> None:
    with transaction.atomic():
        record_many([entry(acme, name, before=before, after=after)], now=NOW)

        _, broken = find_break(EMPTY, [link_of(row) for row in chain_of(acme)])
        transaction.set_rollback(True)

    assert broken is None


def test_the_chain_never_forks_when_connections_record_at_once(transactional_db: None) -> None:
    acme, globex = make_tenant("Acme"), make_tenant("Globex")

    def record_in_one_order() -> None:
        for number in range(25):
            with transaction.atomic():
                record_many([entry(acme, f"one {number}"), entry(globex, f"one {number}")], now=NOW)

    def record_in_the_other_order() -> None:
        for number in range(25):
            with transaction.atomic():
                record_many([entry(globex, f"two {number}"), entry(acme, f"two {number}")], now=NOW)

    run_together(record_in_one_order, record_in_the_other_order, record_in_one_order)

    for tenant in (acme, globex):
        assert [row.sequence for row in chain_of(tenant)] == list(range(1, 76))
        assert verify_chain(tenant).first_break is None


def test_a_second_writer_waits_for_the_first_ones_commit_and_continues_it(transactional_db: None) -> None:
    acme = make_tenant("Acme")
    has_recorded, may_commit = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            record_many([entry(acme, "first")], now=NOW)
            has_recorded.set()
            assert may_commit.wait(timeout=10)

    def second() -> None:
        assert has_recorded.wait(timeout=10)
        with transaction.atomic():
            record_many([entry(acme, "second")], now=NOW)

    def referee() -> None:
        assert has_recorded.wait(timeout=10)
        wait_until_somebody_waits_for_a_lock()
        may_commit.set()

    run_together(first, second, referee)

    assert [row.entity_name for row in chain_of(acme)] == ["first", "second"]
    assert verify_chain(acme).first_break is None


def wait_until_somebody_waits_for_a_lock() -> None:
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits for the chain's lock")
