"""A Kaireon that serves and an inbox that it can reach: what the walk-throughs over HTTP stand in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
import psycopg
import requests
from psycopg.rows import dict_row

from kaireon.platform.embedded_postgres import EmbeddedServer
from tests.journeys.running import Running

ENDED: Final = {"completed", "completed_with_errors", "failed", "cancelled"}
REGION: Final = "eu-central-1"
SECRET: Final = {"accessKeyId": "testing", "secretAccessKey": "testing-s3cret"}


class Inbox(Protocol):
    """Where files are dropped and archived."""

    connector: dict[str, Any]
    kind: str
    path: str

    def drop(self, name: str, text: str) -> None:
        """Drop a file."""

    def keys(self) -> list[str]:
        """Return the files below the inbox, as paths from it."""


class FolderInbox:
    """A folder of this machine."""

    kind, path = "local_fs", "dropped/"

    def __init__(self, root: Path) -> None:
        self.connector = {"name": "Inbox", "type": "local_fs", "config": {"basePath": str(root)}}
        self.folder = root / "dropped"
        self.folder.mkdir(parents=True, exist_ok=True)

    def drop(self, name: str, text: str) -> None:
        """Drop a file."""
        (self.folder / name).write_text(text)

    def keys(self) -> list[str]:
        """Return the files below the inbox, as paths from it."""
        return sorted(str(each.relative_to(self.folder)) for each in self.folder.rglob("*") if each.is_file())


class BucketInbox:
    """A bucket of a server that speaks S3."""

    kind, path = "s3", "s3://acme-orders/inbox/"

    def __init__(self, endpoint: str) -> None:
        config = {"bucket": "acme-orders", "region": REGION, "endpointUrl": endpoint, "pathStyle": True}
        self.connector = {"name": "Orders bucket", "type": "aws_s3", "config": config, "authConfig": SECRET}
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=SECRET["accessKeyId"],
            aws_secret_access_key=SECRET["secretAccessKey"],
        )  # fmt: skip
        self.client.create_bucket(Bucket="acme-orders", CreateBucketConfiguration={"LocationConstraint": REGION})

    def drop(self, name: str, text: str) -> None:
        """Drop a file."""
        self.client.put_object(Bucket="acme-orders", Key=f"inbox/{name}", Body=text.encode())

    def keys(self) -> list[str]:
        """Return the files below the inbox, as paths from it."""
        found = self.client.list_objects_v2(Bucket="acme-orders").get("Contents", [])
        return sorted(each["Key"].removeprefix("inbox/") for each in found)


@dataclass
class House:
    """A Kaireon that serves, with an inbox that it can reach."""

    running: Running
    inbox: Inbox

    def send(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        """Call the API."""
        key = {"X-API-Key": self.running.secret("KAIREON_API_KEY")}
        return requests.request(
            method, f"{self.running.address}/api/v1/{path}", json=body, timeout=60, headers={**key, **headers}
        )

    def ask(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """Call the API and return the answer's JSON."""
        answer = self.send(method, path, body)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}\n{self.running.output}"
        return answer.json()

    def run(self, pipeline_id: str) -> dict[str, Any]:
        """Press Run now and return the run's progress when it has ended."""
        started = self.ask("POST", f"pipelines/{pipeline_id}/run", {}, status=201)
        assert started["status"] == "pending"
        path = f"pipelines/{pipeline_id}/runs/{started['runId']}"
        end = time.monotonic() + 90
        while time.monotonic() < end:
            progress: dict[str, Any] = self.ask("GET", f"{path}/progress")
            if progress["status"] in ENDED:
                return {**progress, "runId": started["runId"]}
            time.sleep(0.2)
        raise AssertionError(f"not ended: {progress}\n{self.running.output}")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Read a table past the product."""
        with self.database() as session:
            return session.execute(f"SELECT * FROM {table} ORDER BY order_id").fetchall()

    @contextmanager
    def database(self) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
        """Open the product's database past it; its server stays up, and ends with the product."""
        server = EmbeddedServer(self.running.folder / "postgres")
        try:
            with psycopg.connect(server.start(), row_factory=dict_row) as session:
                yield session
        finally:
            server.stop()
