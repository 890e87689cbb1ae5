"""Real workers of pipelines for tests that kill them, and the gates that hold one at a boundary of its run."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.processes import GATE, ROOT, Gate, test_database_url, wait_until


class Worker:
    """One process with all of its children, in a group of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        """Send SIGKILL to the whole group and reap it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=10)

    def freeze(self) -> None:
        """Stop the whole group where it is, as a machine that is suspended does."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def finish(self, timeout: float = 60) -> str:
        """Wait until it has ended well, and return what it said."""
        out, _ = self.process.communicate(timeout=timeout)
        assert self.process.returncode == 0, out
        return out

    def stop(self) -> str:
        """Ask it to end, wait for that, and return what it said."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish()


def environment(inbox: Path, **more: str) -> dict[str, str]:
    """Return what a worker needs to work on the test's database and folders."""
    root = inbox.parent
    return {
        "DATABASE_URL": test_database_url(), "FLOW_LOCAL_FS_ROOTS": str(root),
        "FLOW_TEMP_DIR": str(root.parent / "work"), "FLOW_THREADS": "1", **more,
    }  # fmt: skip


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Worker]:
    """Run a process for the length of a block; whatever happens, nothing of it is left."""
    worker = Worker(command, environment)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()


@contextmanager
def flow_worker(inbox: Path, *arguments: str, **more: str) -> Iterator[Worker]:
    """Run `manage.py run_worker --only flows`, one pass unless told otherwise."""
    command = ["manage.py", "run_worker", "--only", "flows", *(arguments or ("--once",))]
    with running(command, environment(inbox, **more)) as worker:
        yield worker


@contextmanager
def gate_in(trigger: str, table: str) -> Iterator[Gate]:
    """Hold whoever meets a trigger: `trigger` is what stands between its name and EXECUTE, over the table."""
    gate = Gate()
    try:
        gate.holder.execute(
            f"""
            CREATE FUNCTION wait_at_flow_gate() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
            CREATE {trigger.format(table=table)} EXECUTE FUNCTION wait_at_flow_gate();
            """
        )
        gate.holder.execute("SELECT pg_advisory_lock(%s)", [GATE])
        yield gate
    finally:
        gate.holder.execute("SELECT pg_advisory_unlock_all()")
        wait_until(gate._is_quiet)
        gate.holder.execute(f"DROP TRIGGER flow_gate ON {table}; DROP FUNCTION wait_at_flow_gate()")
        gate.holder.close()


BEFORE_UPDATE = "TRIGGER flow_gate BEFORE UPDATE ON {{table}} FOR EACH ROW WHEN ({condition})"
BEFORE_INSERT = "TRIGGER flow_gate BEFORE INSERT ON {{table}} FOR EACH ROW WHEN ({condition})"
# At the very end of a transaction, in its COMMIT.
AT_COMMIT = (
    "CONSTRAINT TRIGGER flow_gate AFTER UPDATE ON {{table}} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
    "WHEN ({condition})"
)


def at(trigger: str, condition: str) -> str:
    """Return a trigger with its condition."""
    return trigger.format(condition=condition)
