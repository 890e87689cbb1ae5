"""Reach what a connector describes, as far as it can be reached without changing anything there."""

import os
import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import psycopg

from flows.decisions.connector_types import TYPES
from flows.decisions.vocabulary import ConnectorType
from flows.storage.base import StorageError
from flows.storage.opening import open_store
from kaireon.platform.http import OutboundError, tenant_session
from kaireon.platform.patience import call_within

# Of all that a test does, and of one step on the way.
TOTAL_SECONDS: Final = 15.0
STEP_SECONDS: Final = 5.0
MOST_FILES: Final = 1_000
WEB_KINDS: Final = frozenset({ConnectorType.HTTP_PULL, ConnectorType.REST_API, ConnectorType.WEBHOOK})


class Unreachable(Exception):
    """What a connector describes did not answer as it should; the message holds no secret."""


@dataclass(frozen=True, slots=True)
class Described:
    """A connector as it was typed; its repr keeps the secret to itself."""

    kind: ConnectorType
    config: Mapping[str, Any]
    auth_method: str
    secret: Mapping[str, Any]
    # The slug of whose connector it is.
    tenant: str = ""

    def __repr__(self) -> str:
        return f"Described({self.kind})"


def probe(described: Described, *, seconds: float = TOTAL_SECONDS) -> str:
    """Return in words what answered. Raises Unreachable, at the latest after so many seconds."""
    try:
        # The clients of some stores have no time-out over all.
        return call_within(
            lambda: _probe_of(described.kind)(described), seconds=seconds,
            errors=(Unreachable, StorageError, OutboundError),
        )  # fmt: skip
    except TimeoutError:
        raise Unreachable(f"There was no answer within {seconds:g} seconds.") from None
    except (StorageError, OutboundError) as error:
        raise Unreachable(error.message) from None


def _probe_of(kind: ConnectorType) -> Callable[[Described], str]:
    if kind in WEB_KINDS:
        return _probe_web
    if TYPES[kind].stores:
        return _probe_store
    return {
        ConnectorType.POSTGRESQL: _probe_postgresql,
        ConnectorType.REDSHIFT: _probe_postgresql,
        ConnectorType.MYSQL: _probe_mysql,
        ConnectorType.KAFKA: _probe_kafka,
    }[kind]


def _probe_store(described: Described) -> str:
    config = {**described.config, "authMethod": described.auth_method}
    opened = open_store(
        kind=TYPES[described.kind].stores[0], path=_start_of(described), config=config, secret=described.secret,
        tenant=described.tenant,
    )  # fmt: skip
    try:
        seen = sum(1 for _ in islice(opened.store.list_folder(opened.folder, limit=10**6), MOST_FILES))
    finally:
        opened.store.close()
    files = "1 file" if seen == 1 else f"{seen} files"
    return f"{opened.store.name} answers: {files}{' and more' if seen == MOST_FILES else ''} at its start."


def _start_of(described: Described) -> str:
    """Return the path whose listing proves that a store can be read."""
    config = described.config
    return {
        ConnectorType.AWS_S3: f"s3://{config.get('bucket')}/",
        ConnectorType.GCS: f"gs://{config.get('bucket')}/",
        ConnectorType.AZURE_BLOB: "/",
        ConnectorType.SFTP: "/",
        ConnectorType.LOCAL_FS: str(config.get("basePath") or ""),
    }[described.kind]


def _probe_web(described: Described) -> str:
    headers = {**(described.config.get("headers") or {}), **web_headers(described.secret)}
    status = 405
    for method in ("HEAD", "GET"):
        # Who knows no HEAD is asked for the first byte.
        if status in {405, 501}:
            headers |= {"Range": "bytes=0-0"} if method == "GET" else {}
            session = tenant_session()
            answer = session.request(method, described.config["url"], headers=headers, seconds=STEP_SECONDS)
            status = answer.status
    if status in {401, 403}:
        raise Unreachable(f"The server answered {status}: it does not take these credentials.")
    # A webhook's address takes no GET: that it says so shows that it is there.
    if status >= 400 and not (status == 405 and described.kind is ConnectorType.WEBHOOK):
        raise Unreachable(f"The server answered {status}.")
    return f"The server answered {status}."


