"""The API of runs: asking, listing, progress, errors as JSON and as CSV that no spreadsheet runs, retry, cancel."""

import csv
import io
from typing import Any

import pytest

from flows.models import PipelineRun, RunError
from tests.flows.pipeline_world import NOW, PIPELINES, make_pipeline
from tests.people import Person

pytestmark = pytest.mark.django_db
NOBODYS = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"
PROGRESS = {
    "status", "totalRows", "processedRows", "rowsIn", "rowsOut", "failedRows", "skippedRows", "partitions",
    "completedPartitions", "partitionDetails", "validationErrors", "eta", "durationMs", "loadStrategy", "log",
}  # fmt: skip


def started(person: Person, **body: Any) -> tuple[str, dict[str, Any]]:
    """Return the path of a new pipeline, and what Run now answered."""
    path = f"{PIPELINES}/{make_pipeline(person.tenant).pk}"
    answer = person.api().post(f"{path}/run", body, format="json")
    assert answer.status_code == 201
    return path, answer.json()


def test_run_now_answers_as_documented(eve: Person) -> None:
    path, answer = started(eve)

    assert answer["status"] == "pending"
    assert set(answer) == {"runId", "status"}
    (run,) = eve.api().get(f"{path}/runs").json()["data"]
    assert (run["id"], run["triggerSource"], run["requestedBy"], run["irVersion"]) == (
        answer["runId"], "api", "eve", 1,
    )  # fmt: skip


def test_a_person_starts_a_run_by_hand(eve: Person) -> None:
    path = f"{PIPELINES}/{make_pipeline(eve.tenant).pk}"

    eve.browser().post(f"{path}/run", "{}", content_type="application/json")

    assert PipelineRun.objects.for_tenant(eve.tenant).get().trigger_source == "manual"


@pytest.mark.parametrize(
    ("body", "status"), [({"version": 9}, 404), ({"version": 0}, 400), ({"colour": 1}, 400)],
    ids=["no-version", "zero", "unknown"],
)  # fmt: skip
def test_a_run_that_cannot_be_is_refused(eve: Person, body: dict[str, Any], status: int) -> None:
    path = f"{PIPELINES}/{make_pipeline(eve.tenant).pk}"

    assert eve.api().post(f"{path}/run", body, format="json").status_code == status


def test_progress_has_the_documented_keys(bob: Person, eve: Person) -> None:
    path, answer = started(eve)

    progress = bob.api().get(f"{path}/runs/{answer['runId']}/progress").json()

    assert set(progress) >= PROGRESS
    assert (progress["status"], progress["eta"], progress["durationMs"]) == ("pending", None, None)


def test_errors_are_json_and_csv_that_no_spreadsheet_runs(eve: Person) -> None:
    path, answer = started(eve)
    run = PipelineRun.objects.for_tenant(eve.tenant).get()
    values = ["=1+1", "@SUM(A1)", "-5", "+cmd|' /C calc'!A0", 'a "quoted", one', "line\nbreak"]
    for number, value in enumerate(values):
        RunError.objects.create(
            tenant=eve.tenant, run=run, row=number, column="=col", value=value, error="No number.", file="a.csv"
        )
    client, errors = eve.api(), f"{path}/runs/{answer['runId']}/errors"

    as_json = client.get(errors).json()
    as_csv: Any = client.get(errors, headers={"accept": "text/csv"})

    assert (as_json["count"], [each["value"] for each in as_json["errors"]]) == (6, values)
    text = b"".join(as_csv.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert as_csv.headers["Content-Disposition"].startswith("attachment")
    assert rows[0][:4] == ["Row", "Column", "Value", "Error"]
    assert [row[2] for row in rows[1:]] == [
        "'=1+1", "'@SUM(A1)", "-5", "'+cmd|' /C calc'!A0", 'a "quoted", one', "line\nbreak",
    ]  # fmt: skip
    assert {row[1] for row in rows[1:]} == {"'=col"}


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "image/png"])
def test_errors_are_json_whatever_else_is_accepted(eve: Person, accept: str) -> None:
    path, answer = started(eve)

    response = eve.api().get(f"{path}/runs/{answer['runId']}/errors", headers={"accept": accept})

    assert (response.status_code, response.json()["errors"]) == (200, [])


