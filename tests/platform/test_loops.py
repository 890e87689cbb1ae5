"""The loop of every worker: it works while there is work, waits out an outage, gives up on a bug, stops when told."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from kaireon.platform.loops import EXIT_FAILURES, EXIT_OK, Loop, StopSignal

REPOSITORY = Path(__file__).resolve().parents[2]

# A turn looks after the connection, and a failing one closes it: neither inside a test's own transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def failing(error: Exception) -> Callable[[], bool]:
    """Return a step that always fails so."""

    def step() -> bool:
        raise error

    return step


def failures_in(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the log records of failed steps."""
    return [record for record in caplog.records if record.getMessage() == "loop step failed"]


@pytest.mark.parametrize("did_work", [True, False])
def test_a_turn_tells_whether_there_was_work(did_work: bool) -> None:
    assert Loop("test", step=lambda: did_work).turn() is did_work


def test_a_failure_is_logged_with_an_id_that_the_next_one_repeats(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop("test", step=failing(ValueError("boom")))

    assert loop.turn() is False
    loop.turn()

    first, second = failures_in(caplog)
    assert first.exc_info
    assert first.previousErrorId == ""
    assert second.previousErrorId == first.errorId != second.errorId
    assert not first.isTransient


def test_a_success_forgets_the_failures_before_it(caplog: pytest.LogCaptureFixture) -> None:
    steps = iter([failing(ValueError()), lambda: True, failing(ValueError())])

    def step() -> bool:
        return next(steps)()

    loop = Loop("test", step=step)

    loop.turn()
    loop.turn()
    loop.turn()

    assert loop.consecutive_failures == 1
    assert [record.previousErrorId for record in failures_in(caplog)] == ["", ""]


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("connection already closed")])
def test_a_database_that_is_away_is_waited_out_and_burns_no_budget(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop("test", step=failing(error), failure_budget=1)

    loop.turn()

    assert loop.consecutive_failures == 0
    assert [record.isTransient for record in failures_in(caplog)] == [True]


def test_too_many_failures_in_a_row_end_the_loop_with_exit_3() -> None:
    calls: list[int] = []

    def step() -> bool:
        calls.append(1)
        raise ValueError

    loop = Loop("test", step=step, failure_budget=3, idle_seconds=0.001)

    assert loop.run() == EXIT_FAILURES == 3
    assert len(calls) == 3


def test_the_loop_steps_again_at_once_while_there_is_work_and_then_drains() -> None:
    done: list[str] = []

    def step() -> bool:
        done.append("step")
        if len(done) == 5:
            loop.stopping.set()
        return True

    loop = Loop("test", step=step, idle_seconds=60, drain=lambda: done.append("drain"))
    started = time.monotonic()

    assert loop.run() == EXIT_OK == 0
    assert done == ["step"] * 5 + ["drain"]
    assert time.monotonic() - started < 5


def test_the_liveness_file_is_touched_at_every_turn(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    loop = Loop("test", step=failing(ValueError()), liveness_file=alive)

    loop.turn()
    os.utime(alive, (0, 0))
    loop.turn()

    assert alive.stat().st_mtime > 0


def test_a_liveness_file_that_cannot_be_written_is_a_logged_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop("test", step=lambda: True, liveness_file=tmp_path / "no" / "folder")

    assert loop.turn() is False
    assert len(failures_in(caplog)) == 1


def test_a_stop_from_another_thread_ends_a_long_wait() -> None:
    stopping = StopSignal()
    threading.Timer(0.1, stopping.set).start()
    started = time.monotonic()

    assert stopping.wait(60)
    assert stopping.wait(60)
    assert stopping.is_set()
    assert time.monotonic() - started < 10


def test_a_wait_that_nobody_ends_ends_itself() -> None:
    stopping = StopSignal()

    assert not stopping.wait(0.01)
    assert not stopping.wait(-1)
    assert not stopping.is_set()


def test_signals_set_in_the_middle_of_a_wait_never_hang_the_process() -> None:
    script = (
        "import os, signal, threading\n"
        "from kaireon.platform.loops import StopSignal\n"
        "current = [StopSignal()]\n"
        "signal.signal(signal.SIGALRM, lambda number, frame: current[0].set())\n"
        "for _ in range(1000):\n"
        "    current[0] = StopSignal()\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.00002)\n"
        "    while not current[0].wait(0.05):\n"
        "        pass\n"
        "print('done')\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=os.environ | {"DJANGO_SETTINGS_MODULE": "kaireon.settings"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert result.stdout.strip() == "done", result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_waiting_process_at_once_after_its_drain(number: signal.Signals) -> None:
    script = (
        "import django; django.setup()\n"
        "from kaireon.platform.loops import Loop\n"
        "step = lambda: print('step', flush=True) or False\n"
        "raise SystemExit(Loop('test', step=step, idle_seconds=60, drain=lambda: print('drained', flush=True)).run())\n"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "kaireon.settings"}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script], cwd=REPOSITORY, env=env, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "step\n"

    process.send_signal(number)
    out, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert out == "drained\n"
