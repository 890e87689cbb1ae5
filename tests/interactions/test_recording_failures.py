"""Both rows or neither: whatever the database refuses, cuts off or loses in the middle."""

import io
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import close_old_connections, connection, transaction
from psycopg.pq import Trace

from interactions.models import DecisionTrace
from kaireon.platform.telemetry.logs import JsonLogFormatter
from kaireon.platform.tenancy.key_memory import forget
from kaireon.platform.tenancy.models import ApiKey
from outbox.services.enqueueing import BELL, DOOR_LOCK
from tests.interactions.line import line_to_the_database
from tests.interactions.recording import DECISIONS, RESPOND, at_once, click, decision, events, post, recorded
from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = pytest.mark.parametrize("path", [RESPOND, DECISIONS])
SECRET = "customer-whom-no-log-may-name"


def body_for(path: str, **changes: Any) -> dict[str, Any]:
    """Return a body that the route takes."""
    return click(**changes) if path == RESPOND else decision(**changes)


@contextmanager
def schema_change(do: str, undo: str) -> Iterator[None]:
    """Change the schema for the length of a block, over a connection of its own."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        session.execute(do)
        try:
            yield
        finally:
            session.execute(undo)


@contextmanager
def refusing(topic: str) -> Iterator[None]:
    """Let the outbox refuse events of a topic."""
    with schema_change(
        f"ALTER TABLE outbox_events ADD CONSTRAINT no_more CHECK (topic <> '{topic}')",
        "ALTER TABLE outbox_events DROP CONSTRAINT no_more",
    ):
        yield


@contextmanager
def cutting_off(table: str, *, times: int = 1000) -> Iterator[None]:
    """End the connection of whoever inserts into the table, so many times."""
    do = f"""
        CREATE SEQUENCE cuts;
        CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('cuts') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER cut BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION cut_off();
    """
    with schema_change(do, f"DROP TRIGGER cut ON {table}; DROP FUNCTION cut_off(); DROP SEQUENCE cuts"):
        yield


@contextmanager
def log_lines() -> Iterator[io.StringIO]:
    """Write what recording logs as the product writes it."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLogFormatter())
    logger = logging.getLogger("interactions.services.recording")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


def nothing_is_written(person: Person) -> bool:
    """Tell whether neither row nor event is there."""
    traces = DecisionTrace.objects.for_tenant(person.tenant).exists()
    return not (recorded(person.tenant) or traces or events(person.tenant))


@BOTH
def test_an_event_that_cannot_be_written_is_500_and_takes_its_row_along(engine: Person, path: str) -> None:
    topic = "interaction.recorded.v1" if path == RESPOND else "decision.made.v1"
    body = body_for(path)

    with refusing(topic):
        response = post(engine, body, path)
        nothing = nothing_is_written(engine)
    again = post(engine, body, path)

    assert response.status_code == 500
    assert list(response.json()["error"]) == ["code", "message", "status", "errorId", "requestId"]
    assert response.json()["error"]["code"] == "INTERNAL"
    assert nothing
    assert again.status_code == 201


def test_an_outcome_event_that_cannot_be_written_takes_row_and_first_event_along(engine: Person) -> None:
    with refusing("outcome.recorded"):
        response = post(engine, click(outcome="convert"))

    assert response.status_code == 500
    assert nothing_is_written(engine)


def test_the_log_says_why_with_the_ids_of_the_answer_and_without_what_was_sent(
    engine: Person, caplog: pytest.LogCaptureFixture
) -> None:
    body = click(customerId=SECRET, context={"note": SECRET})
    with refusing("interaction.recorded.v1"), log_lines() as lines:
        answer = post(engine, body, **{"X-Request-Id": "request-of-mine"}).json()["error"]

    record = next(each for each in caplog.records if each.message == "recording failed")
    line = json.loads(lines.getvalue())
    found = {
        name: getattr(record, name) for name in ("event", "errorId", "tenantId", "sqlState", "table", "constraint")
    }
    assert found == {
        "event": "respond.failed", "errorId": answer["errorId"], "tenantId": str(engine.tenant.pk), "sqlState": "23514",
        "table": "outbox_events", "constraint": "no_more",
    }  # fmt: skip
    assert "no_more" in line["reason"]
    assert line["requestId"] == answer["requestId"] == "request-of-mine"
    assert SECRET not in lines.getvalue() + caplog.text
    assert SECRET not in str(answer)


