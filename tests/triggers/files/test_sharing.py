"""A shared sentinel fires each pipeline once, and is put away when the last of their runs has ended."""

from pathlib import Path

import pytest

from flows.models import Pipeline, PipelineRun
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import files_below
from tests.triggers.files.world import (
    MINUTE,
    NOW,
    SECOND,
    drop,
    ledger,
    poll,
    release,
    rows_of,
    runs_of,
    trigger_ir,
    watching,
)
from triggers.services.sharing import archive_shared

pytestmark = pytest.mark.django_db


def sharing(tenant: Tenant, name: str, **trigger: object) -> Pipeline:
    """Make a pipeline that shares `all.done` with others."""
    return watching(tenant, name, trigger_ir(control="all.done", mask=f"{name}.csv", allowOverlap=True, **trigger))


def end(pipeline: Pipeline, status: str = "completed") -> None:
    """End the runs of a pipeline."""
    PipelineRun.objects.across_tenants().filter(pipeline=pipeline).update(status=status, finished_at=NOW)


def archive() -> int:
    """Archive as a tick does."""
    return archive_shared(now=NOW, budget=Budget(50))


def test_it_stays_until_the_last_run_has_ended(acme: Tenant, inbox: Path) -> None:
    one, two = sharing(acme, "one"), sharing(acme, "two")
    drop(inbox, "all.done")
    poll()
    end(one)
    before = (archive(), files_below(inbox))
    end(two)

    moved = archive()

    assert [len(runs_of(pipeline)) for pipeline in (one, two)] == [1, 1]
    assert (before, moved, files_below(inbox)) == ((0, ["all.done"]), 1, [f".archive/{NOW:%Y-%m-%d}/all.done"])
    assert (archive(), any(row.is_shared for row in rows_of(one))) == (0, False)


def test_runs_leave_it_alone(acme: Tenant, inbox: Path) -> None:
    pipeline = sharing(acme, "one")
    drop(inbox, "all.done")
    poll()

    assert set(runs_of(pipeline)[0].parameters) == {"occurrenceAt"}


def test_it_goes_to_the_failure_folder_when_one_failed(acme: Tenant, inbox: Path) -> None:
    one, two = sharing(acme, "one"), sharing(acme, "two")
    drop(inbox, "all.done")
    poll()
    end(one, "failed")
    end(two)

    assert (archive(), files_below(inbox)) == (1, [".failed/all.done"])


def test_it_waits_for_one_that_holds_it(acme: Tenant, inbox: Path) -> None:
    one, two = sharing(acme, "one"), sharing(acme, "two", stableSeconds=60)
    drop(inbox, "all.done")
    poll()
    end(one)
    before = archive()
    release(NOW + 2 * MINUTE)
    end(two)

    assert (before, archive(), ledger(two)) == (0, 1, [("all.done", "fired")])


def test_it_waits_for_one_that_has_not_seen_it(acme: Tenant, inbox: Path) -> None:
    one = sharing(acme, "one")
    drop(inbox, "all.done")
    poll()
    end(one)
    two = sharing(acme, "two")
    before = archive()
    poll(NOW + SECOND)
    end(two)

    assert (before, archive(), ledger(two)) == (0, 1, [("all.done", "fired")])


def test_another_version_in_its_place_stays(acme: Tenant, inbox: Path) -> None:
    one = sharing(acme, "one")
    drop(inbox, "all.done")
    poll()
    end(one)
    drop(inbox, "all.done")

    assert (archive(), files_below(inbox)) == (0, ["all.done"])
