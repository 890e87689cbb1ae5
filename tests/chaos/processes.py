"""Real processes for tests that kill them, and gates that hold one at a boundary that can be seen from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
GATE = 4242


def test_database_url() -> str:
    """Return the URL of this test's database, for a process of its own."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


test_database_url.__test__ = False  # type: ignore[attr-defined]


class TickProcess:
    """One `manage.py tick --json`."""

    def __init__(self, allowed: Sequence[str], arguments: Sequence[str] = (), database_url: str = "") -> None:
        environment = os.environ | {
            "DATABASE_URL": database_url or test_database_url(),
            "NOTIFICATIONS_ALLOWED_HOSTS": ",".join(allowed),
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "tick", "--json", *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def kill(self) -> None:
        """Send SIGKILL and reap."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=10)
        assert self.process.returncode == -signal.SIGKILL

    def answer(self, timeout: float = 60) -> dict[str, Any]:
        """Wait for the end and return what it printed."""
        out, errors = self.process.communicate(timeout=timeout)
        assert self.process.returncode in {0, 1}, errors
        printed: dict[str, Any] = json.loads(out)
        return printed


@contextmanager
def ticking(allowed: Sequence[str], arguments: Sequence[str] = (), database_url: str = "") -> Iterator[TickProcess]:
    """Run a tick for the length of a block, at the database's address or another; whatever happens, none is left."""
    started = TickProcess(allowed, arguments, database_url)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.communicate(timeout=10)


def wait_until(
    condition: Callable[[], object], timeout: float = 30, said: Callable[[], object] = lambda: "it never came to that"
) -> None:  # fmt: skip
    """Wait until the condition holds; fail the test, with what is to be said then, when it never does."""
    ends = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < ends, said()
        time.sleep(0.02)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Freeze a process with every thread of it for the length of a block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # A thread that runs on another core stops a moment after the signal was sent.
        wait_until(lambda: {_state(task) for task in Path(f"/proc/{pid}/task").iterdir()} == {"T"})
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


class Gate:
    """A lock held by the test; whoever runs into it waits, and the test can see that."""

    def __init__(self) -> None:
        self.holder = psycopg.connect(test_database_url(), autocommit=True)

    def is_reached(self) -> bool:
        """Tell whether a process waits at the gate."""
        return self.waiting() > 0

    def waiting(self) -> int:
        """Count who waits for a lock in this database: at the gate, or behind somebody who does."""
        row = self.holder.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def terminate_waiting(self) -> None:
        """Cut the connection of whoever waits, as an administrator or a failing server would."""
        self.holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )

    def lift(self) -> None:
        """Let go, and wait until the server has finished what the dead process left running."""
        self.holder.execute("SELECT pg_advisory_unlock_all()")
        wait_until(self._is_quiet)

    def _is_quiet(self) -> bool:
        row = self.holder.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
            "AND pid <> pg_backend_pid()"
        ).fetchone()
        assert row is not None
        return not row[0]


@contextmanager
def advisory_gate(key: int) -> Iterator[Gate]:
    """Hold an advisory lock that the product itself takes."""
    gate = Gate()
    try:
        gate.holder.execute("SELECT pg_advisory_lock(%s)", [key])
        yield gate
    finally:
        gate.holder.close()


@contextmanager
def gate_before_update(table: str, condition: str) -> Iterator[Gate]:
    """Hold whoever updates a row of the table that meets the condition, before the row changes."""
    gate = Gate()
    try:
        gate.holder.execute(
            f"""
            CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
            CREATE TRIGGER gate BEFORE UPDATE ON {table} FOR EACH ROW
            WHEN ({condition}) EXECUTE FUNCTION wait_at_gate();
            """
        )
        gate.holder.execute("SELECT pg_advisory_lock(%s)", [GATE])
        yield gate
    finally:
        gate.holder.execute("SELECT pg_advisory_unlock_all()")
        wait_until(gate._is_quiet)
        gate.holder.execute(f"DROP TRIGGER gate ON {table}; DROP FUNCTION wait_at_gate()")
        gate.holder.close()
