"""Where the outbox is measured: one database server with a database for each contender, and the peers' environment."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import django
import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PEERS: Final = ROOT / "benchmarks" / "peers"
REQUIREMENTS: Final = ROOT / "benchmarks" / "requirements-peers.txt"
PEERS_PYTHON: Final = ROOT / ".kaireon" / "bench" / "peers-venv" / "bin" / "python"
PEER_PACKAGES: Final = ("django-outbox-pattern", "pgqueuer", "asyncpg", "procrastinate")
OURS: Final = "kaireon"


def socket_folder() -> str:
    """Return the folder of the server's socket, from the address that `prepare` has put into the environment."""
    return unquote(urlsplit(os.environ["DATABASE_URL"]).netloc.rpartition("@")[2])


def dsn_of(database: str) -> str:
    """Return the address of a database on the server as every driver reads it."""
    return f"postgresql://postgres@/{database}?host={socket_folder()}"


def connect(database: str) -> psycopg.Connection:
    """Connect to a database of the server, without a transaction around each statement."""
    return psycopg.connect(dsn_of(database), autocommit=True)


def fresh_database(name: str) -> None:
    """Drop a contender's database and make it again. Ours is made by the server and migrated by Django."""
    with connect("postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


def settle(database: str) -> None:
    """Bring a database to rest after it was filled: statistics, visibility, and nothing left to write to disk."""
    with connect(database) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def ready_peers() -> Path:
    """Install the peers into their own environment unless they are there; return its interpreter."""
    mark = PEERS_PYTHON.parent.parent / ".installed"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return PEERS_PYTHON
    print("Installing the peers …", flush=True)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--clear", mark.parent, "--python", sys.executable], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", PEERS_PYTHON, "-r", REQUIREMENTS], check=True)
    mark.write_text(wanted, encoding="utf-8")
    return PEERS_PYTHON


def versions(*, with_peers: bool) -> str:
    """Say what was measured on, and that nothing is faster for being less safe."""
    with connect("postgres") as connection:
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
        shown = {name: connection.execute(f"SELECT current_setting('{name}')").fetchone() for name in names}
    values = {name: row[0] for name, row in shown.items() if row}
    assert values["fsync"] == values["synchronous_commit"] == "on", values
    server = ", ".join(f"{name} {value}" for name, value in values.items() if name != "server_version")
    clients = f"Django {django.__version__}, psycopg {psycopg.__version__}"
    kafka = importlib.metadata.version("confluent-kafka")
    lines = [
        f"Python {platform.python_version()}, {clients}, confluent-kafka {kafka}, {os.cpu_count()} CPUs",
        f"PostgreSQL {values['server_version']} ({server})",
    ]
    if with_peers:
        lines.append(f"Beside: {_peer_versions()}")
    return "\n".join(lines)


def _peer_versions() -> str:
    script = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    answer = subprocess.run(
        [PEERS_PYTHON, "-c", script, *PEER_PACKAGES], check=True, capture_output=True, encoding="utf-8"
    )
    return answer.stdout.strip()
