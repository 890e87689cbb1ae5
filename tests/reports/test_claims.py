"""Who makes a run: whose turn it is, who may go on, and what is given back."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.runs import LEASE
from reports.decisions.vocabulary import Stage
from reports.models import ReportRun
from reports.services import run_template
from reports.services.claims import Claim, Heart, LeaseLost, OutOfTime, claim_run, fence, release, renew
from tests.people import make_tenant
from tests.reports.runs_world import MINUTE, NOW, make_template, only_run

SECOND = timedelta(seconds=1)


def queue(tenant: Tenant, count: int = 1) -> list[uuid.UUID]:
    """Queue so many runs, a second apart, and return their ids."""
    template = make_template(tenant)
    return [
        run_template(
            tenant=tenant, template_id=template.pk, actor=SYSTEM, triggered_by="api", now=NOW + number * SECOND,
            wait_seconds=0,
        ).pk
        for number in range(count)
    ]  # fmt: skip


def claim(**options: object) -> Claim:
    """Claim a run that is there."""
    claimed = claim_run(now=NOW + MINUTE, **options)  # type: ignore[arg-type]
    assert claimed is not None
    return claimed


def test_the_oldest_run_comes_first(acme: Tenant) -> None:
    first, second = queue(acme, 2)

    assert [claim().run_id, claim().run_id] == [first, second]
    assert claim_run(now=NOW + MINUTE) is None


def test_a_claim_begins_the_run(acme: Tenant) -> None:
    queue(acme)

    claimed = claim()

    run = only_run(acme)
    assert (run.stage, run.attempts, run.claim_token) == ("querying", 1, claimed.token)
    assert (run.started_at, run.lease_until) == (NOW + MINUTE, NOW + MINUTE + LEASE)


def test_a_second_attempt_keeps_the_time_at_which_the_run_began(acme: Tenant) -> None:
    queue(acme)
    claim()

    again = claim_run(now=NOW + MINUTE + LEASE)

    assert again is not None
    assert (again.attempt, only_run(acme).started_at) == (2, NOW + MINUTE)


def test_tenants_take_turns(acme: Tenant, globex: Tenant) -> None:
    queue(acme, 5)
    queue(globex, 1)
    initech = make_tenant("Initech")
    queue(initech, 2)
    served: list[uuid.UUID] = []
    while claimed := claim_run(now=NOW + MINUTE, served=list(dict.fromkeys(reversed(served)))[::-1]):
        served.append(claimed.tenant_id)

    assert served[:3] == sorted(served[:3], key=[acme.pk, globex.pk, initech.pk].index)
    assert len(set(served[:3])) == 3
    assert served[3:5] == [acme.pk, initech.pk]
    assert served[5:] == [acme.pk] * 3


@pytest.mark.parametrize("name", ["tenant", "ids", "not-these"])
def test_a_claim_can_be_narrowed(acme: Tenant, globex: Tenant, name: str) -> None:
    (first,), (second,) = queue(acme), queue(globex)

    options: dict[str, object] = {
        "tenant": {"tenant_id": globex.pk}, "ids": {"run_ids": [second]}, "not-these": {"not_these": [first]}
    }  # fmt: skip
    assert claim(**options[name]).run_id == second  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "completed", "stage": "done"}, id="over"),
        pytest.param({"stage": "delivering"}, id="handed-over"),
        pytest.param({"attempts": 3}, id="begun-three-times"),
        pytest.param({"lease_until": NOW + MINUTE + LEASE}, id="leased"),
    ],
)
def test_what_may_not_begin_is_not_claimed(acme: Tenant, changes: dict[str, object]) -> None:
    queue(acme)
    ReportRun.objects.for_tenant(acme).update(**changes)

    assert claim_run(now=NOW + MINUTE) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"claim_token": uuid.UUID(int=1)}, id="taken-over"),
        pytest.param({"stage": "delivering"}, id="handed-over"),
        pytest.param({"status": "failed"}, id="ended"),
    ],
)
def test_who_lost_a_run_can_neither_go_on_nor_hand_over_nor_give_back(acme: Tenant, changes: dict[str, object]) -> None:
    queue(acme)
    lost = claim()
    ReportRun.objects.for_tenant(acme).update(**changes)
    before = ReportRun.objects.for_tenant(acme).values().get()

    with pytest.raises(LeaseLost):
        renew(lost, Stage.RENDERING, now=NOW)
    with pytest.raises(LeaseLost), transaction.atomic():
        fence(lost)
    release(lost, is_fault=True)

    assert ReportRun.objects.for_tenant(acme).values().get() == before


@pytest.mark.parametrize(("is_fault", "attempts"), [(True, 1), (False, 0)])
def test_what_is_given_back_waits_for_its_next_turn(acme: Tenant, is_fault: bool, attempts: int) -> None:
    queue(acme)

    release(claim(), is_fault=is_fault)

    run = only_run(acme)
    assert (run.stage, run.claim_token, run.lease_until, run.attempts) == ("queued", None, None, attempts)


def test_a_heart_renews_the_lease_and_says_how_far_the_run_is(acme: Tenant) -> None:
    queue(acme)
    heart = Heart(claim(), lambda: NOW + 2 * MINUTE)

    heart.beat(Stage.RENDERING)
    heart.beat()

    assert (only_run(acme).stage, only_run(acme).lease_until) == ("rendering", NOW + 2 * MINUTE + LEASE)


def test_a_heart_stops_when_nobody_waits_any_more(acme: Tenant) -> None:
    queue(acme)
    heart = Heart(claim(), lambda: NOW + 2 * MINUTE, ends_at=NOW + 2 * MINUTE)

    with pytest.raises(OutOfTime):
        heart.beat()

    assert only_run(acme).lease_until == NOW + MINUTE + LEASE
