"""A file that was held is looked at again when its time has come."""

from pathlib import Path

import pytest

from flows.services.running import make_run
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import claim, dispatched_run, fresh, make_table
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
from triggers.models import FileTrigger, WatchedFolder

pytestmark = pytest.mark.django_db

HELD = trigger_ir(stableSeconds=60)


def test_a_file_that_is_gone_when_its_turn_comes_does_not_fire(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    (inbox / "a.csv").unlink()

    (line,) = release(NOW + 2 * MINUTE)

    assert (line.fired, line.reason, ledger(pipeline), runs_of(pipeline)) == (
        False, "it was gone when its turn came", [("a.csv", "gone")], [],
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_run_that_took_it_is_named(acme: Tenant, inbox: Path) -> None:
    make_table(acme)
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    run = dispatched_run(pipeline, NOW)
    taken = claim(NOW, run_ids=[run.pk])
    assert taken is not None
    make_run(claim=taken, clock=lambda: NOW)

    release(NOW + 2 * MINUTE)

    (row,) = rows_of(pipeline)
    assert (fresh(run).status, row.outcome, str(run.pk) in row.reason) == ("completed", "gone", True)


def test_another_version_in_its_place_is_a_new_arrival(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    drop(inbox, "a.csv")

    release(NOW + 2 * MINUTE)

    assert ledger(pipeline) == [("a.csv", "gone"), ("a.csv", "fired")]
    assert len(runs_of(pipeline)) == 1


def test_a_file_that_the_trigger_does_not_wait_for_any_more_does_not_fire(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    FileTrigger.objects.across_tenants().update(pattern={"type": "glob", "value": "b*.csv"})

    release(NOW + 2 * MINUTE)

    assert (ledger(pipeline), runs_of(pipeline)) == ([("a.csv", "gone")], [])


def test_many_files_that_are_due_make_one_run_and_one_listing(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, *[f"{number:02}.csv" for number in range(40)])
    poll()

    lines = release(NOW + 2 * MINUTE)

    assert (names_of(lines), len(runs_of(pipeline)), len(rows_of(pipeline))) == ([(True, 201)], 1, 40)


def test_a_store_that_does_not_answer_is_asked_again_later(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    away = inbox.rename(inbox.parent / "away")
    inbox.symlink_to("/etc")
    release(NOW + 2 * MINUTE)
    (row,) = rows_of(pipeline)
    held = (row.outcome, row.due_at, "did not tell" in row.reason)
    inbox.unlink()
    away.rename(inbox)

    release(NOW + 3 * MINUTE)

    assert (held, ledger(pipeline)) == (("held", NOW + 2 * MINUTE + 30 * SECOND, True), [("a.csv", "fired")])


def test_a_store_that_is_left_alone_is_not_asked_about_held_files_either(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()
    WatchedFolder.objects.across_tenants().update(next_look_at=NOW + 9 * MINUTE, error="It is away.")

    release(NOW + 2 * MINUTE)

    (row,) = rows_of(pipeline)
    assert (row.outcome, row.due_at, "It is away." in row.reason) == ("held", NOW + 9 * MINUTE, True)


def test_what_is_not_due_stays(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=HELD)
    drop(inbox, "a.csv")
    poll()

    assert (release(NOW + SECOND), ledger(pipeline)) == ([], [("a.csv", "held")])


def test_two_files_of_two_pipelines_are_released_apart(acme: Tenant, inbox: Path) -> None:
    pair = [watching(acme, name, trigger_ir(mask=f"{name}*.csv", stableSeconds=60)) for name in ("one", "two")]
    drop(inbox, "one.csv", "two.csv")
    poll()

    release(NOW + 2 * MINUTE)

    assert [ledger(pipeline) for pipeline in pair] == [[("one.csv", "fired")], [("two.csv", "fired")]]
    assert trigger_of(pair[0]).last_fired_at == NOW + 2 * MINUTE