def web_headers(secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that carry a web connector's credentials."""
    if secret.get("token"):
        return {"Authorization": f"Bearer {secret['token']}"}
    if secret.get("headerName") and secret.get("headerValue"):
        return {secret["headerName"]: secret["headerValue"]}
    if secret.get("username"):
        pair = f"{secret['username']}:{secret.get('password', '')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}


def _probe_postgresql(described: Described) -> str:
    config, secret = described.config, described.secret
    with tenant_session().connect(config["host"], config["port"], seconds=STEP_SECONDS) as plain:
        # The address that was checked is the one that is connected to: the name is not asked again.
        address = plain.getpeername()[0]
    try:
        with psycopg.connect(
            host=config["host"], hostaddr=address, port=config["port"], dbname=config["database"],
            user=secret.get("username") or config.get("username"), password=secret.get("password"),
            sslmode=config.get("sslMode", "prefer"), connect_timeout=int(STEP_SECONDS), passfile=os.devnull,
            application_name="kaireon", autocommit=True,
        ) as session:  # fmt: skip
            version = session.info.parameter_status("server_version") or "?"
            session.execute("SELECT 1")
    except psycopg.Error as error:
        raise Unreachable(f"The server refused: {_first_line(error)}") from None
    return f"The database {config['database']} answers; its server is of version {version}."


def _first_line(error: Exception) -> str:
    text = str(error).strip().rpartition("failed: ")[2]
    return (text.splitlines() or ["no reason given"])[0][:300]


def _probe_mysql(described: Described) -> str:
    config = described.config
    with tenant_session().connect(config["host"], config["port"], seconds=STEP_SECONDS) as plain:
        size = int.from_bytes(_read(plain, 4)[:3], "little")
        packet = _read(plain, min(size, 4096))
    if packet[:1] == b"\xff":
        raise Unreachable(f"The server refused: {packet[3:].decode('utf-8', 'replace')[:300]}")
    if packet[:1] != b"\x0a":
        raise Unreachable("What answers there is no MySQL server.")
    version = packet[1:].partition(b"\0")[0].decode("ascii", "replace")[:60]
    return f"A MySQL server of version {version} answers. Name and password were not tried."


def _probe_kafka(described: Described) -> str:
    config = described.config
    failure = ""
    for broker in config["bootstrapServers"].split(","):
        host, _, port = broker.rpartition(":")
        try:
            protocol = config.get("securityProtocol", "PLAINTEXT")
            with (
                tenant_session().connect(host, int(port), seconds=STEP_SECONDS) as plain,
                _secured(plain, host, protocol) as secured,
            ):
                _ask_versions(secured)
        except (OutboundError, Unreachable) as error:
            failure = str(error)
        else:
            return f"A Kafka broker answers at {broker}. Credentials were not tried."
    raise Unreachable(failure)


def _secured(plain: socket.socket, host: str, protocol: str) -> socket.socket:
    if not protocol.endswith("SSL"):
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError):
        raise Unreachable("TLS failed.") from None


def _ask_versions(plain: socket.socket) -> None:
    """Ask which requests a broker knows, the one question that it answers before a sign-in. Raises Unreachable."""
    client = b"kaireon"
    request = struct.pack(f">hhih{len(client)}s", 18, 0, 7, len(client), client)
    try:
        plain.sendall(struct.pack(">i", len(request)) + request)
    except OSError:
        raise Unreachable("The connection was cut.") from None
    _, number = struct.unpack(">ii", _read(plain, 8))
    if number != 7:
        raise Unreachable("What answers there is no Kafka broker.")


def _read(plain: socket.socket, size: int) -> bytes:
    taken = b""
    plain.settimeout(STEP_SECONDS)
    try:
        while len(taken) < size:
            piece = plain.recv(size - len(taken))
            if not piece:
                raise Unreachable("The connection was cut before the server had answered.")
            taken += piece
    except OSError:
        raise Unreachable("The server accepted the connection and said nothing.") from None
    return taken
