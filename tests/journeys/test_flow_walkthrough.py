"""The documented walk-through over HTTP: connector, schema, pipeline, a CSV, Run now, and where every row went."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.flows.pipeline_world import orders_ir
from tests.journeys.house import BucketInbox, FolderInbox, House
from tests.journeys.running import free_port, start
from tests.outbox.brokers import aws_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CSV = "order_id,customer,amount\n1,Ann,10.5\n2,Bob,-3\n3,Cid,7\n4,Dee,many\n5,,12\n"


@pytest.fixture(scope="module", params=["local_fs", "s3"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("flows") / "data"
    with aws_server() as endpoint:
        place = endpoint.partition("://")[2].rstrip("/")
        running = start(folder, free_port(), NOTIFICATIONS_ALLOWED_HOSTS=place)
        try:
            running.wait_until_serving()
            inbox = FolderInbox(folder.resolve() / "files") if request.param == "local_fs" else BucketInbox(endpoint)
            yield House(running, inbox)
        finally:
            running.interrupt()


@dataclass
class Walked:
    """What the walk-through came to."""

    pipeline: dict[str, Any]
    run: dict[str, Any]
    # Read past the product, and before any other file is dropped.
    rows: list[dict[str, Any]]
    keys: list[str]
    lineage: dict[str, Any]


@pytest.fixture(scope="module")
def walked(house: House) -> Walked:
    connector = house.ask("POST", "connectors", house.inbox.connector, status=201)
    tested = house.ask("POST", "connectors/test", {"connectorId": connector["id"]})
    assert tested["success"], tested
    fields = [
        {"name": "order_id", "dataType": "integer"}, {"name": "customer", "dataType": "varchar", "length": 80},
        {"name": "amount", "dataType": "double"},
    ]  # fmt: skip
    schema = house.ask("POST", "schemas", {"name": "orders", "displayName": "Orders", "fields": fields}, status=201)
    ir = orders_ir()
    ir["nodes"][0]["connector"] = house.inbox.kind
    ir["nodes"][0]["config"]["path"] = house.inbox.path
    body = {"name": "Load orders", "connectorId": connector["id"], "schemaId": schema["id"], "irVersion": "1.0"}
    pipeline = house.ask("POST", "pipelines", {**body, "ir": ir}, status=201)
    house.inbox.drop("orders-1.csv", CSV)
    run, table = house.run(pipeline["id"]), "lineage?schema=public&table=ds_orders&limit=100"
    return Walked(pipeline, run, house.rows("public.ds_orders"), house.inbox.keys(), house.ask("GET", table))


def test_the_rows_are_in_the_table(walked: Walked) -> None:
    rows = walked.rows

    assert walked.run["status"] == "completed_with_errors", walked.run
    # What is empty in a CSV is NULL in the table.
    assert [(row["order_id"], row["customer"], row["amount"]) for row in rows] == [
        (1, "Ann", 10.5), (3, "Cid", 7.0), (5, None, 12.0),
    ]  # fmt: skip


def test_the_progress_counts_every_row(walked: Walked) -> None:
    run = walked.run

    assert (run["rowsIn"], run["rowsOut"], run["failedRows"]) == (5, 3, 2)
    assert (run["partitions"], run["completedPartitions"]) == (1, 1)
    assert {"stage", "message", "timestamp"} <= set(run["log"][0])
    assert {each["column"] for each in run["validationErrors"]} == {"amount"}


def test_the_file_is_in_the_archive_and_nowhere_else(walked: Walked) -> None:
    day = walked.run["log"][0]["timestamp"][:10]

    assert walked.keys == [f".archive/{day}/orders-1.csv"]


def test_lineage_answers_which_run_wrote_a_row(walked: Walked) -> None:
    lineage = walked.lineage

    assert (lineage["count"], lineage["lineageColumn"]) == (3, "_kaireon_lineage")
    assert lineage["schema"]["displayName"] == "Orders"
    for each in lineage["rows"]:
        assert each["lineage"]["runId"] == walked.run["runId"]
        assert each["lineage"]["pipelineId"] == walked.pipeline["id"]
        assert each["lineage"]["sourceNodeId"] == "src"
    assert sorted(each["row"]["order_id"] for each in lineage["rows"]) == [1, 3, 5]


def test_the_dlq_lists_the_quarantined_row(house: House, walked: Walked) -> None:
    dlq = house.ask("GET", f"pipeline-runs/{walked.run['runId']}/dlq?node=check&limit=50")

    assert (dlq["runId"], dlq["nodeId"], dlq["quarantineTable"]) == (walked.run["runId"], "check", "dlq.orders")
    assert [(row["ruleId"], row["row"]["customer"]) for row in dlq["rows"]] == [("amt-positive", "Bob")]
    whole = house.ask("GET", f"pipeline-runs/{walked.run['runId']}/dlq")
    assert {row["row"]["customer"] for row in whole["rows"]} == {"Bob", "Dee"}


def test_a_node_without_a_quarantine_says_so(house: House, walked: Walked) -> None:
    dlq = house.ask("GET", f"pipeline-runs/{walked.run['runId']}/dlq?node=load")

    assert (dlq["count"], dlq["rows"]) == (0, [])
    assert "no quarantine table" in dlq["message"]


def test_errors_are_json_or_csv(house: House, walked: Walked) -> None:
    path = f"pipelines/{walked.pipeline['id']}/runs/{walked.run['runId']}/errors"

    errors = house.ask("GET", path)["errors"]
    answer = house.send("GET", path, Accept="text/csv")

    assert {each["value"] for each in errors} == {"-3", "-3.0", "many"} & {each["value"] for each in errors}
    assert len(errors) == 2
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][:4] == ["Row", "Column", "Value", "Error"]
    assert len(rows) == 3


def test_a_pipeline_that_succeeded_says_when_and_is_no_draft(house: House, walked: Walked) -> None:
    listed = house.ask("GET", "pipelines")["data"]
    pipeline = next(each for each in listed if each["id"] == walked.pipeline["id"])

    assert (walked.pipeline["status"], pipeline["status"]) == ("draft", "active")
    assert pipeline["lastRunStatus"].startswith("completed")
    assert pipeline["lastRunAt"] is not None
    run = house.ask("GET", f"pipelines/{pipeline['id']}/runs")["data"][-1]
    assert (run["id"], run["triggerSource"]) == (walked.run["runId"], "api")
    connector = house.ask("GET", f"connectors/{pipeline['connectorId']}")
    assert connector["lastSyncRowCount"] is not None
    assert connector["status"] == "ok"


def test_the_same_name_again_is_a_new_file_and_no_file_is_no_row(house: House, walked: Walked) -> None:
    house.inbox.drop("orders-2.csv", "order_id,customer,amount\n9,Eva,1\n")
    again = house.run(walked.pipeline["id"])
    idle = house.run(walked.pipeline["id"])

    assert (again["status"], again["rowsOut"]) == ("completed", 1)
    assert idle["rowsOut"] == 0
    assert [row["order_id"] for row in house.rows("public.ds_orders")] == [1, 3, 5, 9]
