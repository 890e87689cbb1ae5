"""What becomes of runs whose worker is gone: nothing is lost, nothing is doubled, and each ends truthfully."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from flows.decisions.runs import LEASE, MAX_CLEARINGS, MAX_DEATHS, Ending
from flows.decisions.vocabulary import FileState
from flows.ir.parsing import parse_pipeline_ir
from flows.models import Connector, PipelineRun, PipelineVersion, RunFile
from flows.services import cancel_run
from flows.services.claims import Claim, LeaseLost, Scope, mine
from flows.services.files import Hand
from flows.services.finishing import set_ending, settle
from flows.services.recovering import recover_runs
from flows.services.sourcing import find_files, opened_sources
from flows.services.work_folders import work_folder
from flows.storage.base import StorageError
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import (
    MINUTE,
    NOW,
    SECOND,
    claim,
    claimed,
    dispatched_run,
    drop,
    events,
    files_below,
    fresh,
    fresh_pipeline,
    log_of,
    make_pipeline,
    open_alerts,
    plain_ir,
    soon,
    states,
)

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOW + LEASE


def recover(now: datetime = LATER) -> int:
    """Recover every dead run."""
    return len(recover_runs(now=now, scope=Scope(worker="another"), budget=soon()))


def dead_run(tenant: Tenant, inbox: Path, *names: str) -> tuple[Claim, PipelineRun]:
    """Leave a run whose worker took these files and was never seen again."""
    for name in names:
        drop(inbox, name, [(1, 2)])
    found, run = claimed(make_pipeline(tenant))
    with opened_sources(run, parse_pipeline_ir(plain_ir())) as sources:
        source = sources["src"]
        Hand(found, run, lambda: NOW, lambda: None).take(source, find_files(run, source, at=NOW))
    return found, run


def committed(run: PipelineRun, **changes: Any) -> None:
    """Let the run have committed its rows."""
    PipelineRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk).update(committed_at=NOW, **changes)
    RunFile.objects.for_tenant(run.tenant_id).filter(run=run).update(state=FileState.COMMITTED)


def test_a_run_that_lives_is_left_alone(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")

    assert (recover(LATER - SECOND), fresh(run).status) == (0, "running")


def test_before_the_commit_the_files_go_back_and_the_run_begins_again(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv", "b.csv")

    assert recover() == 1

    assert (fresh(run).status, fresh(run).deaths, fresh(run).attempt) == ("pending", 1, 0)
    assert (files_below(inbox), set(states(run))) == (
        ["a.csv", "b.csv"],
        {("a.csv", "restored"), ("b.csv", "restored")},
    )
    assert "the run begins again" in log_of(run)


def test_after_the_commit_the_files_are_archived_and_the_run_completes(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    committed(run, rows_out=1)

    recover()

    assert (fresh(run).status, fresh(run).deaths) == ("completed", 0)
    assert (files_below(inbox), states(run)) == ([".archive/2026-04-17/a.csv"], [("a.csv", "archived")])
    assert fresh_pipeline(run.pipeline).status == "active"


def test_a_committed_run_with_rejected_rows_completes_with_errors(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    committed(run, failed_rows=1)

    recover()

    assert fresh(run).status == "completed_with_errors"


def test_a_run_that_takes_its_workers_with_it_fails(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(deaths=MAX_DEATHS - 1)

    recover()

    assert (fresh(run).status, f"Begun {MAX_DEATHS} times" in fresh(run).error) == ("failed", True)
    assert (files_below(inbox), open_alerts(acme)) == ([".failed/a.csv"], {"Pipeline Orders failed": 1})
    assert [topic for topic, _ in events(acme)] == ["pipeline.run.failed.v1"]


def test_a_dead_run_waits_a_little_longer_each_time(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    PipelineRun.objects.for_tenant(acme).filter(pk=run.pk).update(deaths=1)

    recover()

    assert timedelta(seconds=4) < fresh(run).not_before - LATER < timedelta(seconds=10)


def test_a_dead_run_that_was_to_be_cancelled_is_cancelled(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)

    recover()

    assert (fresh(run).status, files_below(inbox)) == ("cancelled", ["a.csv"])


@pytest.mark.parametrize(
    ("ending", "status", "files"),
    [
        (Ending.AGAIN, "pending", ["a.csv", "b.csv"]),
        (Ending.FAILED, "failed", [".failed/a.csv", ".failed/b.csv"]),
        (Ending.CANCELLED, "cancelled", ["a.csv", "b.csv"]),
        (Ending.NOTHING, "completed", ["a.csv", "b.csv"]),
    ],
)
def test_where_a_run_was_going_when_it_died_there_it_goes_on(
    acme: Tenant, inbox: Path, ending: Ending, status: str, files: list[str]
) -> None:
    found, run = dead_run(acme, inbox, "a.csv", "b.csv")
    set_ending(found, ending, error="Why")
    if ending is Ending.FAILED:
        # It had come so far.
        with opened_sources(run, parse_pipeline_ir(plain_ir())) as sources:
            rows = list(RunFile.objects.for_tenant(acme).order_by("created_at")[:1])
            Hand(found, run, lambda: NOW, lambda: None).set_aside(sources["src"], rows, at=NOW)

    recover()

    assert (fresh(run).status, files_below(inbox)) == (status, files)


def test_a_recovered_run_is_recovered_once(acme: Tenant, inbox: Path) -> None:
    dead_run(acme, inbox, "a.csv")

    assert [recover(), recover()] == [1, 0]


def test_a_run_without_files_is_recovered_too(acme: Tenant, inbox: Path) -> None:
    _, run = claimed(make_pipeline(acme))

    recover()

    assert fresh(run).status == "pending"


def test_whoever_lost_the_run_ends_nothing(acme: Tenant, inbox: Path) -> None:
    found, _ = dead_run(acme, inbox, "a.csv")
    recover()

    with pytest.raises(LeaseLost):
        settle(claim=found, clock=lambda: NOW)
    with pytest.raises(LeaseLost):
        set_ending(found, Ending.FAILED)


def test_a_committed_run_is_never_sent_elsewhere(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    committed(run)

    with pytest.raises(LeaseLost):
        set_ending(found, Ending.FAILED)


# --- the store is away


def test_an_archive_that_is_away_is_waited_for(acme: Tenant, inbox: Path, settings: Any) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    committed(run)
    (inbox / ".archive").write_text("in the way")
    with transient_failures():
        first = settle(claim=found, clock=lambda: NOW)
    (inbox / ".archive").unlink()

    early, late = recover(NOW + SECOND), recover(NOW + 2 * SECOND)

    assert (first, early, late) == (None, 0, 1)
    assert (fresh(run).status, fresh(run).clearings, fresh(run).deaths) == ("completed", 1, 0)
    assert files_below(inbox) == [".archive/2026-04-17/a.csv"]


class transient_failures:  # noqa: N801 - reads as what the store has
    """Let what the store refuses count as passing, as an object store's refusals do."""

    def __enter__(self) -> None:
        self._old = StorageError.__init__
        old = self._old

        def refuse(self: StorageError, message: str, *, is_transient: bool = False) -> None:
            old(self, message, is_transient=True)

        StorageError.__init__ = refuse  # type: ignore[method-assign]

    def __exit__(self, *raised: object) -> None:
        StorageError.__init__ = self._old  # type: ignore[method-assign]