@BOTH
def test_a_connection_that_had_died_unnoticed_costs_nobody_an_answer(engine: Person, path: str) -> None:
    post(engine, body_for(path), path)
    kill_own_connection()

    response = post(engine, body_for(path), path)

    assert response.status_code == 201


@BOTH
def test_a_call_that_is_cut_off_in_the_middle_is_made_again_and_written_once(engine: Person, path: str) -> None:
    post(engine, body_for(path), path)
    with cutting_off("outbox_events", times=1):
        response = post(engine, body_for(path), path)

    assert response.status_code == 201
    assert len(events(engine.tenant)) == 2


def test_an_answer_that_is_lost_after_the_commit_is_found_by_the_second_call(engine: Person, tmp_path: Path) -> None:
    with line_to_the_database(tmp_path) as line:
        post(engine, click())
        line.lose_next_answer()
        response = post(engine, click(rank=2))

    assert line.lost == 1
    assert response.status_code == 201
    assert list(response.json()) == ["interactionId", "eventId", "status"]
    assert [str(row.pk) for row in recorded(engine.tenant) if row.rank == 2] == [response.json()["interactionId"]]
    assert len(events(engine.tenant)) == 2


@BOTH
def test_a_new_connection_that_is_cut_off_in_the_middle_is_made_once_more(engine: Person, path: str) -> None:
    post(engine, body_for(path), path)
    connection.close()
    with cutting_off("outbox_events", times=1):
        response = post(engine, body_for(path), path)

    assert response.status_code == 201
    assert len(events(engine.tenant)) == 2


@BOTH
def test_an_answer_that_a_new_connection_loses_after_the_commit_is_found(
    engine: Person, path: str, tmp_path: Path
) -> None:
    post(engine, body_for(path), path)
    with line_to_the_database(tmp_path) as line:
        line.lose_next_answer(b"recorded ")
        response = post(engine, body_for(path), path)

    assert (line.lost, response.status_code) == (1, 201)
    assert [str(event.pk) for event in events(engine.tenant)][1:] == [response.json()["eventId"]]


@BOTH
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_whatever_level_the_server_isolates_at_a_key_is_recorded_once_and_found_by_all(
    engine: Person, path: str, level: str
) -> None:
    name = connection.settings_dict["NAME"]
    bodies = [body_for(path) for _ in range(10)]
    with schema_change(
        f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'",
        f'ALTER DATABASE "{name}" RESET default_transaction_isolation',
    ):
        statuses = [
            sorted(statuses)
            for statuses in zip(
                *at_once(8, lambda _: [post(engine, body, path).status_code for body in bodies]), strict=True
            )
        ]

    assert statuses == [[200] * 7 + [201]] * len(bodies)
    assert len(events(engine.tenant)) == len(bodies)


