"""Real publisher processes: killed and replaced side by side, stopped in the middle of a batch, frozen for too long."""

import fcntl
import os
import random
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from outbox.models import OutboxEvent, PublishedEvent, PublisherProcess
from tests.chaos.publishers import PATIENCE, Writer, arrived_in_log, count_left, manage, publishing, wait_until
from tests.chaos.publishers import PublisherProcess as Process

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]
TENANT = uuid.UUID(int=7)
KEYS = [f"customer-{number}" for number in range(30)]


@contextmanager
def stalled(log: Path) -> Iterator[None]:
    """Keep the event log to oneself: whoever publishes to it waits."""
    with log.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def tokens() -> set[uuid.UUID | None]:
    """Return the claims that the events are under."""
    return set(OutboxEvent.objects.across_tenants().values_list("claim_token", flat=True))


def is_claimed() -> bool:
    """Tell whether every event is under way."""
    return None not in tokens()


# --- Several at once


@pytest.mark.parametrize("count", [2, 4])
def test_publishers_that_are_killed_and_replaced_deliver_everything_in_the_order_of_its_key(
    tmp_path: Path, count: int
) -> None:
    log, writer, chance = tmp_path / "events.jsonl", Writer(TENANT), random.Random(count)
    values: dict[str, Any] = {
        "EVENT_PUBLISHER": "log", "OUTBOX_LOG_FILE": log, "OUTBOX_BATCH_SIZE": 7, "OUTBOX_LEASE_SECONDS": 2
    }  # fmt: skip
    with publishing(tmp_path, count, **values) as publishers:
        for _ in range(3):
            writer.write(100, KEYS)
            victim = chance.choice([each for each in publishers if each.process.poll() is None])
            victim.kill()
            publishers.append(Process(tmp_path, **values))
        wait_until(lambda: count_left() == 0)
        living = [each for each in publishers if each.process.poll() is None]

    assert len(living) == count
    arrived_in_log(log).assert_complete(writer)


