"""Publishers behind PgBouncer in transaction mode: they find out that the bell is silent there, or listen past it."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from outbox.services import enqueue
from outbox.services.enqueueing import DOOR_LOCK
from tests.chaos.processes import test_database_url
from tests.chaos.publishers import TOPIC, Writer, arrived_in_log, count_left, publishing, wait_until
from tests.servers import unused_port

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]
TENANT = uuid.UUID(int=7)
CONFIGURATION = """
[databases]
{name} = host={host} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextmanager
def bouncer(pool: int = 4) -> Iterator[str]:
    """Run PgBouncer before the test's database and yield its URL; without the program skip, except in CI."""
    program = shutil.which("pgbouncer")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Debian's pgbouncer is not installed; .ci/run installs it")
        pytest.skip("needs the program pgbouncer")
    folder, port, parts = Path(tempfile.mkdtemp(prefix="kaireon-bouncer-")), unused_port(), connection.settings_dict
    (folder / "ini").write_text(
        CONFIGURATION.format(
            name=parts["NAME"], host=parts["HOST"], user=parts["USER"], port=port, pool=pool, folder=folder
        )
    )
    # It does not run as root, and the way to the server's socket is the server's own.
    owner = Path(parts["HOST"]).owner()
    as_owner = ["-u", owner] if os.geteuid() == 0 else []
    if as_owner:
        shutil.chown(folder, owner)
    process = subprocess.Popen([program, "-q", *as_owner, str(folder / "ini")], stderr=subprocess.DEVNULL)
    url = f"postgres://{parts['USER']}@127.0.0.1:{port}/{parts['NAME']}"
    try:
        wait_until(lambda: answers(url))
        yield url
    finally:
        process.kill()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def answers(url: str) -> bool:
    """Tell whether a session can be had there."""
    try:
        with psycopg.connect(url, connect_timeout=5) as session:
            return session.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def has_waiting_clients(url: str) -> bool:
    """Tell whether somebody waits for a connection of the pool."""
    with psycopg.connect(url.rpartition("/")[0] + "/pgbouncer", autocommit=True) as console:
        cursor = console.execute("SHOW POOLS")
        names = [column.name for column in cursor.description or []]
        return any(int(row[names.index("cl_waiting")]) for row in cursor.fetchall())


def is_door_closed() -> bool:
    """Tell whether a publisher sleeps and will hear the bell."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
            " AND (classid::bigint << 32) + objid::bigint = %s)", [DOOR_LOCK],
        )  # fmt: skip
        return bool(cursor.fetchone()[0])


def test_without_a_way_past_it_publishers_poll_and_deliver_everything_in_order(tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(TENANT)
    with (
        bouncer() as url,
        publishing(tmp_path, 2, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=url) as publishers,
    ):
        wait_until(lambda: all(each.entries("outbox.bell_unheard") for each in publishers))
        writer.write(200)
        wait_until(lambda: count_left() == 0)
        failed = [each.entries("loop.failed") for each in publishers]

        wait_until(lambda: not is_door_closed())
    assert failed == [[], []]
    arrived_in_log(log).assert_complete(writer)
    assert arrived_in_log(log).repeated == 0


def test_with_a_way_past_it_a_sleeping_publisher_hears_the_bell(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    # Longer than anybody waits here: only the bell can wake it.
    with (
        bouncer() as url,
        publishing(
            tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=url,
            OUTBOX_LISTEN_URL=test_database_url(), OUTBOX_POLL_INTERVAL_MS=60_000,
        ),
    ):  # fmt: skip
        for number in range(1, 4):
            wait_until(is_door_closed)
            with transaction.atomic():
                enqueue(tenant_id=TENANT, topic=TOPIC, payload={"number": number}, key="a", now=timezone.now())
            wait_until(lambda: count_left() == 0)

    assert arrived_in_log(log).by_key == {"a": [1, 2, 3]}


def test_a_pool_without_a_free_connection_is_waited_out(tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(TENANT)
    with (
        bouncer(pool=1) as url,
        publishing(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=url) as (publisher,),
    ):
        wait_until(lambda: publisher.entries("outbox.bell_unheard"))
        with psycopg.connect(url) as session:
            # A transaction that stays open has the pool's only connection.
            session.execute("SELECT 1")
            writer.write(40)
            wait_until(lambda: has_waiting_clients(url))
            before = publisher.alive_file.stat().st_mtime_ns
            assert count_left() == 40
        wait_until(lambda: count_left() == 0)
        wait_until(lambda: publisher.alive_file.stat().st_mtime_ns > before)

        assert publisher.process.poll() is None
    arrived_in_log(log).assert_complete(writer)