def test_transactions_are_read_committed_whatever_the_server_prefers(engine: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'serializable'")
        with transaction.atomic():
            cursor.execute("SHOW transaction_isolation")
            level = cursor.fetchone()[0]
    connection.close()

    assert level == "read committed"


@BOTH
def test_a_session_that_only_reads_since_a_failover_is_left_for_a_new_one(engine: Person, path: str) -> None:
    post(engine, body_for(path), path)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    status = post(engine, body_for(path), path).status_code
    connection.close()

    assert (status, len(events(engine.tenant))) == (201, 2)


def test_a_session_that_only_reads_is_left_too_when_the_use_of_a_key_is_to_be_noted(engine: Person) -> None:
    post(engine, click())
    ApiKey.objects.for_tenant(engine.tenant).update(last_used_at=None)
    forget(engine.key)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    status = post(engine, click()).status_code
    connection.close()

    assert (status, len(events(engine.tenant))) == (201, 2)


def test_a_server_that_goes_on_cutting_is_500_and_the_callers_retry_is_safe(engine: Person) -> None:
    post(engine, click())
    body = click()
    with cutting_off("outbox_events"):
        response = post(engine, body)
    again = post(engine, body)

    assert response.status_code == 500
    assert again.status_code == 201
    assert len(recorded(engine.tenant)) == 2


def test_a_database_that_only_reads_is_500_with_the_reason_in_the_log(
    engine: Person, caplog: pytest.LogCaptureFixture
) -> None:
    post(engine, click())
    name = connection.settings_dict["NAME"]
    with schema_change(
        f'ALTER DATABASE "{name}" SET default_transaction_read_only = on',
        f'SET transaction_read_only = off; ALTER DATABASE "{name}" RESET default_transaction_read_only',
    ):
        connection.close()
        response = post(engine, click())
        connection.close()

    assert response.status_code == 500
    record = next(each for each in caplog.records if each.message == "recording failed")
    assert getattr(record, "sqlState", "") == "25006"
    assert "read-only" in getattr(record, "reason", "")
    assert post(engine, click()).status_code == 201


def test_a_database_that_is_away_is_503_in_the_envelope(engine: Person) -> None:
    post(engine, click())
    settings = connection.settings_dict
    there = settings["HOST"]
    connection.close()
    settings["HOST"] = "/nowhere"
    try:
        response = post(engine, click())
    finally:
        settings["HOST"] = there

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "UNAVAILABLE"
    assert response.json()["error"]["errorId"]
    assert post(engine, click()).status_code == 201


def kill_own_connection() -> None:
    """End this thread's connection as an administrator or a restarted server does."""
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        session.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


@BOTH
def test_a_recording_is_one_message_to_the_database_and_one_back(engine: Person, path: str, tmp_path: Path) -> None:
    post(engine, body_for(path), path)

    with (tmp_path / "trace").open("w") as trace:
        libpq = connection.connection.pgconn
        libpq.trace(trace.fileno())
        libpq.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        # What Django does at the start of a request: the connection is to be asked for its health.
        close_old_connections()
        status = post(engine, body_for(path), path).status_code
        libpq.untrace()

    spoken = [line.split("\t")[2] for line in (tmp_path / "trace").read_text().splitlines()]
    assert status == 201
    assert spoken.count("ReadyForQuery") == spoken.count("Sync") == 1
    assert "Query" not in spoken


def test_nobody_is_notified_while_no_publisher_sleeps_and_one_that_does_is_woken(engine: Person) -> None:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        session.execute(f"LISTEN {BELL}")
        post(engine, click())
        quiet = list(session.notifies(timeout=0.2, stop_after=1))
        session.execute(f"SELECT pg_advisory_lock({DOOR_LOCK})")
        post(engine, click())
        post(engine, decision(), DECISIONS)
        rung = list(session.notifies(timeout=30, stop_after=2))

    assert (len(quiet), len(rung)) == (0, 2)


def test_a_customers_events_stand_in_the_order_in_which_they_were_answered(engine: Person) -> None:
    ids = [post(engine, click()).json()["eventId"] for _ in range(10)]

    assert [str(event.pk) for event in events(engine.tenant)] == ids


def test_recordings_of_many_at_once_do_not_wait_for_or_lose_each_other(engine: Person) -> None:
    responses = at_once(16, lambda number: [post(engine, click(customerId=f"c-{number}")) for _ in range(5)])

    ids = {response.json()["eventId"] for each in responses for response in each}
    assert len(ids) == 80
    assert {str(event.pk) for event in events(engine.tenant)} == ids
    assert {uuid.UUID(each) for each in ids} == {row.event_id for row in recorded(engine.tenant)}
