"""A poisoned trigger, folder, held file or sentinel stops no other's, and never stands first for ever."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from flows.models import Pipeline
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import files_below
from tests.triggers.files.poison import refuse_fires
from tests.triggers.files.world import (
    MINUTE,
    NOW,
    SECOND,
    drop,
    ledger,
    names_of,
    poll,
    release,
    rows_of,
    runs_of,
    trigger_ir,
    trigger_of,
    watching,
)
from triggers.decisions.vocabulary import TickSource
from triggers.models import FileTrigger, Occurrence, SchedulerTick, WatchedFolder
from triggers.services.isolating import all_or_each, isolated
from triggers.services.polling import NOT_TAKEN_IN
from triggers.services.releasing_files import UNNAMED, release_files
from triggers.services.sharing import archive_shared
from triggers.services.ticking import tick_scheduler

pytestmark = pytest.mark.django_db
OLDER = {"type": "older", "value": "a*"}


def two(tenant: Tenant, **trigger: Any) -> tuple[Pipeline, Pipeline]:
    """Make a pipeline for files that begin with `a` and one for `b`, in one folder."""
    first, second = (watching(tenant, name, trigger_ir(mask=f"{name}*.csv", **trigger)) for name in ("a", "b"))
    return first, second


def change(pipeline: Pipeline, **values: object) -> None:
    """Write what no release of today would into a trigger's row."""
    FileTrigger.objects.across_tenants().filter(pipeline=pipeline).update(**values)


@contextmanager
def no_leases() -> Iterator[None]:
    """Let the database refuse that any folder is claimed."""
    table = "ALTER TABLE triggers_watchedfolder"
    with connection.cursor() as cursor:
        cursor.execute(f"{table} ADD CONSTRAINT poisoned CHECK (lease_until IS NULL)")
        try:
            yield
        finally:
            cursor.execute(f"{table} DROP CONSTRAINT poisoned")


# --- the poll


def test_a_trigger_that_the_database_refuses_stops_no_other_of_its_folder(
    acme: Tenant, inbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, healthy = two(acme)
    drop(inbox, "a.csv", "b.csv")
    refuse_fires(poisoned)

    polled = poll()

    assert names_of(polled.lines) == [(False, 500), (True, 201)]
    assert "IntegrityError" in polled.lines[0].reason
    assert (runs_of(poisoned), len(runs_of(healthy)), ledger(healthy)) == ([], 1, [("b.csv", "fired")])
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info
    assert (record.event, record.pipelineId) == ("triggers.arrival_failed", str(poisoned.pk))  # type: ignore[attr-defined]


def test_its_folder_is_no_more_the_first_at_the_next_tick(acme: Tenant, inbox: Path) -> None:
    poisoned, _ = two(acme)
    drop(inbox, "a.csv")
    refuse_fires(poisoned)

    poll()

    folder = WatchedFolder.objects.across_tenants().get()
    assert (folder.looked_at, folder.lease_until, folder.failures) == (NOW, None, 0)


def test_a_pattern_of_another_release_takes_no_file_and_stops_nobody(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme)
    drop(inbox, "a.csv", "b.csv")
    change(poisoned, pattern=OLDER)

    polled = poll()

    assert (names_of(polled.lines), ledger(poisoned), ledger(healthy)) == ([(True, 201)], [], [("b.csv", "fired")])


def test_a_pattern_of_another_release_stops_no_save_beside_it(acme: Tenant, inbox: Path) -> None:
    poisoned, _ = two(acme)
    change(poisoned, pattern=OLDER)

    third = watching(acme, "c", trigger_ir(mask="c*.csv"))

    assert trigger_of(third).state == "active"


def test_a_folder_that_cannot_be_taken_in_stops_no_other_and_says_so(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = (
        watching(acme, name, trigger_ir(mask=f"{name}*.csv", config={"path": f"{inbox}/{name}"})) for name in ("a", "b")
    )  # fmt: skip
    drop(inbox / "a", "a.csv")
    drop(inbox / "b", "b.csv")
    far = {"type": "date_template", "value": "a{YYYY}.csv", "timezone": "America/New_York"}
    change(poisoned, pattern=far)

    poll(datetime.min.replace(tzinfo=UTC) + 60 * MINUTE)

    folders = WatchedFolder.objects.across_tenants().order_by("folder")
    assert [(each.error, each.failures, each.lease_until) for each in folders] == [
        (NOT_TAKEN_IN, 1, None), ("", 0, None),
    ]  # fmt: skip
    assert (ledger(poisoned), len(ledger(healthy))) == ([], 1)


@pytest.mark.django_db(transaction=True)
def test_held_files_are_released_when_the_poll_fails(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=60))
    drop(inbox, "a.csv")
    poll()

    with no_leases():
        tick_scheduler(now=NOW + 2 * MINUTE, budget=Budget(50), source=TickSource.COMMAND)

    assert SchedulerTick.objects.get().error == "files: IntegrityError"
    assert ledger(pipeline) == [("a.csv", "fired")]


# --- what is held


def test_held_files_that_fail_stop_no_others_and_are_tried_again_in_a_minute(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme, stableSeconds=60)
    drop(inbox, "a.csv", "b.csv")
    poll()
    refuse_fires(poisoned)
    later = NOW + 2 * MINUTE

    lines = release(later)

    assert sorted(names_of(lines)) == [(False, 500), (True, 201)]
    (row,) = rows_of(poisoned)
    assert (row.outcome, row.due_at, "IntegrityError" in row.reason) == ("held", later + MINUTE, True)
    assert ledger(healthy) == [("b.csv", "fired")]


def test_held_files_that_fail_do_not_stand_before_the_others_for_ever(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme, stableSeconds=60)
    drop(inbox, "a.csv", "b.csv")
    poll()
    Occurrence.objects.across_tenants().filter(pipeline=poisoned).update(due_at=NOW)
    refuse_fires(poisoned)

    found = [release_files(now=NOW + 2 * MINUTE, budget=Budget(50), limit=1) for _ in range(2)]

    assert [names_of(lines) for lines in found] == [[(False, 500)], [(True, 201)]]
    assert ledger(healthy) == [("b.csv", "fired")]


@pytest.mark.parametrize("detail", [{}, {"key": None}, ["older"]])
def test_a_held_row_that_names_no_file_stops_not_even_its_own_pipeline(
    acme: Tenant, inbox: Path, detail: object
) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=60))
    drop(inbox, "a.csv", "b.csv")
    poll()
    first, second = rows_of(pipeline)
    Occurrence.objects.across_tenants().filter(pk=first.pk).update(detail=detail)

    release(NOW + 2 * MINUTE)

    assert [(row.outcome, row.reason == UNNAMED) for row in rows_of(pipeline)] == [("gone", True), ("fired", False)]
    assert second.pk in {row.pk for row in rows_of(pipeline) if row.run_id}


