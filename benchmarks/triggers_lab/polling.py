"""Poll many triggers on few folders, in a process of its own: `polling KIND TRIGGERS FOLDERS`, then `idle`, `arrived`.

Each folder is the inbox of as many pipelines, each with a sentinel of its own. Listings are counted where the store
lists, not where the scheduler says so.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from django.conf import settings
from django.utils import timezone

from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from flows.models import PipelineRun
from flows.services import create_connector, create_pipeline
from flows.storage.local_fs import LocalStore
from flows.storage.objects import ObjectStore
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.guardrails import KEY
from kaireon.platform.tenancy.services import create_tenant
from tests.outbox.brokers import aws_server
from triggers.decisions.vocabulary import TickSource
from triggers.services.ticking import tick_scheduler

ROUNDS, ARRIVALS, BUCKET = 9, 100, "bench-inbox"
LOGIN = {"accessKeyId": "a", "secretAccessKey": "b"}
Put = Callable[[str], None]


class Counted:
    """Counts how often any store lists a folder."""

    def __init__(self) -> None:
        self.count = 0
        for kind in (LocalStore, ObjectStore):
            self._wrap(kind)

    def _wrap(self, kind: Any) -> None:
        inner = kind.list_folder

        def list_folder(store: Any, folder: str, *, limit: int) -> Iterator[Any]:
            self.count += 1
            yield from inner(store, folder, limit=limit)

        kind.list_folder = list_folder


class Bench:
    """Pipelines that wait for sentinels; the clock goes on by an hour from tick to tick, past every debounce."""

    def __init__(self, kind: str, triggers: int, folders: int, put: Put, config: dict[str, Any]) -> None:
        self.folders, self.put, self.rounds = folders, put, 0
        self.now = timezone.now()
        tenant = create_tenant(name="Bench", now=self.now)
        tenant.settings = {KEY: {"maxPipelines": 1_000_000}}
        tenant.save(update_fields=["settings"])
        values = {"name": "Inbox", "type": "local_fs" if kind == "local_fs" else "aws_s3", "config": config}
        secret = {} if kind == "local_fs" else {"auth_config": LOGIN}
        connector = create_connector(tenant=tenant, values=values | secret, actor=SYSTEM, now=self.now)
        for number in range(triggers):
            path = f"inbox-{number % folders}/"
            ir = waiting_ir(kind, path if kind == "local_fs" else f"s3://{BUCKET}/{path}", number)
            values = {"name": f"Load {number}", "ir": ir, "connector_id": connector.pk}
            create_pipeline(tenant=tenant, values=values, actor=SYSTEM, now=self.now)
        self.counted = Counted()

    def idle(self) -> dict[str, Any]:
        """Poll folders in which nothing lies."""
        self._tick()
        return self._measured(ROUNDS)

    def arrived(self) -> dict[str, Any]:
        """Poll folders in which the sentinels of some pipelines have come."""
        for number in range(ARRIVALS):
            self.put(f"inbox-{number % self.folders}/load-{number:05d}.done")
        return self._measured(1)

    def _measured(self, rounds: int) -> dict[str, Any]:
        before = PipelineRun.objects.across_tenants().count()
        found, listings = [], 0
        for _ in range(rounds):
            self.counted.count = 0
            found.append(self._tick())
            listings = max(listings, self.counted.count)
        return {
            "ms": found, "listings": listings, "runs": PipelineRun.objects.across_tenants().count() - before,
        }  # fmt: skip

    def _tick(self) -> float:
        self.now += timedelta(hours=1)
        began = time.perf_counter()
        tick_scheduler(now=self.now, budget=Budget(3_600), source=TickSource.COMMAND)
        return (time.perf_counter() - began) * 1_000


def waiting_ir(kind: str, path: str, number: int) -> dict[str, Any]:
    """Return the IR of a pipeline that waits for its sentinel."""
    name = f"load-{number:05d}"
    return {
        "kind": "pipeline", "version": "1.0", "id": name, "metadata": {"name": name},
        "nodes": [
            {"id": "src", "kind": "source", "connector": kind,
             "config": {"path": path, "pattern": {"type": "glob", "value": f"{name}.csv"}, "format": "csv"}},
            {"id": "load", "kind": "target", "input": "src", "schema": "public.ds_bench", "loadMode": "append"},
        ],
        "trigger": {"kind": "file_arrival", "sourceId": "src",
                    "controlFilePattern": {"type": "glob", "value": f"{name}.done"}},
        "errorHandling": {"dlq": {"enabled": True}},
    }  # fmt: skip


def main() -> None:
    """Make the store and the pipelines, then answer until the input ends."""
    kind, triggers, folders = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with ExitStack() as stack:
        put, config = _folders(folders) if kind == "local_fs" else _bucket(stack.enter_context(aws_server()))
        bench = Bench(kind, triggers, folders, put, config)
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            print(json.dumps(getattr(bench, line.strip())()), flush=True)


def _folders(count: int) -> tuple[Put, dict[str, Any]]:
    root = Path(settings.FLOW_LOCAL_FS_ROOTS[0])
    shutil.rmtree(root, ignore_errors=True)
    for number in range(count):
        (root / f"inbox-{number}").mkdir(parents=True)
    return lambda key: (root / key).write_bytes(b""), {"basePath": str(root)}


def _bucket(endpoint: str) -> tuple[Put, dict[str, Any]]:
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [endpoint.partition("://")[2]]
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=BUCKET)
    config = {"bucket": BUCKET, "region": "us-east-1", "endpointUrl": endpoint, "pathStyle": True}
    return lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=b""), config


if __name__ == "__main__":
    main()
