"""Every version of a file fires once, whoever brings it; what must wait is kept."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from flows.services import cancel_run, pause_pipeline, resume_pipeline
from flows.services.placing import open_watched
from flows.services.running import make_run
from flows.storage.base import StoredFile
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import claim, files_below, fresh, make_table
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
from triggers.decisions.vocabulary import Via
from triggers.services import firing
from triggers.services.arriving import arrive
from triggers.services.telling import TickLine

pytestmark = pytest.mark.django_db


def found(pipeline: Any, name: str) -> StoredFile:
    """Return a file of the pipeline's folder as its store lists it."""
    with open_watched(pipeline.pk) as opened:
        return next(file for file in opened.store.list_folder(opened.folder, limit=100) if file.name == name)


def push(pipeline: Any, *names: str, now: Any = NOW, via: Via = Via.PUSH) -> list[TickLine]:
    """Tell of files as a push does."""
    files = [found(pipeline, name) for name in names]
    return arrive(trigger_id=trigger_of(pipeline).pk, files=files, via=via, now=now)


# --- once and always


def test_a_file_fires_one_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    polled = poll()

    (run,) = runs_of(pipeline)
    assert [(line.fired, line.status, line.run_id) for line in polled.lines] == [(True, 201, run.pk)]
    assert (run.trigger_source, run.status, ledger(pipeline)) == ("file_arrival", "pending", [("a.csv", "fired")])


