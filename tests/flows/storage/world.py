"""Real stores for tests, each with a way around the code under test to put files in and to look at them."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import requests
from azure.storage.blob import ContainerClient
from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

from flows.ir.sources import StoreKind
from flows.storage.base import Store, StoredFile
from flows.storage.opening import OpenedStore, open_store
from tests.servers import unused_port

BUCKET = "kaireon-inbox"
ACCOUNT, ACCOUNT_KEY = "devstoreaccount1", (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)  # fmt: skip


@dataclass
class Box:
    """One store: `place` is what NOTIFICATIONS_ALLOWED_HOSTS must name, `folder` where its files lie."""

    kind: StoreKind
    place: str
    folder: str
    config: Mapping[str, Any]
    secret: Mapping[str, Any]
    put: Callable[[str, bytes], None]
    read: Callable[[str], bytes | None]
    opened: list[OpenedStore] = field(default_factory=list)

    def open(self, path: str | None = None) -> OpenedStore:
        """Open the store as a run does."""
        opened = open_store(kind=self.kind, path=path or self.folder, config=self.config, secret=self.secret)
        self.opened.append(opened)
        return opened

    @property
    def store(self) -> Store:
        """Return the store, opened once."""
        return (self.opened[0] if self.opened else self.open()).store

    def key(self, name: str) -> str:
        """Return the key of a file in the folder."""
        folder = (self.opened[0] if self.opened else self.open()).folder
        return f"{folder.rstrip('/')}/{name}"

    def listed(self, limit: int = 100) -> list[StoredFile]:
        """Return the files of the folder by name."""
        files = self.store.list_folder(self.key("").rstrip("/"), limit=limit)
        return sorted(files, key=lambda file: file.name)

    def close(self) -> None:
        """Close whatever a test has opened."""
        while self.opened:
            self.opened.pop().store.close()


def program(name: str, *elsewhere: str) -> str:
    """Return where a program is; where it is missing, skip and name it, except in CI."""
    found = shutil.which(name) or next((path for path in elsewhere if Path(path).exists()), None)
    if found is None:
        if os.environ.get("CI") and not {name, name.partition("-")[0]} & set(os.environ.get("CI_WITHOUT", "").split()):
            pytest.fail(f"{name} is not installed; .ci/run installs it")
        pytest.skip(f"needs the program {name}")
    return found


def local_box(root: Path) -> Box:
    """Return a folder below a root."""
    folder = root / "inbox"
    folder.mkdir(parents=True, exist_ok=True)

    def put(name: str, data: bytes) -> None:
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def read(name: str) -> bytes | None:
        path = root / name
        return path.read_bytes() if path.exists() else None

    return Box("local_fs", "", f"{folder}", {}, {}, put, read)


@contextmanager
def moto_server() -> Iterator[int]:
    """Run moto as a server and yield its port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


def s3_box(port: int, bucket: str) -> Box:
    """Return a new bucket of moto's."""
    url = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=bucket)

    def put(name: str, data: bytes) -> None:
        client.put_object(Bucket=bucket, Key=name, Body=data, ContentType="text/csv", Metadata={"owner": "crm"})

    def read(name: str) -> bytes | None:
        try:
            return bytes(client.get_object(Bucket=bucket, Key=name)["Body"].read())
        except client.exceptions.NoSuchKey:
            return None

    config = {"bucket": bucket, "region": "us-east-1", "endpointUrl": url, "pathStyle": True}
    secret = {"accessKeyId": "a", "secretAccessKey": "b"}
    return Box("s3", f"127.0.0.1:{port}", "inbox/", config, secret, put, read)


@contextmanager
def gcs_server() -> Iterator[int]:
    """Run an emulator of Google Cloud Storage and yield its port."""
    port = unused_port()
    server = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    try:
        yield port
    finally:
        server.stop()


def gcs_box(port: int, bucket: str) -> Box:
    """Return a new bucket of the emulator's."""
    url = f"http://127.0.0.1:{port}"
    answer = requests.post(f"{url}/storage/v1/b", params={"project": "test"}, json={"name": bucket}, timeout=10)
    answer.raise_for_status()

    def put(name: str, data: bytes) -> None:
        about = json.dumps({"name": name}).encode()
        parts = b"--b\r\nContent-Type: application/json\r\n\r\n%b\r\n--b\r\nContent-Type: text/csv\r\n\r\n%b\r\n--b--"
        sent = requests.post(
            f"{url}/upload/storage/v1/b/{bucket}/o",
            params={"uploadType": "multipart"},
            data=parts % (about, data),
            headers={"Content-Type": "multipart/related; boundary=b"},
            timeout=10,
        )
        sent.raise_for_status()

    def read(name: str) -> bytes | None:
        place = f"{url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        got = requests.get(place, params={"alt": "media"}, timeout=10)
        return None if got.status_code == 404 else got.content

    config = {"bucket": bucket, "project": "test", "endpointUrl": url, "authMethod": "none"}
    return Box("gcs", f"127.0.0.1:{port}", "inbox/", config, {}, put, read)


@contextmanager
def azurite(folder: Path) -> Iterator[int]:
    """Run Azurite, Microsoft's own emulator of Azure Blob Storage, and yield its port."""
    port = unused_port()
    command = [
        program("azurite-blob"), "--blobPort", str(port), "--silent", "--skipApiVersionCheck", "--disableTelemetry",
        "--inMemoryPersistence",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=folder)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def azure_box(port: int, container: str) -> Box:
    """Return a new container of Azurite's."""
    url = f"http://127.0.0.1:{port}/{ACCOUNT}"
    connection = f"BlobEndpoint={url};AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY}"
    client = ContainerClient.from_connection_string(connection, container)
    client.create_container()

    def put(name: str, data: bytes) -> None:
        client.upload_blob(name, data, overwrite=True, metadata={"owner": "crm"})

    def read(name: str) -> bytes | None:
        blob = client.get_blob_client(name)
        return blob.download_blob().readall() if blob.exists() else None

    config = {"container": container, "storageAccount": ACCOUNT, "endpointUrl": url}
    return Box("azure_blob", f"127.0.0.1:{port}", "inbox/", config, {"accountKey": ACCOUNT_KEY}, put, read)


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", seconds: float = 30.0) -> None:
    """Return once a server listens; fail when it ended before."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)