def test_held_files_of_a_pattern_of_another_release_stop_nobody(acme: Tenant, inbox: Path) -> None:
    poisoned, healthy = two(acme, stableSeconds=60)
    drop(inbox, "a.csv", "b.csv")
    poll()
    change(poisoned, pattern=OLDER)

    release(NOW + 2 * MINUTE)

    assert (ledger(poisoned), ledger(healthy)) == ([("a.csv", "gone")], [("b.csv", "fired")])


# --- sentinels


def shared(tenant: Tenant, inbox: Path) -> tuple[Pipeline, Pipeline]:
    """Make two pipelines with a shared sentinel each, whose runs have ended."""
    first, second = (
        watching(tenant, name, trigger_ir(control=f"{name}.done", mask=f"{name}.csv", allowOverlap=True))
        for name in ("a", "b")
    )
    drop(inbox, "a.done", "b.done")
    poll()
    for pipeline in (first, second):
        for run in runs_of(pipeline):
            run.status, run.finished_at = "completed", NOW
            run.save(update_fields=["status", "finished_at"])
    return first, second


def test_a_sentinel_that_names_no_file_stops_no_other_and_is_forgotten(acme: Tenant, inbox: Path) -> None:
    poisoned, _ = shared(acme, inbox)
    Occurrence.objects.across_tenants().filter(pipeline=poisoned).update(detail={})

    moved = archive_shared(now=NOW, budget=Budget(50))

    assert (moved, files_below(inbox)) == (1, [f".archive/{NOW:%Y-%m-%d}/b.done", "a.done"])
    assert not rows_of(poisoned)[0].is_shared


def test_a_sentinel_of_which_nobody_can_tell_stops_no_other_and_is_put_off(acme: Tenant, inbox: Path) -> None:
    poisoned, _ = shared(acme, inbox)
    Occurrence.objects.across_tenants().filter(pipeline=poisoned).update(occurrence_at=datetime.min.replace(tzinfo=UTC))
    waits = watching(acme, "c", trigger_ir(control="c.done", mask="c.csv", allowOverlap=True))
    change(
        waits, pattern={"type": "date_template", "value": "{YYYY}.done", "timezone": "America/New_York"}
    )  # fmt: skip

    moved = [archive_shared(now=at, budget=Budget(50)) for at in (NOW, NOW + SECOND)]

    (row,) = rows_of(poisoned)
    assert (moved, row.is_shared, row.due_at) == ([1, 0], True, NOW + MINUTE)
    assert "a.done" in files_below(inbox)


# --- the means


def test_what_fails_in_a_block_is_named_and_goes_no_further() -> None:
    with isolated("test.failed") as block:
        raise ValueError("secret")

    assert (block.error, "ValueError" in block.words, "secret" in block.words) == ("ValueError", True, False)


def test_what_fails_with_the_connection_is_raised() -> None:
    connection.close()

    with pytest.raises(ValueError, match="gone"), isolated("test.failed"):
        raise ValueError("gone")


@pytest.mark.parametrize(
    ("items", "results", "failed"),
    [([1, 2], [[1, 2]], []), ([1, 0, 2], [[1], [2]], [0]), ([0], [], [0]), ([], [[]], [])],
)
def test_all_is_done_at_once_or_each_by_itself(items: list[int], results: list[list[int]], failed: list[int]) -> None:
    found = all_or_each("test.failed", items, lambda some: [each * each // each for each in some])

    assert found == (results, failed)
