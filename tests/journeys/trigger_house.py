"""The house of the triggers' walk-through: pipelines that wait for sentinels in one inbox, ticks, pushes, a ledger."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from tests.journeys.house import ENDED, BucketInbox, FolderInbox, House
from tests.journeys.running import free_port, start
from tests.outbox.brokers import aws_server

TICK: Final = "cron/flow-scheduler-tick"
PUSH: Final = "triggers/file-arrival"
CSV: Final = "order_id,customer,amount\n1,Ann,10.5\n3,Cid,7\n"
NO_ROWS: Final = "order_id,customer,amount\n"
FIELDS: Final = [
    {"name": "order_id", "dataType": "integer"}, {"name": "customer", "dataType": "varchar", "length": 80},
    {"name": "amount", "dataType": "double"},
]  # fmt: skip
Row = dict[str, Any]


@dataclass
class TriggerHouse(House):
    """A Kaireon whose ticks come from the test alone."""

    schemas: set[str] = field(default_factory=set)
    connector_id: str = ""

    def pipeline(self, name: str, **more: Any) -> Row:
        """Create a pipeline that loads `<name>.csv` into `ds_<name>`; a trigger or a schedule as `more` says."""
        answer = self.try_pipeline(name, **more)
        assert answer.status_code == 201, answer.text
        made: Row = answer.json()
        return made

    def try_pipeline(self, name: str, *, table: str | None = None, **more: Any) -> requests.Response:
        """Ask for a pipeline and return the answer as it is."""
        self._make_ready(table or name)
        ir = load_ir(name, table or name, kind=self.inbox.kind, path=self.inbox.path) | more
        return self.send("POST", "pipelines", {"name": f"load-{name}", "connectorId": self.connector_id, "ir": ir})

    def drop_pair(self, name: str, text: str = CSV) -> None:
        """Drop a data file, and then its sentinel."""
        self.inbox.drop(f"{name}.csv", text)
        self.inbox.drop(f"{name}.done", "")

    def tick(self) -> Row:
        """Tick as an operator's cron does; the answer has what it did."""
        answer = self.cron("GET", TICK)
        assert answer.status_code == 200, answer.text
        said: Row = answer.json()
        return said

    def tick_results(self, *pipelines: Row) -> list[Row]:
        """Tick, and return the results of these pipelines."""
        wanted = {each["id"] for each in pipelines}
        return [each for each in self.tick()["results"] if each["pipelineId"] in wanted]

    def push(self, body: object, **headers: str) -> requests.Response:
        """Send an arrival, with the shared secret unless `headers` say otherwise."""
        return self.cron("POST", PUSH, body, **headers)

    def cron(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        """Call a route of machines."""
        given = headers or {"Authorization": f"Bearer {self.secret}"}
        return requests.request(
            method, f"{self.running.address}/api/v1/{path}", json=body, timeout=60, headers=given
        )  # fmt: skip

    @property
    def secret(self) -> str:
        """Return CRON_SECRET."""
        return self.running.secret("CRON_SECRET")

    def runs(self, pipeline: Row) -> list[Row]:
        """Return a pipeline's runs, the latest first."""
        found: list[Row] = self.ask("GET", f"pipelines/{pipeline['id']}/runs?limit=100")["data"]
        return found

    def ended(self, pipeline: Row, run_id: str) -> Row:
        """Return a run when it has ended."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            run: Row = self.ask("GET", f"pipelines/{pipeline['id']}/runs/{run_id}")
            if run["status"] in ENDED:
                return run
            time.sleep(0.1)
        raise AssertionError(f"not ended: {run}\n{self.running.output}")

    def occurrences(self, pipeline: Row) -> list[Row]:
        """Return the ledger of a pipeline, as the API tells it."""
        found: list[Row] = self.ask("GET", f"occurrences?pipelineId={pipeline['id']}")["data"]
        return found

    def sql(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Change rows past the product."""
        with self.database() as session:
            session.execute(statement, parameters)

    def _make_ready(self, table: str) -> None:
        if not self.connector_id:
            self.connector_id = self.ask("POST", "connectors", self.inbox.connector, status=201)["id"]
        if table not in self.schemas:
            self.schemas.add(table)
            body = {"name": table, "displayName": table.title(), "fields": FIELDS}
            self.ask("POST", "schemas", body, status=201)


def load_ir(name: str, table: str, *, kind: str, path: str) -> Row:
    """Return an IR that loads `<name>.csv`; a file without rows makes its run fail at once."""
    return {
        "kind": "pipeline", "version": "1.0", "id": f"load-{name}", "metadata": {"name": f"load-{name}"},
        "nodes": [
            {"id": "src", "kind": "source", "connector": kind,
             "config": {"path": path, "pattern": {"type": "glob", "value": f"{name}.csv"}, "format": "csv",
                        "waitPolicy": {"maxRetries": 0, "intervalMinutes": 5, "onMissAction": "skip"},
                        "atomicity": {"stagingFolder": ".processing/", "successFolder": ".archive/{YYYY-MM-DD}/",
                                      "failureFolder": ".failed/"}}},
            {"id": "clean", "kind": "transform", "input": "src",
             "ops": [{"op": "cast", "field": "amount", "to": "double"}]},
            {"id": "check", "kind": "validate", "input": "clean",
             "datasetLevel": {"rowCount": {"min": 1, "onFail": "abort"}}},
            {"id": "load", "kind": "target", "input": "check", "schema": f"public.ds_{table}", "loadMode": "append"},
        ],
        "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 1, "backoff": "exponential"}},
    }  # fmt: skip


def waits_for(sentinel: str, **more: Any) -> Row:
    """Return the documented trigger that fires for a sentinel, at once unless `more` says otherwise."""
    return {
        "kind": "file_arrival", "sourceId": "src", "controlFilePattern": {"type": "glob", "value": sentinel},
        "debounceSeconds": 0, **more,
    }  # fmt: skip


@contextmanager
def trigger_house(kind: str, folder: Path, **environment: str) -> Iterator[TriggerHouse]:
    """Run web and worker, with an inbox in a folder or in a bucket."""
    with aws_server() as endpoint:
        place = endpoint.partition("://")[2].rstrip("/")
        more = {"PROCESSES": "web,flows", "WEB_PROCESSES": "1", **environment}
        running = start(folder, free_port(), NOTIFICATIONS_ALLOWED_HOSTS=place, **more)
        try:
            running.wait_until_serving()
            inbox = FolderInbox(folder.resolve() / "files") if kind == "local_fs" else BucketInbox(endpoint)
            yield TriggerHouse(running, inbox)
        finally:
            running.interrupt()
