"""Start Kaireon as `make run` does, in a data folder of its own, and stop it as Ctrl-C does."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOP_SECONDS = 20


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a newcomer: nothing of the suite's own configuration.

    Nothing ticks by itself, so that a test sees what it did: FLOW_INTERNAL_SCHEDULER_ENABLED="true" is the newcomer's.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "KAIREON_DATA_DIR": str(folder), "FLOW_INTERNAL_SCHEDULER_ENABLED": "false", **more}


@dataclass
class Running:
    """A running `make run`; `output` grows while it runs."""

    process: "subprocess.Popen[str]"
    port: int
    folder: Path
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Return what was printed so far."""
        return "".join(self.lines)

    @property
    def address(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    def secret(self, name: str) -> str:
        """Return a generated secret from the data folder."""
        match = re.search(rf"^{name}=(.*)$", (self.folder / "secrets.env").read_text(), re.MULTILINE)
        assert match is not None, f"{name} is not in secrets.env"
        return match.group(1)

    def wait_until_serving(self) -> None:
        """Wait until the port answers; fail with the output when it does not, or when the process ended."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output
            with socket.socket() as probe:
                if "Stop " in self.output and probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"not serving after {START_SECONDS} s:\n{self.output}")

    def interrupt(self) -> int:
        """Send SIGINT to the whole group, as a terminal does, and return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


def start(folder: Path, port: int, **more: str) -> Running:
    """Start the launcher in its own process group."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kaireon.launch"],
        cwd=REPOSITORY,
        env=clean_environment(folder, PORT=str(port), **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = Running(process=process, port=port, folder=folder)
    threading.Thread(target=_collect, args=(running,), daemon=True).start()
    return running


def _collect(running: Running) -> None:
    assert running.process.stdout is not None
    with running.process.stdout as stream:
        for line in stream:
            running.lines.append(line)
