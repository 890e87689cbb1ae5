"""A lease in the middle of a step: renewed as long as its owner lives and the run is its own, and not for ever."""

import threading
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.runs import LEASE, SECONDS_TO_RENEW
from reports.models import ReportRun
from reports.services import running
from reports.services.claims import Claim, claim_run
from reports.services.pulse import Pulse
from reports.services.queueing import due_schedules, queue_due
from reports.services.running import WorkPass
from tests.chaos.processes import wait_until
from tests.people import make_tenant
from tests.reports.runs_world import MINUTE, NOW, Told, make_schedule, make_template, only_run

pytestmark = pytest.mark.django_db(transaction=True)
SOON = 0.01


@pytest.fixture
def acme() -> Tenant:
    """Return a tenant that other threads see."""
    return make_tenant("Acme")


@pytest.fixture
def claim(acme: Tenant, source: Told) -> Claim:
    """Queue a run and claim it."""
    make_schedule(make_template(acme))
    queue_due(schedule_ids=list(due_schedules(now=NOW, limit=1)), now=NOW)
    claimed = claim_run(now=NOW)
    assert claimed is not None
    return claimed


def test_a_maker_that_dies_is_replaced_by_the_tick_after() -> None:
    assert LEASE < MINUTE
    assert LEASE.total_seconds() > 4 * SECONDS_TO_RENEW


def test_a_lease_is_renewed_while_a_step_goes_on(acme: Tenant, claim: Claim) -> None:
    with Pulse(claim, lambda: NOW + MINUTE, every_seconds=SOON):
        wait_until(lambda: only_run(acme).lease_until == NOW + MINUTE + LEASE)

    assert only_run(acme).stage == "querying"


def test_a_query_that_outlasts_the_lease_keeps_its_run(
    acme: Tenant, source: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "Pulse", partial(Pulse, every_seconds=SOON))
    make_schedule(make_template(acme))
    queue_due(schedule_ids=list(due_schedules(now=NOW, limit=1)), now=NOW)
    now = [NOW]
    taken: list[Claim | None] = []

    def slow_query(number: int) -> None:
        now[0] = NOW + 10 * MINUTE
        other = threading.Thread(target=_wait_and_claim)
        other.start()
        other.join(20)

    def _wait_and_claim() -> None:
        try:
            wait_until(lambda: only_run(acme).lease_until == now[0] + LEASE)
            taken.append(claim_run(now=now[0]))
        finally:
            connection.close()

    source.act = slow_query
    worked = WorkPass(Budget(20), lambda: now[0]).execute()

    assert (taken, [each.is_made for each in worked], only_run(acme).attempts) == ([None], [True], 1)


def test_a_run_that_somebody_else_has_is_left_alone(acme: Tenant, claim: Claim) -> None:
    other = uuid.uuid4()
    ReportRun.objects.for_tenant(acme).update(claim_token=other, lease_until=NOW)
    pulse = Pulse(claim, lambda: NOW + MINUTE, every_seconds=SOON)

    with pulse:
        pulse._thread.join(20)

    assert (pulse._thread.is_alive(), only_run(acme).lease_until) == (False, NOW)


def test_a_run_without_an_end_is_given_up(acme: Tenant, claim: Claim) -> None:
    pulse = Pulse(claim, lambda: NOW + MINUTE, every_seconds=SOON, longest=timedelta(0))

    with pulse:
        pulse._thread.join(20)

    assert (pulse._thread.is_alive(), only_run(acme).lease_until) == (False, NOW + LEASE)


def test_a_step_that_takes_no_time_asks_the_database_nothing(acme: Tenant, claim: Claim) -> None:
    began = timezone.now()
    with Pulse(claim, lambda: NOW + MINUTE) as pulse:
        pass

    assert not pulse._thread.is_alive()
    assert (only_run(acme).lease_until, timezone.now() - began < MINUTE) == (NOW + LEASE, True)
