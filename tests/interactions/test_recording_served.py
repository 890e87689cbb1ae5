"""Recording as it is served: the Procfile's web server and real connections."""

import http.client
import json
import os
import shlex
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.chaos.processes import test_database_url
from tests.interactions.recording import RESPOND, at_once, click, events, recorded
from tests.journeys.running import REPOSITORY, free_port
from tests.people import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
POSTERS = 50
START_SECONDS = 60


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the port answers; fail when the process has ended."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        assert process.poll() is None, f"ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("not serving")


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[int]:
    """Run a server for the length of a block; return its port."""
    process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def web(database_url: str) -> Any:
    """Serve as the Procfile does, on a free port."""
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    line = next(each.removeprefix("web: ") for each in lines if each.startswith("web: "))
    port = free_port()
    values = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_PROCESSES": "2", "WEB_THREADS": "4"}
    program, *rest = shlex.split(string.Template(line).substitute(values))
    return running([str(Path(sys.executable).parent / program), *rest], port, DATABASE_URL=database_url)


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    """Serve the test's database."""
    with web(test_database_url()) as served:
        yield served


def send(port: int, person: Person, body: Any, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Post over a connection of its own; return status, body and headers."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    client.request("POST", RESPOND, content, {"X-API-Key": person.key, "Content-Type": "application/json", **headers})
    response = client.getresponse()
    answer = response.status, json.loads(response.read()), dict(response.getheaders())
    client.close()
    return answer


def test_fifty_who_post_the_same_key_over_real_connections_make_one_row_and_one_event(
    engine: Person, port: int
) -> None:
    body = click()

    answers = at_once(POSTERS, lambda _: send(port, engine, body))

    assert sorted(status for status, _, _ in answers) == [200] * (POSTERS - 1) + [201]
    ids = {(answer["interactionId"], answer["eventId"]) for _, answer, _ in answers}
    assert ids == {(str(row.pk), str(row.event_id)) for row in recorded(engine.tenant)}
    assert [str(event.pk) for event in events(engine.tenant)] == [ids.pop()[1]]


def test_several_calls_over_one_connection_are_answered_each(engine: Person, port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"X-API-Key": engine.key, "Content-Type": "application/json"}
    statuses = []
    for body in (click(), {}, click(), click(outcome="nobody's"), click()):
        client.request("POST", RESPOND, json.dumps(body), headers)
        response = client.getresponse()
        response.read()
        statuses.append(response.status)
    client.close()

    assert statuses == [201, 400, 201, 422, 201]


def test_a_body_over_the_limit_is_413_over_the_wire(engine: Person, port: int) -> None:
    status, answer, _ = send(port, engine, b" " * 1_048_577)

    assert (status, answer["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_no_body_at_all_is_400(engine: Person, port: int) -> None:
    status, answer, _ = send(port, engine, b"")

    assert (status, answer["error"]["code"]) == (400, "BAD_REQUEST")


def test_a_body_in_chunks_is_refused_with_the_reason(engine: Person, port: int) -> None:
    content = json.dumps(click()).encode()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request(
        "POST", RESPOND, iter([content[:20], content[20:]]),
        {"X-API-Key": engine.key, "Content-Type": "application/json"}, encode_chunked=True,
    )  # fmt: skip
    response = client.getresponse()

    assert response.status == 400
    assert "Content-Length" in json.loads(response.read())["error"]["message"]
    client.close()


@pytest.mark.parametrize(("sent", "status"), [(b"k-1", 201), ("ключ".encode(), 400)], ids=["ASCII", "UTF-8"])
def test_a_key_in_the_header_is_ascii(engine: Person, port: int, sent: bytes, status: int) -> None:
    content = json.dumps(click(idempotencyKey=None)).encode()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.putrequest("POST", RESPOND)
    client.putheader("X-API-Key", engine.key)
    client.putheader("Content-Type", "application/json")
    client.putheader("Content-Length", str(len(content)))
    client.putheader("Idempotency-Key", sent)
    client.endheaders(content)
    response = client.getresponse()
    fields = json.loads(response.read()).get("error", {}).get("fields", {})
    client.close()

    assert (response.status, list(fields)) == (status, [] if status == 201 else ["idempotencyKey"])


def test_a_restart_of_every_connection_to_the_database_is_not_noticed(engine: Person, port: int) -> None:
    at_once(8, lambda _: send(port, engine, click()))
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid NOT IN (pg_backend_pid(), %s)",
            [connection.connection.info.backend_pid],
        )

    statuses = [send(port, engine, click())[0] for _ in range(16)]

    assert statuses == [201] * 16


def test_a_caller_who_hangs_up_in_the_middle_leaves_nothing(engine: Person, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as caller:
        head = f"POST {RESPOND} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {engine.key}\r\n"
        caller.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{".encode())

    assert send(port, engine, click())[0] == 201
    assert len(recorded(engine.tenant)) == 1
