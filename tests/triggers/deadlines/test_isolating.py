"""A deadline that cannot be ruled on stops no other, and gives way to the others for a minute."""

from datetime import timedelta
from pathlib import Path

import pytest

from flows.models import Pipeline
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.triggers.files.poison import refuse_fires
from tests.triggers.files.world import MINUTE, NOW, trigger_ir, trigger_of, watching
from triggers.models import FileTrigger, WatchedFolder
from triggers.services.deadlines import check_deadlines, count_passed

pytestmark = pytest.mark.django_db
DUE = NOW + timedelta(minutes=60)


def two(tenant: Tenant) -> tuple[Pipeline, Pipeline]:
    """Make two pipelines that expect a file within an hour; the first one's time comes first."""
    ends = {"windowMinutes": 60, "onMiss": "alert"}
    first, second = (watching(tenant, name, trigger_ir(mask=f"{name}*.csv", deadline=ends)) for name in ("a", "b"))
    FileTrigger.objects.across_tenants().filter(pipeline=first).update(deadline_at=DUE - MINUTE)
    WatchedFolder.objects.across_tenants().update(looked_at=DUE)
    return first, second


def test_one_that_the_database_refuses_stops_no_other(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme)
    refuse_fires(poisoned, "deadline_missed")

    lines = check_deadlines(now=DUE, budget=Budget(50))

    assert [line.pipeline_id for line in lines] == [healthy.pk]
    assert (trigger_of(poisoned).missed_anchor, trigger_of(healthy).missed_anchor) == (None, NOW)


def test_one_whose_row_is_of_another_release_stops_no_other(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme)
    FileTrigger.objects.across_tenants().filter(pipeline=poisoned).update(pattern=["older"])

    lines = check_deadlines(now=DUE, budget=Budget(50))

    assert [line.pipeline_id for line in lines] == [healthy.pk]


def test_one_that_fails_does_not_stand_before_the_others_for_ever(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme)
    refuse_fires(poisoned, "deadline_missed")

    lines = [check_deadlines(now=DUE, budget=Budget(50), limit=1) for _ in range(2)]

    assert [[line.pipeline_id for line in each] for each in lines] == [[], [healthy.pk]]
    assert (trigger_of(poisoned).deadline_at, count_passed(now=DUE)) == (DUE + MINUTE, 0)
