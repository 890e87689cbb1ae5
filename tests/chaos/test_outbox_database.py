"""Publishers whose database restarts, cuts them off, or has no room for them: nothing lost, swapped or burnt."""

import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.chaos.own_server import OwnServer, own_server
from tests.chaos.publishers import PublisherProcess, Writer, arrived_in_log, count_left, publishing, rows, wait_until

__all__ = ["own_server"]
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400), pytest.mark.django_db]


@pytest.fixture
def server(own_server: OwnServer) -> OwnServer:
    """Return the server without events."""
    own_server.empty()
    return own_server


def failures(publisher: PublisherProcess) -> list[tuple[str, bool]]:
    """Return message and transience of the failed turns."""
    return [(entry["message"], entry["isTransient"]) for entry in publisher.entries("loop.failed")]


def assert_waited_out(publisher: PublisherProcess) -> None:
    """Assert that the process lives, and took each failure for a passing one."""
    assert publisher.process.poll() is None
    assert set(failures(publisher)) <= {("outbox-publisher tick failed", True)}


@pytest.mark.parametrize("manner", ["fast", "immediate"])
def test_a_restart_of_the_database_in_the_middle_of_the_work_loses_nothing(
    server: OwnServer, tmp_path: Path, manner: str
) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(uuid.uuid4(), server.url)
    writer.write(400)
    with publishing(
        tmp_path, 2, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=server.url, OUTBOX_BATCH_SIZE=5
    ) as publishers:
        wait_until(lambda: arrived_in_log(log).ids)
        server.restart(manner)
        writer.write(100)
        wait_until(lambda: count_left(server.url) == 0)
        for each in publishers:
            assert_waited_out(each)

    arrived_in_log(log).assert_complete(writer)


def test_back_ends_that_are_killed_again_and_again_lose_nothing(server: OwnServer, tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(uuid.uuid4(), server.url)
    with publishing(tmp_path, 2, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=server.url) as publishers:
        for _ in range(6):
            writer.write(40)
            # Those that were cut a moment ago may not be back yet.
            wait_until(lambda: server.terminate_all() > 0)
        wait_until(lambda: count_left(server.url) == 0)
        for each in publishers:
            assert_waited_out(each)

    arrived_in_log(log).assert_complete(writer)


def refused(publisher: PublisherProcess) -> list[dict[str, Any]]:
    """Return the failures that say that the server is full."""
    return [entry for entry in publisher.entries("loop.failed") if "too many clients" in entry["exc_info"]]


def test_a_full_server_is_waited_out_without_spinning_and_without_an_attempt(server: OwnServer, tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(uuid.uuid4(), server.url)
    with publishing(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=server.url) as (publisher,):
        with server.full():
            wait_until(lambda: len(failures(publisher)) >= 3 and refused(publisher))
        writer.write(40)
        wait_until(lambda: count_left(server.url) == 0)
        wait_until(lambda: publisher.entries("loop.recovered"))
        assert_waited_out(publisher)

    ids = [entry["errorId"] for entry in publisher.entries("loop.failed")]
    assert [entry["previousErrorId"] for entry in publisher.entries("loop.failed")][1:] == ids[:-1]
    arrived_in_log(log).assert_complete(writer)


def test_a_table_that_is_locked_is_waited_out(server: OwnServer, tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(uuid.uuid4(), server.url)
    writer.write(16)
    with psycopg.connect(server.url) as session:
        session.execute("LOCK TABLE outbox_events IN ACCESS EXCLUSIVE MODE")
        publisher = PublisherProcess(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, DATABASE_URL=server.url)
        try:
            wait_until(lambda: failures(publisher))
            session.rollback()
            wait_until(lambda: arrived_in_log(log).ids.total() == writer.total)
            wait_until(lambda: count_left(server.url) == 0)
            assert_waited_out(publisher)
        finally:
            publisher.kill()

    assert rows(server.url, "id") == []
    assert arrived_in_log(log).repeated == 0