def test_a_waiting_run_is_cancelled_and_then_retried(eve: Person) -> None:
    path, answer = started(eve)
    client, run = eve.api(), f"{path}/runs/{answer['runId']}"

    early = client.post(f"{run}/retry", {}, format="json")
    cancelled = client.post(f"{run}/cancel", {}, format="json")
    again = client.post(f"{run}/cancel", {}, format="json")
    retried = client.post(f"{run}/retry", {}, format="json")

    assert [early.status_code, cancelled.status_code, again.status_code] == [409, 200, 409]
    assert retried.status_code == 201
    detail = client.get(f"{path}/runs/{retried.json()['runId']}").json()
    assert (detail["retryOf"], detail["triggerSource"]) == (answer["runId"], "retry")


def test_runs_of_all_pipelines_are_listed_and_narrowed(eve: Person) -> None:
    path, answer = started(eve)
    other = make_pipeline(eve.tenant, "Other")
    client = eve.api()
    client.post(f"{PIPELINES}/{other.pk}/run", {}, format="json")
    client.post(f"{path}/runs/{answer['runId']}/cancel", {}, format="json")

    counts = {
        query: client.get(f"/api/v1/pipeline-runs{query}").json()["pagination"]["total"]
        for query in ("", f"?pipelineId={other.pk}", "?status=cancelled", "?status=failed")
    }
    bad = [client.get(f"/api/v1/pipeline-runs?{query}").status_code for query in ("status=x", "pipelineId=x")]

    assert list(counts.values()) == [2, 1, 1, 0]
    assert bad == [400, 400]


def test_a_run_that_set_nothing_aside_says_so(eve: Person) -> None:
    _, answer = started(eve)
    path = f"/api/v1/pipeline-runs/{answer['runId']}/dlq"

    pages = {node: eve.api().get(f"{path}?node={node}").json() for node in ("check", "load", "nowhere")}

    assert {node: page["count"] for node, page in pages.items()} == {"check": 0, "load": 0, "nowhere": 0}
    assert all(page["message"] for page in pages.values())
    assert pages["check"]["quarantineTable"] == "dlq.orders"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "node=" + "x" * 64, "node=a%0Ab"])
def test_a_page_of_rows_that_cannot_be_is_refused(eve: Person, query: str) -> None:
    _, answer = started(eve)

    assert eve.api().get(f"/api/v1/pipeline-runs/{answer['runId']}/dlq?{query}").status_code == 400


def test_a_run_is_found_under_its_own_pipeline_and_tenant_only(eve: Person, bob: Person, charlie: Person) -> None:
    path, answer = started(eve)
    other = f"{PIPELINES}/{make_pipeline(eve.tenant, 'Other').pk}"
    theirs = f"{PIPELINES}/{make_pipeline(charlie.tenant, 'Theirs').pk}"
    run = f"runs/{answer['runId']}"

    found = {
        "own": eve.api().get(f"{path}/{run}").status_code,
        "other pipeline": eve.api().get(f"{other}/{run}").status_code,
        "stranger": charlie.api().get(f"{path}/{run}/progress").status_code,
        "stranger's own pipeline": charlie.api().post(f"{theirs}/{run}/cancel", {}, format="json").status_code,
        "dlq": charlie.api().get(f"/api/v1/pipeline-runs/{answer['runId']}/dlq").status_code,
        "nobody's": eve.api().get(f"{path}/runs/{NOBODYS}").status_code,
        "viewer cancels": bob.api().post(f"{path}/{run}/cancel", {}, format="json").status_code,
    }

    assert found == {
        "own": 200, "other pipeline": 404, "stranger": 404, "stranger's own pipeline": 404, "dlq": 404,
        "nobody's": 404, "viewer cancels": 403,
    }  # fmt: skip
    assert PipelineRun.objects.for_tenant(eve.tenant).get().cancel_requested_at is None
    assert NOW.tzinfo is not None
