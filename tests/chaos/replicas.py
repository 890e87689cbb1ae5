"""Web servers as they are in production, granian with its workers and the ticker, in processes that a test kills."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from tests.chaos.processes import ROOT, test_database_url, wait_until
from tests.servers import unused_port

GRANIAN = str(Path(sys.executable).with_name("granian"))
REAL = "kaireon.wsgi:application"
PATIENCE = 90.0


class Replica:
    """One web server with a port and a data folder of its own; started again it keeps both."""

    def __init__(
        self, folder: Path, *, target: str = REAL, workers: int = 1, port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.target, self.workers, self.port = folder, target, workers, port or unused_port()
        self.log_file = folder / "log"
        self.environment = {
            **os.environ, "DATABASE_URL": test_database_url(), "KAIREON_DATA_DIR": str(folder),
            "PORT": str(self.port), "FLOW_INTERNAL_SCHEDULER_ENABLED": "true", "FLOW_SCHEDULER_INTERVAL_MS": "1000",
            "PYTHONUNBUFFERED": "1", **(environment or {}),
        }  # fmt: skip
        self.environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Replica":
        """Start it in a group of its own."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    GRANIAN, "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port),
                    "--workers", str(self.workers), "--blocking-threads", "2", "--respawn-failed-workers", "--no-ws",
                    "--log-level", "warning", self.target,
                ],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return self

    def wait_serving(self) -> "Replica":
        """Wait until it answers."""
        wait_until(self.is_serving, timeout=PATIENCE, said=lambda: self.log_text[-2000:])
        return self

    def is_serving(self) -> bool:
        """Tell whether it answers; one that has given up starts again."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self.port}/api/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    @property
    def log_text(self) -> str:
        """Return what it has written."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of its log; a line that a kill has cut is none."""
        found = []
        for line in self.log_text.splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and "level" in entry:
                    found.append(entry)
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log's entries about one kind of event."""
        return [entry for entry in self.entries() if entry.get("event") == name]

    def worker_pids(self) -> list[int]:
        """Return the processes that answer requests."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        return []

    def kill_worker(self, pid: int | None = None) -> None:
        """Send SIGKILL to a worker; the server replaces it."""
        for found in [pid] if pid else self.worker_pids()[:1]:
            with suppress(ProcessLookupError):
                os.kill(found, signal.SIGKILL)

    def kill(self) -> None:
        """Send SIGKILL to the whole group and reap it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def stop(self, timeout: float = 15) -> int:
        """Send SIGTERM to all of it, as `make run` and every supervisor do, and return the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(timeout)


@contextmanager
def serving(*replicas: Replica) -> Iterator[None]:
    """Run replicas for the length of a block; whatever happens, nothing of them is left."""
    try:
        for each in replicas:
            each.start()
        for each in replicas:
            each.wait_serving()
        yield
    finally:
        for each in replicas:
            each.kill()
