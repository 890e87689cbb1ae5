"""The Test of connectors against real servers on this machine, and against those that lie or say nothing."""

import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from flows.decisions.vocabulary import ConnectorType
from flows.models import Connector
from flows.services import connection_tests
from flows.services.probing import Described, Unreachable, probe, web_headers
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_connector
from tests.people import Person
from tests.servers import Reply, raw_server, receiving, unused_port

pytestmark = pytest.mark.django_db
PATH = "/api/v1/connectors/test"


@pytest.fixture
def allowed(settings: Any) -> Any:
    """Allow places of this machine, as an operator does."""

    def allow(*places: str) -> None:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = list(places)

    return allow


def described(kind: str, config: dict[str, Any], **secret: str) -> Described:
    return Described(ConnectorType(kind), config, "access_key", secret)


def test_a_folder_is_listed(eve: Person, tmp_path: Path, settings: Any) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "orders.csv").write_text("a\n1\n")
    connector = make_connector(eve.tenant, config={"basePath": str(tmp_path / "inbox")})

    answer = eve.api().post(PATH, {"connectorId": str(connector.pk)}, format="json")

    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["status"]) == (True, "ok")
    assert "1 file at its start" in answer.json()["message"]
    row = eve.api().get(f"/api/v1/connectors/{connector.pk}").json()
    assert (row["status"], row["lastError"], row["lastTestedAt"] is None) == ("ok", None, False)


def test_a_folder_outside_of_the_roots_fails_and_the_reason_is_kept(
    eve: Person, tmp_path: Path, settings: Any
) -> None:  # fmt: skip
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    connector = make_connector(eve.tenant, config={"basePath": "/etc"})

    answer = eve.api().post(PATH, {"connectorId": str(connector.pk)}, format="json").json()

    row = Connector.objects.for_tenant(eve.tenant).get()
    assert (answer["success"], row.status, row.last_error) == (False, "failed", answer["message"])


def test_a_change_makes_a_tested_connector_untested(eve: Person, tmp_path: Path, settings: Any) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    connector = make_connector(eve.tenant, config={"basePath": str(tmp_path)})
    client = eve.api()
    client.post(PATH, {"connectorId": str(connector.pk)}, format="json")

    path = f"/api/v1/connectors/{connector.pk}"
    renamed = client.patch(path, {"name": "Other"}, format="json").json()
    moved = client.patch(path, {"config": {"basePath": "/tmp"}}, format="json").json()

    assert (renamed["status"], moved["status"]) == ("ok", "untested")


def test_what_nobody_has_saved_is_tested_and_not_kept(eve: Person, allowed: Any) -> None:
    with receiving(lambda got: Reply(200)) as server:
        allowed(server.place)
        body = {"type": "rest_api", "config": {"url": server.url("/v1")}, "authConfig": {"token": "zebra"}}

        answer = eve.api().post(PATH, body, format="json")

    assert answer.json() | {"durationMs": 0} == {
        "connectorId": None, "success": True, "status": "ok", "message": "The server answered 200.", "durationMs": 0,
    }  # fmt: skip
    assert server.got[-1].headers["authorization"] == "Bearer zebra"
    assert not Connector.objects.for_tenant(eve.tenant).exists()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "connectorId"),
        ({"connectorId": "x"}, 400, "connectorId"),
        ({"connectorId": "0192f0c1-7e5a-7cc0-8a55-0123456789ab"}, 404, ""),
        ({"connectorId": "0192f0c1-7e5a-7cc0-8a55-0123456789ab", "config": {}}, 400, "connectorId"),
        ({"type": "ftp"}, 400, "type"),
        ({"type": "aws_s3", "config": {"bucket": "acme"}}, 422, "config.region"),
        ({"type": "rest_api", "config": {"url": "http://10.0.0.7/"}}, 422, "config.url"),
    ],
    ids=["empty", "no-id", "nobodys", "both", "type", "half", "private"],
)
def test_a_test_that_cannot_be_is_refused(eve: Person, body: dict[str, Any], status: int, field: str) -> None:
    answer = eve.api().post(PATH, body, format="json")

    assert answer.status_code == status
    assert not field or field in answer.json()["error"]["fields"]


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("rest_api", 401, "does not take these credentials"),
        ("http_pull", 404, "answered 404"),
        ("rest_api", 500, "answered 500"),
    ],
    ids=["credentials", "missing", "broken"],
)
def test_a_web_server_that_refuses_is_a_failed_test(allowed: Any, kind: str, status: int, words: str) -> None:
    with receiving(lambda got: Reply(status)) as server:
        allowed(server.place)

        with pytest.raises(Unreachable, match=words):
            probe(described(kind, {"url": server.url()}))


def test_a_webhook_that_takes_no_get_is_there(allowed: Any) -> None:
    with receiving(lambda got: Reply(405)) as server:
        allowed(server.place)

        assert probe(described("webhook", {"url": server.url()})) == "The server answered 405."


