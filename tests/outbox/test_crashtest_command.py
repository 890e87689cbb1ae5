"""`manage.py outbox_crashtest`: refusals, a run from end to end, a run on an outbox that was made to break its word."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.tenancy.models import Tenant
from outbox.crashtest.tenant import make_tenant, remove_remnants, remove_tenant
from outbox.models import DeadCount, DeadLetter, OutboxEvent, PublishedEvent, PublisherClaim, PublisherProcess
from outbox.services.telling import tell_dead
from tests.chaos.processes import ROOT, test_database_url
from tests.chaos.publishers import environment, manage, wait_until
from tests.outbox.line import claimed, dead, published, publisher, waiting
from tests.servers import unused_port

ROWS = (OutboxEvent, DeadLetter, DeadCount, PublishedEvent, PublisherClaim, PublisherProcess, SystemHealthAlert)

# --- Refusals

WRONG = [
    ({"EVENT_PUBLISHER": "carrier-pigeon"}, "EVENT_PUBLISHER"),
    ({"EVENT_PUBLISHER": "redis"}, "REDIS_URL"),
    ({"EVENT_PUBLISHER": "kafka"}, "KAFKA_BOOTSTRAP_SERVERS"),
    ({"EVENT_PUBLISHER": "kinesis", "AWS_REGION": "eu-central-1"}, "KINESIS_STREAM_NAME"),
    ({"EVENT_PUBLISHER": "log", "OUTBOX_POLL_INTERVAL_MS": "often"}, "OUTBOX_POLL_INTERVAL_MS"),
]


def refused(**options: Any) -> CommandError:
    with pytest.raises(CommandError) as error:
        call_command("outbox_crashtest", **options)
    return error.value


@pytest.mark.parametrize(("values", "name"), WRONG, ids=[name for _, name in WRONG])
def test_a_wrong_or_missing_setting_is_named_and_exits_with_2(
    values: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)

    error = refused()

    assert error.returncode == 2
    assert name in str(error)


@pytest.mark.parametrize("option", ["rounds", "events", "keys", "publishers", "patience"])
def test_an_option_that_would_prove_nothing_is_refused(option: str) -> None:
    error = refused(**{option: 0})

    assert (error.returncode, str(error)) == (2, f"--{option} must be at least 1, not 0.")


@pytest.mark.django_db
def test_a_back_end_that_nobody_can_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EVENT_PUBLISHER": "eventbridge",
        "EVENTBRIDGE_BUS_NAME": "b",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)

    error = refused()

    assert (error.returncode, "cannot be read back" in str(error)) == (2, True)


@pytest.mark.django_db
def test_a_log_that_is_no_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_PUBLISHER", "log")
    monkeypatch.setenv("OUTBOX_LOG_FILE", "/dev/null")

    error = refused()

    assert (error.returncode, "OUTBOX_LOG_FILE" in str(error)) == (2, True)


@pytest.mark.django_db
def test_a_back_end_that_is_away_exits_with_2_names_no_address_and_leaves_no_tenant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"127.0.0.1:{unused_port()}"
    monkeypatch.setenv("EVENT_PUBLISHER", "redis")
    monkeypatch.setenv("REDIS_URL", f"redis://:s3cret@{address}/0")

    error = refused()

    assert (error.returncode, str(error)) == (2, "Redis does not answer: ConnectionError.")
    assert not Tenant.objects.exists()


@pytest.mark.django_db
def test_beside_publishers_of_another_back_end_it_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVENT_PUBLISHER", "log")
    monkeypatch.setenv("OUTBOX_LOG_FILE", str(tmp_path / "log"))
    publisher(backend="kafka", heartbeat_at=timezone.now())

    error = refused()

    assert error.returncode == 2
    assert "publishes to kafka" in str(error)


# --- Its rows


@pytest.mark.django_db
def test_removing_the_tenant_takes_every_row_of_it_and_nobody_elses(acme: Tenant) -> None:
    tenant, now = make_tenant("1"), timezone.now()
    mine = publisher()
    for each in (tenant, acme):
        waiting(each)
        claimed(each)
        dead(each)
        published(each, at=now)
        tell_dead(tenant_id=each.pk, topic="t", count=1, reason_text="refused", now=now)
    publisher()

    remove_tenant(tenant, [mine.pk])

    counts = {model.__name__: model._base_manager.count() for model in ROWS}
    assert counts == {
        "OutboxEvent": 2, "DeadLetter": 1, "DeadCount": 1, "PublishedEvent": 1, "PublisherClaim": 0,
        "PublisherProcess": 1, "SystemHealthAlert": 1,
    }  # fmt: skip
    assert list(Tenant.objects.all()) == [acme]


@pytest.mark.django_db
def test_what_a_killed_test_left_a_day_ago_is_removed_by_the_next_one(acme: Tenant) -> None:
    old, recent = make_tenant("old"), make_tenant("recent")
    waiting(old)
    now = timezone.now()
    Tenant.objects.filter(pk__in=[old.pk, acme.pk]).update(created_at=now - timedelta(hours=25))

    remove_remnants(now)

    assert set(Tenant.objects.all()) == {recent, acme}
    assert OutboxEvent.objects.across_tenants().count() == 0


# --- Whole runs


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.django_db(transaction=True)
def test_a_run_ends_with_0_touches_nothing_of_others_and_leaves_nothing(acme: Tenant, tmp_path: Path) -> None:
    long_ago = timezone.now() - timedelta(hours=200)
    theirs = [waiting(acme, key).pk for key in "abc"]
    published(acme, at=long_ago)

    run = manage(
        "outbox_crashtest", "--rounds", 8, "--events", 400, "--keys", 40, "--json",
        EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=tmp_path / "log", OUTBOX_HISTORY_HOURS=1,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout)
    assert (found["clean"], found["total"]["kills"], found["total"]["published"]) == (True, 8, found["written"])
    assert str(acme.pk) not in (tmp_path / "log").read_text()
    assert list(OutboxEvent.objects.across_tenants().values_list("pk", "status", "attempts")) == [
        (pk, "pending", 0) for pk in theirs
    ]
    assert list(Tenant.objects.all()) == [acme]
    assert PublishedEvent.unscoped.count() == 1
    assert (PublisherClaim.objects.count(), PublisherProcess.objects.count()) == (0, 0)


SABOTAGE = """
CREATE TABLE again (id uuid PRIMARY KEY);
CREATE FUNCTION spoil_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    -- Lost: it commits for the writer and is not there.
    IF NEW.seq % 23 = 0 THEN RETURN NULL; END IF;
    -- Stuck: nobody has claimed it, and nobody can.
    IF NEW.seq % 29 = 0 THEN NEW.status := 'processing'; END IF;
    -- Out of order: before what was written before it in the same transaction.
    IF NEW.seq % 7 = 0 THEN NEW.seq := NEW.seq - 1000000; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION repeat_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    -- Duplicated: it comes back once after it has left.
    IF OLD.seq % 31 = 0 AND NOT EXISTS (SELECT 1 FROM again WHERE id = OLD.id) THEN
        INSERT INTO again VALUES (OLD.id);
        INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
        VALUES (OLD.id, OLD.tenant_id, OLD.topic, OLD.key, OLD.payload, OLD.occurred_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER spoil BEFORE INSERT ON outbox_events FOR EACH ROW EXECUTE FUNCTION spoil_event();
CREATE TRIGGER repeat AFTER DELETE ON outbox_events FOR EACH ROW EXECUTE FUNCTION repeat_event();
"""
REPAIR = """
DROP TRIGGER spoil ON outbox_events; DROP TRIGGER repeat ON outbox_events;
DROP FUNCTION spoil_event; DROP FUNCTION repeat_event; DROP TABLE again;
"""


@pytest.fixture
def broken_outbox(transactional_db: None) -> Iterator[None]:
    """Make the database lose, repeat, swap and forget events."""
    with connection.cursor() as cursor:
        cursor.execute(SABOTAGE)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(REPAIR)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("broken_outbox")
def test_a_run_on_an_outbox_that_breaks_its_word_finds_each_fault_and_ends_with_1(tmp_path: Path) -> None:
    run = manage(
        "outbox_crashtest", "--rounds", 1, "--events", 300, "--keys", 10, "--publishers", 1, "--patience", 1, "--json",
        EVENT_PUBLISHER="log", OUTBOX_LOG_FILE=tmp_path / "log",
    )  # fmt: skip

    assert run.returncode == 1, run.stderr
    found = json.loads(run.stdout)
    assert not found["clean"]
    assert found["total"]["lost"] > 0
    assert found["total"]["outOfOrder"] > 0
    assert found["total"]["stuck"] > 0
    assert found["unexplainedDuplicates"] > 0
    assert not Tenant.objects.exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bytes_published", [1, 30_000, 60_000])
def test_a_run_that_is_interrupted_ends_its_publishers_and_leaves_nothing(tmp_path: Path, bytes_published: int) -> None:
    values = {"EVENT_PUBLISHER": "log", "OUTBOX_LOG_FILE": str(tmp_path / "log")}
    before = sessions()
    run = subprocess.Popen(
        # So many events that the writers have something to do in every round.
        [sys.executable, "manage.py", "outbox_crashtest", "--rounds", "10000", "--events", "4000000"], cwd=ROOT,
        env=environment(values), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until((tmp_path / "log").exists)
        wait_until(lambda: (tmp_path / "log").stat().st_size >= bytes_published)
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=200)
    finally:
        run.kill()

    assert (run.returncode, errors.strip()) == (130, "CommandError: Interrupted; the test's rows are removed.")
    assert not Tenant.objects.exists()
    assert [model._base_manager.count() for model in ROWS] == [0] * len(ROWS)
    wait_until(lambda: sessions() <= before)


def sessions() -> int:
    """Return how many processes beside this one have a session on the database."""
    with psycopg.connect(test_database_url()) as session:
        row = session.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND pid <> %s", [connection.connection.info.backend_pid if connection.connection else 0],
        ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])
