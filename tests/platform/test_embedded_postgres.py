"""The embedded server: it starts, is shared, keeps its data, survives a killed process, and refuses in one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from kaireon.platform.embedded_postgres import EmbeddedServer
from kaireon.platform.env import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[2]
START = (
    "import sys, time; from pathlib import Path\n"
    "from kaireon.platform.embedded_postgres import EmbeddedServer\n"
    "server = EmbeddedServer(Path(sys.argv[1])); print(server.start(), flush=True); time.sleep(float(sys.argv[2]))\n"
)


def start_elsewhere(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    """Start or join the server in another process, which holds it so long."""
    return subprocess.Popen(
        [sys.executable, "-c", START, str(folder), str(seconds)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def value_of(url: str, statement: str) -> str:
    """Return the one value that a statement answers with."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for the server's data."""
    return tmp_path / "data" / "postgres"


def test_the_server_starts_listens_on_no_port_and_keeps_its_data(folder: Path) -> None:
    server = EmbeddedServer(folder, settings={"work_mem": "7MB"})
    url = server.start()
    try:
        assert url.startswith("postgres://postgres@%2F")
        assert url.endswith("/kaireon")
        assert value_of(url, "SHOW listen_addresses") == ""
        assert value_of(url, "SHOW work_mem") == "7MB"
        assert value_of(url, "SHOW timezone") == "UTC"
        value_of(url, "CREATE TABLE kept AS SELECT 42 AS n")
    finally:
        server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)

    again = EmbeddedServer(folder)
    try:
        assert value_of(again.start(), "SELECT n FROM kept") == "42"
    finally:
        again.stop()


def test_processes_that_start_together_share_one_server_and_the_last_one_stops_it(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    first, second = start_elsewhere(folder, 0), start_elsewhere(folder, 3)
    assert second.stdout is not None
    url = second.stdout.readline().strip()
    out, _ = first.communicate(timeout=60)

    assert out.strip() == url
    assert value_of(url, "SELECT 1") == "1"
    second.communicate(timeout=60)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_process_that_was_killed_does_not_keep_the_server_up_after_the_last_one(folder: Path) -> None:
    server = EmbeddedServer(folder)
    url = server.start()
    killed = start_elsewhere(folder, 60)
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)

    server.stop()

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_process_that_was_killed_leaves_a_server_that_the_next_one_uses(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    process = start_elsewhere(folder, 60)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    value_of(url, "CREATE TABLE kept AS SELECT 42 AS n")

    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)

    server = EmbeddedServer(folder)
    try:
        assert value_of(server.start(), "SELECT n FROM kept") == "42"
    finally:
        server.stop()


def test_a_first_start_that_was_killed_halfway_is_begun_again(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    process = start_elsewhere(folder, 60)
    deadline = time.monotonic() + 30
    while not any(folder.parent.glob("postgres*/PG_VERSION")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)

    server = EmbeddedServer(folder)
    try:
        assert value_of(server.start(), "SELECT 1") == "1"
        assert value_of(server.start(), "SHOW max_connections") == "200"
    finally:
        server.stop()


def test_a_folder_that_cannot_hold_a_server_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=f"cannot start in {tmp_path}/file"):
        EmbeddedServer(tmp_path / "file" / "postgres").start()