def test_a_file_that_still_lies_there_does_not_fire_again(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    poll()

    again = poll(NOW + MINUTE)

    (row,) = rows_of(pipeline)
    assert (again.lines, again.listed, len(runs_of(pipeline)), row.repeats) == ((), 1, 1, 0)


def test_a_new_version_fires_always(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv", text="")
    poll()
    drop(inbox, "a.csv", text="")

    poll(NOW + MINUTE)

    assert (len(runs_of(pipeline)), ledger(pipeline)) == (2, [("a.csv", "fired"), ("a.csv", "fired")])


def test_a_push_that_is_told_again_counts_as_a_duplicate_and_names_the_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    (first,) = push(pipeline, "a.csv")

    (again,) = push(pipeline, "a.csv", now=NOW + SECOND)

    (row,) = rows_of(pipeline)
    assert (again.fired, again.status, again.run_id, str(first.run_id) in again.reason) == (
        False, 409, first.run_id, True,
    )  # fmt: skip
    assert (row.repeats, row.repeated_at, row.via) == (1, NOW + SECOND, "push")


def test_files_that_come_together_make_one_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "b.csv", "a.csv", "c.csv")

    poll()

    rows = rows_of(pipeline)
    assert [(row.detail["key"][-5:], row.outcome) for row in rows] == [
        ("a.csv", "fired"), ("b.csv", "coalesced"), ("c.csv", "coalesced"),
    ]  # fmt: skip
    assert {row.run_id for row in rows} == {run.pk for run in runs_of(pipeline)}
    assert "a.csv" in rows[1].reason


def test_each_arrival_keeps_its_run_while_others_wait(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    for second, name in enumerate(["a.csv", "b.csv", "c.csv"]):
        drop(inbox, name)
        poll(NOW + second * SECOND)

    assert [run.status for run in runs_of(pipeline)] == ["pending"] * 3


def test_nothing_is_told_when_no_file_came(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)

    assert (arrive(trigger_id=trigger_of(pipeline).pk, files=[], via=Via.PUSH, now=NOW), poll().lines) == ([], ())


def test_the_run_knows_what_fired_it(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(control="*.done"))
    drop(inbox, "a.done", "b.done")

    poll()

    (run,) = runs_of(pipeline)
    keys = [control["key"] for control in run.parameters["controlFiles"]]
    assert (keys, run.parameters["controlFile"]["key"]) == ([f"{inbox}/a.done", f"{inbox}/b.done"], f"{inbox}/a.done")
    assert (run.parameters["occurrenceAt"], run.parameters["controlFile"]["nodeId"]) == (NOW.isoformat(), "src")


@pytest.mark.django_db(transaction=True)
def test_push_poll_and_a_watcher_at_once_give_one_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    start = threading.Barrier(8)

    def tell(via: Via | None) -> None:
        start.wait()
        try:
            poll(NOW) if via is None else push(pipeline, "a.csv", via=via)
        finally:
            connection.close()

    threads = [threading.Thread(target=tell, args=(via,)) for via in [None, Via.PUSH, Via.PUSH, Via.INOTIFY] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(runs_of(pipeline)), ledger(pipeline)) == (1, [("a.csv", "fired")])


@pytest.mark.django_db(transaction=True)
def test_a_row_is_not_there_without_its_run(acme: Tenant, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    def die(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(firing, "note_arrival", die)
        with pytest.raises(KeyboardInterrupt):
            push(pipeline, "a.csv")
    before = (ledger(pipeline), runs_of(pipeline))
    push(pipeline, "a.csv")

    assert (before, ledger(pipeline), len(runs_of(pipeline))) == (([], []), [("a.csv", "fired")], 1)


# --- debounce and still files


def test_what_comes_within_the_debounce_is_kept_and_fires_together(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(debounceSeconds=60))
    drop(inbox, "a.csv")
    poll()
    drop(inbox, "b.csv")
    (kept,) = push(pipeline, "b.csv", now=NOW + 20 * SECOND)
    drop(inbox, "c.csv")
    poll(NOW + 40 * SECOND)
    early = release(NOW + 59 * SECOND)

    late = release(NOW + MINUTE)

    assert (kept.status, "kept" in kept.reason, early, names_of(late)) == (202, True, [], [(True, 201)])
    assert ledger(pipeline) == [("a.csv", "fired"), ("b.csv", "fired"), ("c.csv", "coalesced")]
    assert len(runs_of(pipeline)) == 2


def test_what_comes_when_kept_files_are_due_joins_them(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(debounceSeconds=60))
    drop(inbox, "a.csv")
    poll()
    drop(inbox, "b.csv")
    poll(NOW + SECOND)
    drop(inbox, "c.csv")

    poll(NOW + 2 * MINUTE)
    release(NOW + 2 * MINUTE)

    assert ledger(pipeline) == [("a.csv", "fired"), ("b.csv", "fired"), ("c.csv", "coalesced")]
    assert len(runs_of(pipeline)) == 2


def test_a_file_fires_when_it_has_not_changed_for_its_seconds(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=30))
    drop(inbox, "a.csv")

    poll()
    before = (runs_of(pipeline), release(NOW + 10 * SECOND))
    release(NOW + 40 * SECOND)

    assert (before, len(runs_of(pipeline)), ledger(pipeline)) == (([], []), 1, [("a.csv", "fired")])


def test_a_file_that_grows_waits_anew_and_fires_once(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=30))
    drop(inbox, "a.csv")
    poll()
    with (inbox / "a.csv").open("a") as file:
        file.write("2,3\n")

    poll(NOW + 20 * SECOND)
    release(NOW + 3 * MINUTE)

    assert ledger(pipeline) == [("a.csv", "gone"), ("a.csv", "fired")]
    assert len(runs_of(pipeline)) == 1


# --- pause


def test_a_file_that_comes_while_the_pipeline_is_paused_fires_when_it_is_resumed(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW)
    drop(inbox, "a.csv")
    (told,) = push(pipeline, "a.csv")
    polled = poll()
    paused = (told.status, "paused" in told.reason, polled.listed, ledger(pipeline))

    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW + MINUTE)
    poll(NOW + MINUTE)

    assert (paused, ledger(pipeline)) == ((409, True, 0, []), [("a.csv", "fired")])


def test_a_file_that_was_kept_over_a_pause_fires_after_it(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(debounceSeconds=60))
    drop(inbox, "a.csv")
    poll()
    drop(inbox, "b.csv")
    poll(NOW + SECOND)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW + 2 * SECOND)
    release(NOW + 2 * MINUTE)
    (row,) = rows_of(pipeline)[1:]
    paused = (row.outcome, row.due_at, "paused" in row.reason)

    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW + 3 * MINUTE)
    release(NOW + 3 * MINUTE)

    assert (paused, ledger(pipeline)) == (("held", None, True), [("a.csv", "fired"), ("b.csv", "fired")])


# --- what cannot be, and what is put back


def test_a_dispatch_that_is_refused_is_a_row_that_says_why(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    file = found(pipeline, "a.csv")
    type(pipeline).objects.for_tenant(acme).filter(pk=pipeline.pk).update(live_version=None)

    (line,) = arrive(trigger_id=trigger_of(pipeline).pk, files=[file], via=Via.POLL, now=NOW)

    (row,) = rows_of(pipeline)
    assert (line.status, row.outcome, "no live version" in row.reason) == (500, "failed", True)


def test_a_trigger_that_is_gone_takes_nothing(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    file, trigger = found(pipeline, "a.csv"), trigger_of(pipeline)
    trigger.delete()

    assert arrive(trigger_id=trigger.pk, files=[file], via=Via.PUSH, now=NOW) == []


@pytest.mark.django_db(transaction=True)
def test_a_file_that_a_cancelled_run_puts_back_does_not_fire_again(acme: Tenant, inbox: Path) -> None:
    make_table(acme)
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    poll()
    (run,) = runs_of(pipeline)
    taken = claim(NOW, run_ids=[run.pk])
    assert taken is not None
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)
    make_run(claim=taken, clock=lambda: NOW)

    again = poll(NOW + MINUTE)

    assert (fresh(run).status, files_below(inbox), again.lines) == ("cancelled", ["a.csv"], ())
