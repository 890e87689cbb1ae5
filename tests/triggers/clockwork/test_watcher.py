"""Folders of this machine, watched: from a dropped file to its run."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from flows.services import pause_pipeline, resume_pipeline
from kaireon.platform.loops import StopSignal
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.processes import ROOT, test_database_url, wait_until
from tests.triggers.files.conftest import inbox
from tests.triggers.files.world import drop, ledger, rows_of, runs_of, trigger_ir, watching
from triggers.services.clockwork import in_background, watching_loops
from triggers.services.folder_watch import Changes
from triggers.services.watcher import MANY_NAMES, Pending

__all__ = ["inbox"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def real_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@contextmanager
def watched(*, can_use_inotify: bool = True) -> Iterator[None]:
    """Watch in threads of this process, as the web server does."""
    stopping = StopSignal()
    loops = watching_loops(stopping=stopping, clock=real_now, can_use_inotify=can_use_inotify)

    def turning(turn: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                turn()
            finally:
                connection.close()

        return run

    threads = [in_background(loop.name, turning(loop.keep_turning)) for loop in loops]
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def test_a_dropped_sentinel_begins_its_run_within_a_second(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(control="orders.done"))
    with watched():
        time.sleep(0.5)
        drop(inbox, "other.txt", "orders.done")
        started = time.monotonic()
        wait_until(lambda: runs_of(pipeline), timeout=10)
        took = time.monotonic() - started

    (row,) = rows_of(pipeline)
    assert took < 1
    assert (row.via, row.outcome, row.run_id) == ("inotify", "fired", runs_of(pipeline)[0].pk)


def test_of_two_masks_on_one_folder_each_fires_for_its_own(acme: Tenant, inbox: Path) -> None:
    customers = watching(acme, "Customers", trigger_ir(control="customers.done", mask="customers*.csv"))
    accounts = watching(acme, "Accounts", trigger_ir(control="accounts.done", mask="accounts*.csv"))
    with watched():
        time.sleep(0.5)
        drop(inbox, "customers.done")
        wait_until(lambda: runs_of(customers), timeout=10)
        before = runs_of(accounts)
        drop(inbox, "accounts.done")
        wait_until(lambda: runs_of(accounts), timeout=10)

    assert (before, len(runs_of(customers)), len(runs_of(accounts))) == ([], 1, 1)


def test_files_that_lie_there_and_folders_that_come_later_are_found(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    with watched():
        time.sleep(0.5)
        drop(inbox, "early.csv")
        wait_until(lambda: len(ledger(pipeline)) == 1, timeout=10)
        shutil.rmtree(inbox)
        time.sleep(0.2)
        drop(inbox, "again.csv")
        wait_until(lambda: len(ledger(pipeline)) == 2, timeout=10)
        drop(inbox, "late.csv")
        wait_until(lambda: len(ledger(pipeline)) == 3, timeout=10)

    assert ledger(pipeline) == [("early.csv", "fired"), ("again.csv", "fired"), ("late.csv", "fired")]


def test_a_trigger_saved_later_is_followed_within_a_few_seconds(acme: Tenant, inbox: Path) -> None:
    with watched():
        pipeline = watching(acme)
        time.sleep(2.5)
        drop(inbox, "a.csv")
        wait_until(lambda: runs_of(pipeline), timeout=5)

    assert rows_of(pipeline)[0].via == "inotify"


def test_a_file_that_must_be_still_is_released_soon_after_it_is(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=2))
    with watched():
        time.sleep(0.5)
        with (inbox / "a.csv").open("w") as file:
            for number in range(5):
                file.write(f"{number},1\n")
                file.flush()
                time.sleep(0.3)
        closed = time.monotonic()
        wait_until(lambda: runs_of(pipeline), timeout=10)
        took = time.monotonic() - closed

    assert 1.5 < took < 4
    assert [outcome for _, outcome in ledger(pipeline)].count("fired") == 1
    assert len(runs_of(pipeline)) == 1


def test_a_paused_pipeline_is_not_fired_and_nothing_is_lost(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=real_now())
    with watched():
        time.sleep(0.5)
        drop(inbox, "a.csv")
        time.sleep(1)

    assert runs_of(pipeline) == []
    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=real_now())
    with watched():
        wait_until(lambda: runs_of(pipeline), timeout=10)


def test_two_watchers_of_one_folder_make_one_run_of_each_file(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    with watched(), watched(), watched():
        time.sleep(0.5)
        for number in range(10):
            drop(inbox, f"{number}.csv")
            time.sleep(0.1)
        wait_until(lambda: len(ledger(pipeline)) == 10, timeout=10)
        time.sleep(0.5)

    taken = [row for row in rows_of(pipeline) if row.outcome == "fired"]
    assert {row.outcome for row in rows_of(pipeline)} <= {"fired", "coalesced"}
    assert len({row.run_id for row in taken}) == len(taken) == len(runs_of(pipeline))


@pytest.mark.slow
def test_of_thousands_files_at_once_none_is_forgotten(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    with watched():
        time.sleep(0.5)
        for number in range(5_000):
            os.close(os.open(inbox / f"{number}.csv", os.O_CREAT | os.O_WRONLY))
        wait_until(lambda: len(rows_of(pipeline)) == 5_000, timeout=60)

    assert len({row.key for row in rows_of(pipeline)}) == 5_000


def test_where_the_kernel_tells_nothing_the_folder_is_looked_through(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    with watched(can_use_inotify=False):
        time.sleep(0.5)
        drop(inbox, "a.csv")
        wait_until(lambda: runs_of(pipeline), timeout=15)


def test_a_folder_behind_a_link_stops_no_other(
    acme: Tenant, inbox: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    inbox.rmdir()
    inbox.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "a.csv").touch()
    pipeline = watching(acme)
    with caplog.at_level(logging.INFO), watched():
        wait_until(
            lambda: any(getattr(record, "event", "") == "watcher.unreadable" for record in caplog.records), timeout=10
        )

    assert ledger(pipeline) == []


def test_what_failed_stands_at_the_end_of_the_line() -> None:
    pending = Pending()
    pending.add(Changes({"/a": {"1"}, "/b": {"2"}}, set()))

    with pytest.raises(ValueError, match="away"), pending.first() as found:
        raise ValueError("away")

    with pending.first() as following:
        pass
    with pending.first() as last:
        pass
    with pending.first() as none:
        pass
    assert (found, following, last, none) == (("/a", {"1"}), ("/b", {"2"}), ("/a", {"1"}), None)


def test_many_names_are_looked_up_by_reading_the_folder() -> None:
    pending = Pending()
    pending.add(Changes({"/a": {str(number) for number in range(MANY_NAMES + 1)}}, set()))
    pending.add(Changes({"/a": {"one more"}, "/b": {"1"}}, {"/b"}))

    with pending.first() as first, pending.first() as second:
        pass

    assert (first, second) == (("/a", None), ("/b", None))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_watches_until_it_is_told_to_end(acme: Tenant, inbox: Path, ending: signal.Signals) -> None:
    pipeline = watching(acme)
    environment = {
        **os.environ, "DATABASE_URL": test_database_url(), "FLOW_LOCAL_FS_ROOTS": str(inbox.parent),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "manage.py", "watch_files"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    errors: list[str] = []
    reading = threading.Thread(target=lambda: errors.extend(process.stderr or ()))
    reading.start()
    try:
        wait_until(lambda: any("loop.started" in line for line in errors), timeout=60)
        drop(inbox, "a.csv")
        wait_until(lambda: runs_of(pipeline), timeout=20)
        process.send_signal(ending)
        code = process.wait(10)
    finally:
        process.kill()
        reading.join(10)
        assert process.stderr is not None
        process.stderr.close()

    assert code == 0, "".join(errors)
    assert any('"loop.stopped"' in line for line in errors)
