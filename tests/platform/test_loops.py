"""The loop of every worker: it works while there is work, waits out an outage, gives up on a bug, stops when told."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection

from kaireon.platform.loops import EXIT_FAILURES, EXIT_OK, Loop, StopSignal

REPOSITORY = Path(__file__).resolve().parents[2]

# A turn looks after the connection, and a failing one closes it: neither inside a test's own transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def failing(error: Exception) -> Callable[[], bool]:
    """Return a step that always fails so."""

    def step() -> bool:
        raise error

    return step


def one_by_one(*answers: bool | Exception | None) -> Callable[[], bool | None]:
    """Return a step that gives these answers in turn."""
    left = iter(answers)

    def step() -> bool | None:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

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


def test_a_loop_that_gives_up_gives_back_what_it_holds() -> None:
    done: list[str] = []

    code = Loop(
        "test", step=failing(ValueError()), failure_budget=2, idle_seconds=0.001, drain=lambda: done.append("drain")
    ).run()

    assert (code, done) == (EXIT_FAILURES, ["drain"])


def test_a_drain_that_fails_is_logged_with_an_id_and_the_loop_ends(caplog: pytest.LogCaptureFixture) -> None:
    stopping = StopSignal()
    stopping.set()

    code = Loop("test", step=lambda: True, stopping=stopping, drain=failing(ValueError("boom"))).run()

    (record,) = [each for each in caplog.records if each.__dict__.get("event") == "loop.drain_failed"]
    assert (code, bool(record.__dict__["errorId"]), record.getMessage()) == (EXIT_OK, True, "test drain failed")


def test_the_first_success_after_a_failure_carries_the_failures_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    errors: list[Exception] = [ValueError("boom")]

    def step() -> bool:
        if errors:
            raise errors.pop()
        return True

    loop = Loop("test", step=step)
    loop.turn()
    error_id = loop.last_error_id
    loop.turn()

    (record,) = [each for each in caplog.records if each.__dict__.get("event") == "loop.recovered"]
    assert record.__dict__["previousErrorId"] == error_id


def test_a_pause_of_its_own_is_told_whether_the_step_failed() -> None:
    stopping = StopSignal()
    told: list[bool] = []

    def pause(has_failed: bool) -> None:
        told.append(has_failed)
        if len(told) == 2:
            stopping.set()

    steps = iter([ValueError("boom"), None])

    def step() -> bool:
        error = next(steps)
        if error:
            raise error
        return False

    Loop("test", step=step, stopping=stopping, pause=pause).run()

    assert told == [True, False]


def test_a_stop_can_be_waited_for_beside_other_things() -> None:
    stopping = StopSignal()
    before = select.select([stopping.fileno()], [], [], 0)[0]

    for _ in range(100_000):
        stopping.set()

    assert (before, select.select([stopping.fileno()], [], [], 0)[0]) == ([], [stopping.fileno()])


def test_a_step_that_tried_nothing_neither_counts_as_a_failure_nor_ends_a_row_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    loop = Loop("test", step=one_by_one(ValueError(), None, None, ValueError(), None))

    answers = [loop.turn() for _ in range(5)]

    first, second = failures_in(caplog)
    assert answers == [False] * 5
    assert (loop.consecutive_failures, second.previousErrorId) == (2, first.errorId)
    assert "loop recovered" not in caplog.messages


def test_a_step_that_tried_nothing_is_told_to_the_pause_as_what_it_followed() -> None:
    stopping = StopSignal()
    told: list[bool] = []
    step = one_by_one(ValueError(), None, False, None)

    def pause(has_failed: bool) -> None:
        told.append(has_failed)
        if len(told) == 4:
            stopping.set()

    Loop("test", step=step, stopping=stopping, pause=pause).run()

    assert told == [True, True, False, False]


@pytest.mark.parametrize(
    ("error", "is_transient"), [(OperationalError("away"), True), (ValueError("boom"), False)], ids=["away", "fault"]
)
def test_a_pause_that_fails_is_logged_and_waited_out_and_the_loop_goes_on(
    error: Exception, is_transient: bool, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    stopping = StopSignal()

    def step() -> bool:
        done.append("step")
        if len(done) == 3:
            stopping.set()
        return False

    def pause(has_failed: bool) -> None:
        raise error

    code = Loop(
        "test", step=step, stopping=stopping, pause=pause, idle_seconds=0.001, failure_budget=1000,
        drain=lambda: done.append("drain"),
    ).run()  # fmt: skip

    records = [record for record in caplog.records if record.__dict__.get("event") == "loop.pause_failed"]
    assert (code, done) == (EXIT_OK, ["step"] * 3 + ["drain"])
    assert [record.__dict__["isTransient"] for record in records] == [is_transient] * 3


def test_a_drain_has_a_session_even_when_the_last_one_died_in_the_pause() -> None:
    stopping = StopSignal()
    drained: list[bool] = []

    def ask() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT true")
            return bool(cursor.fetchone()[0])

    def pause(has_failed: bool) -> None:
        pid = connection.connection.info.backend_pid
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
            session.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        stopping.set()

    Loop("test", step=lambda: not ask(), stopping=stopping, pause=pause, drain=lambda: drained.append(ask())).run()

    assert drained == [True]


def test_a_session_that_only_reads_since_a_failover_is_left_for_a_new_one() -> None:
    def step() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; CREATE TABLE written (number int); ROLLBACK")
        return True

    loop = Loop("test", step=step, failure_budget=1)
    assert loop.turn()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    answers = (loop.turn(), loop.consecutive_failures, loop.turn())
    connection.close()

    assert answers == (False, 0, True)