@pytest.mark.parametrize(
    ("secret", "headers"),
    [
        ({"token": "a"}, {"Authorization": "Bearer a"}),
        ({"username": "ann", "password": "b:c"}, {"Authorization": "Basic YW5uOmI6Yw=="}),
        ({"headerName": "X-Key", "headerValue": "k"}, {"X-Key": "k"}),
        ({}, {}),
    ],
    ids=["token", "basic", "header", "none"],
)
def test_credentials_of_the_web_go_into_headers(secret: dict[str, str], headers: dict[str, str]) -> None:
    assert web_headers(secret) == headers


@pytest.mark.parametrize("kind", ["postgresql", "redshift", "mysql"])
def test_a_database_of_this_house_is_not_called(kind: str) -> None:
    with pytest.raises(Unreachable, match="private, local or reserved"):
        probe(described(kind, {"host": "127.0.0.1", "port": 5432, "database": "shop"}))


def test_a_server_that_is_no_postgresql_is_refused(allowed: Any) -> None:
    with raw_server(lambda plain: plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        allowed(f"127.0.0.1:{port}")

        with pytest.raises(Unreachable, match="refused"):
            probe(described("postgresql", {"host": "127.0.0.1", "port": port, "database": "shop"}, password="zebra"))


def test_a_port_on_which_nobody_listens_is_said_to_be_so(allowed: Any) -> None:
    port = unused_port()
    allowed(f"127.0.0.1:{port}")

    for kind in ("postgresql", "mysql"):
        with pytest.raises(Unreachable, match="could not be reached"):
            probe(described(kind, {"host": "127.0.0.1", "port": port, "database": "shop"}))


def greet(plain: socket.socket) -> None:
    """Greet as MySQL does."""
    packet = b"\x0a" + b"8.0.36\0" + b"\0" * 40
    plain.sendall(len(packet).to_bytes(3, "little") + b"\0" + packet)


def test_a_mysql_server_tells_its_version(allowed: Any) -> None:
    with raw_server(greet) as port:
        allowed(f"127.0.0.1:{port}")

        words = probe(described("mysql", {"host": "127.0.0.1", "port": port, "database": "shop"}))

    assert words == "A MySQL server of version 8.0.36 answers. Name and password were not tried."


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"\0" * 6_000_000, "no MySQL server"),
        (b"\x17\0\0\0\xff\x6a\x04Host is not allowed!!", "Host is not allowed"),
        (b"", "cut before"),
    ],
    ids=["ssh", "blocked", "silent"],
)
def test_what_is_no_mysql_server_is_told_apart(allowed: Any, sent: bytes, words: str) -> None:
    with raw_server(lambda plain: plain.sendall(sent)) as port:
        allowed(f"127.0.0.1:{port}")

        with pytest.raises(Unreachable, match=words):
            probe(described("mysql", {"host": "127.0.0.1", "port": port, "database": "shop"}))


def test_a_kafka_broker_answers(allowed: Any) -> None:
    cluster = Producer({"bootstrap.servers": "mock:1", "test.mock.num.brokers": 1})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    place = f"{broker.host}:{broker.port}"
    allowed(place)

    assert probe(described("kafka", {"bootstrapServers": place})) == (
        f"A Kafka broker answers at {place}. Credentials were not tried."
    )


def test_what_is_no_kafka_broker_is_told_apart_and_the_next_is_asked(allowed: Any) -> None:
    with raw_server(lambda plain: plain.sendall(struct.pack(">ii", 4, 99))) as port:
        place, gone = f"127.0.0.1:{port}", f"127.0.0.1:{unused_port()}"
        allowed(place, gone)

        with pytest.raises(Unreachable, match="no Kafka broker"):
            probe(described("kafka", {"bootstrapServers": f"{gone},{place}"}))


def test_a_server_that_says_nothing_ends_the_test_in_time(allowed: Any) -> None:
    def wait(plain: socket.socket) -> None:
        plain.recv(1_000_000)

    with raw_server(wait) as port:
        allowed(f"127.0.0.1:{port}")

        with pytest.raises(Unreachable, match=r"no answer within 0\.2 seconds"):
            probe(described("mysql", {"host": "127.0.0.1", "port": port, "database": "shop"}), seconds=0.2)


def test_a_secret_shows_in_no_repr() -> None:
    assert "zebra" not in repr(described("sftp", {"host": "zebra.example.com", "port": 22}, password="zebra"))


def test_a_secret_that_does_not_open_is_a_failed_test(acme: Tenant, eve: Person, settings: Any) -> None:
    config = {"bucket": "acme-orders", "region": "eu-central-1"}
    connector = make_connector(
        acme, type="aws_s3", config=config, auth_config={"accessKeyId": "a", "secretAccessKey": "b"}
    )
    settings.CONNECTOR_ENCRYPTION_KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="

    tested = connection_tests.test_connector(tenant=acme, connector_id=connector.pk, actor=SYSTEM, now=NOW)

    assert tested.status == "failed"
    assert "give it its authConfig again" in tested.message
