"""Web servers as the Procfile starts them: granian with the same workers and threads for ours and the bare view."""

import os
import shlex
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.outbox_lab.lab import ROOT

APPLICATION: Final = "kaireon.wsgi:application"
START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server."""

    port: int
    process: "subprocess.Popen[bytes]"

    def cpu(self) -> float:
        """Return the CPU seconds of the server and its workers so far."""
        root = psutil.Process(self.process.pid)
        return sum(_seconds(each) for each in (root, *root.children(recursive=True)))


def postgres_cpu() -> float:
    """Return the CPU seconds of every process of the database server so far."""
    pid = int((Path(os.environ["KAIREON_DATA_DIR"]) / "postgres" / "postmaster.pid").read_text().split()[0])
    root = psutil.Process(pid)
    # A back end that has ended is counted by its parent.
    ended = root.cpu_times()
    running = sum(_seconds(each) for each in root.children(recursive=True))
    return running + _seconds(root) + ended.children_user + ended.children_system


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def serving(application: str, environment: Mapping[str, str], *, workers: int, threads: int) -> Iterator[Server]:
    """Serve an application on a free port for the length of a block."""
    port = _free_port()
    command = _command(application, port=port, workers=workers, threads=threads)
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", **environment})
    try:
        _await(port, process)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(30)


def _command(application: str, *, port: int, workers: int, threads: int) -> list[str]:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    web = next(line.removeprefix("web: ") for line in lines if line.startswith("web: "))
    values = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_PROCESSES": str(workers), "WEB_THREADS": str(threads)}
    program, *rest = shlex.split(string.Template(web).substitute(values))
    return [
        str(Path(sys.executable).parent / program),
        *(application if part == APPLICATION else part for part in rest),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")