def test_without_a_kill_nothing_is_sent_twice_however_many_publish(tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(TENANT)
    with publishing(
        tmp_path, 3, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, OUTBOX_BATCH_SIZE=7, OUTBOX_LEASE_SECONDS=60
    ):
        writer.write(300, KEYS)
        wait_until(lambda: count_left() == 0)

    arrivals = arrived_in_log(log)
    arrivals.assert_complete(writer)
    assert arrivals.repeated == 0


# --- A stop in good order


def test_a_stop_in_the_middle_of_a_batch_gives_it_back_within_the_budget(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    Writer(TENANT).write(8)
    # Without the stop this publish would go on for half an hour.
    with stalled(log), publishing(
        tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, OUTBOX_LEASE_SECONDS=3600,
        OUTBOX_SHUTDOWN_DRAIN_TIMEOUT_MS=300,
    ) as (publisher,):  # fmt: skip
        wait_until(is_claimed)
        code = publisher.stop()

    rows = OutboxEvent.objects.across_tenants().values_list("status", "attempts", "claim_token", "is_held")
    assert code == 0
    assert list(rows) == [("pending", 0, None, False)] * 8
    assert PublisherProcess.objects.count() == 0
    assert log.read_bytes() == b""


def test_a_stop_lets_a_batch_finish_that_can_and_sends_nothing_twice(tmp_path: Path) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(TENANT)
    writer.write(8)
    with publishing(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, OUTBOX_LEASE_SECONDS=60) as (publisher,):
        with stalled(log):
            wait_until(lambda: count_left() == 0 or is_claimed())
            publisher.process.send_signal(signal.SIGTERM)
        code = publisher.process.wait(PATIENCE)

    arrivals = arrived_in_log(log)
    assert (code, count_left(), arrivals.repeated) == (0, 0, 0)
    arrivals.assert_complete(writer)


# --- Exit codes and error ids


def test_a_wrong_setting_ends_the_process_with_2_and_its_name() -> None:
    run = manage("outbox_publisher", EVENT_PUBLISHER="kafka")

    assert (run.returncode, run.stdout) == (2, "")
    assert "KAFKA_BOOTSTRAP_SERVERS" in run.stderr
    assert "Traceback" not in run.stderr


@contextmanager
def without_claims_table() -> Iterator[None]:
    """Take away a table that the tier cannot do without: a fault that no wait mends."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_claims RENAME TO outbox_claims_gone")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE outbox_claims_gone RENAME TO outbox_claims")


def test_thirty_lasting_failures_end_the_process_with_3_each_with_an_id_that_the_next_one_carries(
    tmp_path: Path,
) -> None:
    publisher = Process(
        tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=tmp_path / "log", OUTBOX_POLL_INTERVAL_MS=10
    )  # fmt: skip
    try:
        with without_claims_table():
            code = publisher.process.wait(PATIENCE)
    finally:
        publisher.kill()

    failures, (end,) = publisher.entries("loop.failed"), publisher.entries("loop.gave_up")
    lasting = [entry for entry in failures if not entry["isTransient"]]
    ids = [entry["errorId"] for entry in failures]
    assert (code, len(lasting)) == (3, 30)
    assert [entry["previousErrorId"] for entry in failures] == ["", *ids[:-1]]
    assert end["errorId"] == ids[-1]
    assert len(set(ids)) == len(ids)


def test_a_drain_that_fails_has_an_error_id_and_carries_the_last_one(tmp_path: Path) -> None:
    with (
        publishing(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=tmp_path / "log") as (publisher,),
        without_claims_table(),
    ):
        wait_until(lambda: publisher.entries("loop.failed"))
        code = publisher.stop()

    (drain,) = publisher.entries("loop.drain_failed")
    assert (code, drain["message"], drain["level"]) == (0, "outbox-publisher drain failed", "ERROR")
    assert drain["errorId"]
    assert drain["previousErrorId"] == publisher.entries("loop.failed")[-1]["errorId"]


def test_the_liveness_file_grows_old_while_the_loop_hangs(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    with publishing(tmp_path, EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=log, OUTBOX_LEASE_SECONDS=3600) as (publisher,):
        with stalled(log):
            Writer(TENANT).write(1)
            wait_until(is_claimed)
            before = publisher.alive_file.stat().st_mtime_ns
            # The process lives and the kernel runs it; only its loop does not come round.
            turns = switches(publisher)
            wait_until(lambda: switches(publisher) > turns + 20)
            during = publisher.alive_file.stat().st_mtime_ns
        wait_until(lambda: publisher.alive_file.stat().st_mtime_ns > before)

    assert during == before


def switches(publisher: Process) -> int:
    """Return how often the process has gone to sleep by itself."""
    status = Path(f"/proc/{publisher.process.pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


# --- Slower than its lease


@pytest.mark.parametrize("is_late", [False, True], ids=["while the other publishes", "after the other has settled"])
def test_one_that_was_frozen_beyond_its_lease_acknowledges_nothing(tmp_path: Path, is_late: bool) -> None:
    log, writer = tmp_path / "events.jsonl", Writer(TENANT)
    log.touch()
    values: dict[str, Any] = {
        "EVENT_PUBLISHER": "log", "OUTBOX_LOG_FILE": log, "OUTBOX_HISTORY_HOURS": 1, "OUTBOX_LEASE_SECONDS": 8
    }  # fmt: skip
    with publishing(tmp_path, **values) as publishers:
        (slow,) = publishers
        wait_until(PublisherProcess.objects.exists)
        slow_id = PublisherProcess.objects.get().pk
        with stalled(log):
            writer.write(8, at_once=True)
            wait_until(is_claimed)
            before = tokens()
            os.kill(slow.process.pid, signal.SIGSTOP)
            publishers.append(quick := Process(tmp_path, **values).wait_started())
            wait_until(lambda: is_claimed() and not tokens() & before)
            taken_over = tokens()
            if not is_late:
                os.kill(slow.process.pid, signal.SIGCONT)
                wait_until(lambda: slow.entries("loop.failed") or slow.entries("outbox.lease_lost"))
                assert tokens() <= {*taken_over, None}
        wait_until(lambda: count_left() == 0)
        if is_late:
            os.kill(slow.process.pid, signal.SIGCONT)
            wait_until(lambda: slow.entries("loop.failed") or slow.entries("outbox.lease_lost"))
        codes = [slow.stop(), quick.stop()]

    kept = list(PublishedEvent.unscoped.values_list("publisher", "payload__number"))
    assert codes == [0, 0]
    assert len(kept) == 8
    assert slow_id not in {publisher for publisher, _ in kept}
    arrived_in_log(log).assert_complete(writer)