def test_an_archive_that_stays_away_ends_the_run_and_says_where_the_files_lie(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    committed(run)
    (inbox / ".archive").write_text("in the way")
    mine(found).update(clearings=MAX_CLEARINGS - 1)

    with transient_failures():
        status = settle(claim=found, clock=lambda: NOW)

    assert (status, fresh(run).status, len(fresh(run).warnings)) == ("completed", "completed", 1)
    assert "lie in the staging folder" in fresh(run).warnings[0]
    assert open_alerts(acme) == {"Files of pipeline Orders lie where they are not meant to": 1}


def test_a_store_that_refuses_for_good_is_not_asked_again(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    set_ending(found, Ending.AGAIN)
    PipelineVersion.objects.for_tenant(acme).delete()

    status = settle(claim=found, clock=lambda: NOW)

    assert (status, states(run)) == ("failed", [("a.csv", "failed")])


def test_a_connector_that_was_deleted_meanwhile_is_no_end_without_an_end(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    gone = Connector.objects.create(tenant=acme, name="Gone", type="aws_s3", created_at=NOW, updated_at=NOW)
    ir = plain_ir()
    ir["nodes"][0]["config"]["connectorId"] = str(gone.pk)
    version = PipelineVersion.objects.for_tenant(acme).get()
    gone.delete()
    version.delete()
    PipelineVersion.objects.create(tenant=acme, pipeline=run.pipeline, version=1, ir=ir, created_at=NOW)
    committed(run)

    status = settle(claim=found, clock=lambda: NOW)

    assert (status, "no such connector" in fresh(run).warnings[0]) == ("completed", True)


def test_the_next_run_of_the_pipeline_begins_once_the_dead_one_is_recovered(acme: Tenant, inbox: Path) -> None:
    _, run = dead_run(acme, inbox, "a.csv")
    second = dispatched_run(run.pipeline)
    before = claim(LATER, run_ids=[second.pk])
    committed(run)

    recover()

    assert (before, claim(LATER, run_ids=[second.pk]) is not None) == (None, True)


def test_nothing_but_the_run_is_touched(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    dead_run(acme, inbox, "a.csv")
    _, other = claimed(make_pipeline(globex), NOW + MINUTE)

    recover()

    assert (fresh(other).status, fresh(other).deaths) == ("running", 0)
    assert connection.is_usable()


def test_a_run_that_is_cancelled_on_its_way_back_to_the_queue_is_cancelled(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    set_ending(found, Ending.AGAIN, not_before=NOW + 60 * MINUTE)
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)

    settle(claim=found, clock=lambda: NOW)

    assert (fresh(run).status, fresh(run).error) == ("cancelled", "Cancelled by system.")
    assert (files_below(inbox), states(run)) == (["a.csv"], [("a.csv", "restored")])


def test_a_run_that_fails_for_its_files_says_so(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    set_ending(found, Ending.AGAIN)
    PipelineVersion.objects.for_tenant(acme).delete()

    settle(claim=found, clock=lambda: NOW)

    assert (fresh(run).status, "could not be moved" in fresh(run).error) == ("failed", True)
    assert [payload["error"] for _, payload in events(acme)] == [fresh(run).error]


def test_a_file_that_could_not_be_moved_is_taken_by_the_retry(acme: Tenant, inbox: Path) -> None:
    found, run = dead_run(acme, inbox, "a.csv")
    set_ending(found, Ending.FAILED)
    version = PipelineVersion.objects.for_tenant(acme).get()
    version.delete()
    settle(claim=found, clock=lambda: NOW)
    PipelineVersion.objects.create(tenant=acme, pipeline=run.pipeline, version=1, ir=plain_ir(), created_at=NOW)
    again, retry = claimed(run.pipeline, LATER, retry_of=run)

    with opened_sources(retry, parse_pipeline_ir(plain_ir())) as sources:
        source = sources["src"]
        taken = Hand(again, retry, lambda: NOW, lambda: None).take(source, find_files(retry, source, at=NOW))

    assert [row.size_bytes for row in taken] == [len("id,amount\n1,2\n")]


def test_what_a_living_attempt_keeps_on_disk_is_left_by_whoever_lost_the_run(acme: Tenant, inbox: Path) -> None:
    _, sleeping = dead_run(acme, inbox, "a.csv")
    with work_folder(sleeping):
        recover()
        again = claim(LATER + MINUTE, run_ids=[sleeping.pk])
        assert again is not None
        living = work_folder(fresh(sleeping))
        folder = living.__enter__()

    assert folder.is_dir()
    living.__exit__(None, None, None)
    assert not any(folder.parent.iterdir())
