"""Runs: what is under way and what failed first, filters, pages by key; one run with stages, files, rows and acts."""

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from flows.decisions.vocabulary import RunStatus
from flows.models import Pipeline, PipelineRun, RunError
from flows.services import data_schema_of
from flows.views.lines import percent_of, state_of
from flows.views.runs import stage_lines
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_pipeline
from tests.pages.flow_world import HTMX, RUNS, events_of, fill_run, make_run, run_of, said
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline with the documented IR."""
    return make_pipeline(acme)


def text_of(person: Person, address: str = RUNS, **query: str) -> str:
    return str(person.browser().get(address, query).content.decode())


def quarantine(tenant: Tenant, run: PipelineRun) -> None:
    """Put a row into the quarantine table of a run, as a load does."""
    data_schema_of(tenant)
    table = f'"{tenant.data_schema}_dlq"."orders"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {table} (id bigint, run_id uuid, node_id text, rule_id text, row jsonb,"
            " created_at timestamptz, column_name text, value text, error text, file text, line bigint)"
        )
        cursor.execute(
            f"INSERT INTO {table} VALUES (1, %s, 'check', 'amt-positive', %s, now(), 'amount', '-3', %s, 'orders.csv',"
            " 3)",
            [run.pk, '{"order_id": "2", "customer": "<b>Bob</b>", "amount": "-3"}', "amount must be greater than 0"],
        )
    run.metadata = {"quarantineTables": {"check": "dlq.orders"}}
    run.save(update_fields=["metadata"])


def test_what_is_under_way_stands_first_with_how_far_it_is(pipeline: Pipeline, bob: Person) -> None:
    make_run(pipeline, "running", stage="loading", processed_rows=250, total_rows=1_000)

    text = text_of(bob)

    assert "1 running" in text
    assert 'aria-valuenow="25"' in text
    assert "Loading" in text
    assert text.index("1 running") < text.index("All runs")


def test_what_failed_says_where_and_why(pipeline: Pipeline, bob: Person) -> None:
    make_run(pipeline, "failed", error="No such column: amount.", error_node="clean")

    text = text_of(bob)

    assert "“Load orders” failed at clean" in text
    assert "No such column: amount." in text


def test_a_failure_that_was_mended_is_only_counted(pipeline: Pipeline, bob: Person) -> None:
    make_run(pipeline, "failed")
    make_run(pipeline, "completed")

    text = text_of(bob)

    assert "Nothing is running, and nothing has failed" in text
    assert "1 run of the last 24 h failed; its pipeline has gone well since" in text


def test_runs_are_narrowed_by_state_trigger_and_pipeline(acme: Tenant, pipeline: Pipeline, bob: Person) -> None:
    make_run(make_pipeline(acme, "Accounts"), "completed", trigger_source="schedule")
    make_run(pipeline, "failed")

    assert "Accounts" not in text_of(bob, status="failed")
    assert "Load orders" not in text_of(bob, trigger="schedule")
    assert "Runs of Load orders" in text_of(bob, pipeline=str(pipeline.pk))


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nonsense"}, {"trigger": "x"}, {"pipeline": "nonsense"}, {"pipeline": str(uuid.uuid4())},
        {"after": "x"},
    ],
    ids=["status", "trigger", "no-id", "nobodys", "key"],
)  # fmt: skip
def test_filters_that_nobody_offers_do_no_harm(query: dict[str, str], pipeline: Pipeline, bob: Person) -> None:
    make_run(pipeline)

    assert bob.browser().get(RUNS, query).status_code == 200


def test_pages_of_runs_go_on_by_key_and_keep_the_filter(pipeline: Pipeline, bob: Person) -> None:
    now = timezone.now()
    for at in range(35):
        make_run(pipeline, "failed", error=f"Failure {at:02}.", now=now + at * timedelta(seconds=1))
    first = bob.browser().get(RUNS, {"status": "failed"})

    second = str(bob.browser().get(first.context["older"]).content.decode())

    assert "status=failed" in first.context["older"]
    assert "Failure 04." in second
    assert "Failure 05." not in second
    assert "Newest" in second


def test_a_run_shows_stages_files_log_and_errors(pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline)
    fill_run(run)

    text = text_of(bob, run_of(run))

    assert "2 rows written" in text
    assert "/data/inbox/orders.csv" in text
    assert "Archived" in text
    assert "Read 4 rows of orders.csv." in text
    assert "orders: amount must be greater than 0." in text


def test_the_drawer_has_no_frame_and_leads_to_the_page(pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline)

    text = str(bob.browser().get(run_of(run), {"drawer": "1"}, headers=HTMX).content.decode())

    assert "<html" not in text
    assert "Open as a page" in text


def test_a_run_under_way_asks_for_itself_and_one_that_ended_does_not(pipeline: Pipeline, bob: Person) -> None:
    running, over = make_run(pipeline, "running"), make_run(pipeline)
    headers = {**HTMX, "HX-Target": f"run-live-{running.pk}"}

    live = str(bob.browser().get(run_of(running), headers=headers).content.decode())

    assert f'id="run-live-{running.pk}"' in live
    assert 'data-poll="1"' in live
    assert "k-drawer-head" not in live
    assert "data-poll" not in text_of(bob, run_of(over)).split("run-live")[1].split(">")[0]


@pytest.mark.parametrize(
    ("columns", "percent"),
    [
        ({"total_rows": 200, "processed_rows": 50}, 25), ({"total_bytes": 10, "bytes_in": 9}, 90),
        ({"total_rows": 1, "processed_rows": 5}, 100), ({}, None), ({"total_rows": 0}, None),
    ],
    ids=["rows", "bytes", "over", "unknown", "none"],
)  # fmt: skip
def test_how_far_a_run_is_comes_from_rows_or_bytes(columns: dict[str, int], percent: int | None) -> None:
    assert percent_of(PipelineRun(status=RunStatus.RUNNING, **columns)) == percent


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"status": "pending"}, "queued"), ({"status": "running", "stage": "loading"}, "loading"),
        ({"status": "running", "stage": "queued"}, "running"),
        ({"status": "running", "stage": "loading", "cancel_requested_at": timezone.now()}, "cancelling"),
        ({"status": "completed_with_errors"}, "completed_with_rejects"), ({"status": "failed"}, "failed"),
    ],
    ids=["waits", "works", "begins", "stops", "rejects", "failed"],
)  # fmt: skip
def test_a_run_has_one_word(columns: dict[str, Any], word: str) -> None:
    assert state_of(PipelineRun(**columns)) == word
    assert state_of(None) == ""


def test_stages_tell_their_time_and_the_one_that_failed(pipeline: Pipeline) -> None:
    lines = stage_lines(make_run(pipeline, "failed"), timezone.now())

    states = {line.label: line.state for line in lines}
    assert states["Reading"] == "done"
    assert states["Loading"] == "failed"
    assert states["Archiving files"] == "skipped"
    assert lines[0].seconds == 1


def test_stages_of_a_run_that_has_not_begun_are_ahead(pipeline: Pipeline) -> None:
    assert {line.state for line in stage_lines(make_run(pipeline, "pending"), timezone.now())} == {"ahead"}


def test_quarantined_rows_open_in_full(acme: Tenant, pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=1)
    quarantine(acme, run)

    text = text_of(bob, run_of(run, "rejects"))

    assert "amount must be greater than 0" in text
    assert "orders.csv line 3" in text
    assert "<dt>customer</dt><dd>&lt;b&gt;Bob&lt;/b&gt;</dd>" in text
    assert "data-wrong" in text
    assert "1 in all" in text


def test_without_a_quarantine_table_the_errors_stand_with_the_reason(pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=1)
    fill_run(run)

    text = text_of(bob, run_of(run, "rejects"))

    assert "orders: amount must be greater than 0." in text


def test_errors_are_downloaded_as_csv_that_no_sheet_takes_for_a_formula(pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline)
    RunError.objects.create(tenant_id=run.tenant_id, run=run, row=2, column="a", value="=1+1", error="Bad, “quoted”")

    answer = bob.browser().get(run_of(run, "errors.csv"))

    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0][:4] == ["Row", "Column", "Value", "Error"]
    assert rows[1][:4] == ["2", "a", "'=1+1", "Bad, “quoted”"]
    assert f"run-{run.pk}-errors.csv" in answer["Content-Disposition"]


def test_retry_shows_the_new_run_in_place_of_the_failed_one(pipeline: Pipeline, eve: Person) -> None:
    run = make_run(pipeline, "failed")

    answer = eve.browser().post(run_of(run, "retry"), headers={**HTMX, "HX-Target": f"run-live-{run.pk}"})

    new = PipelineRun.objects.for_tenant(run.tenant_id).get(trigger_source="retry")
    assert new.retry_of_id == run.pk
    assert f"run-live-{new.pk}" in answer.content.decode()
    assert events_of(answer)["k-say"]["tone"] == "good"


def test_a_run_that_waits_is_cancelled_at_once(pipeline: Pipeline, eve: Person) -> None:
    run = make_run(pipeline, "pending")

    answer = eve.browser().post(run_of(run, "cancel"))

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert answer["Location"] == run_of(run)


@pytest.mark.parametrize(("act", "status"), [("cancel", "completed"), ("retry", "running")])
def test_what_cannot_be_done_any_more_is_said(act: str, status: str, pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().post(run_of(make_run(pipeline, status), act))

    assert "run" in said(answer).lower()
    assert PipelineRun.objects.for_tenant(pipeline.tenant_id).count() == 1


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_a_viewer_acts_on_no_run(act: str, pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline, "failed")

    assert bob.browser().post(run_of(run, act)).status_code == 403
    assert f"run-{act}" not in text_of(bob, run_of(run))


@pytest.mark.parametrize(
    ("status", "failures", "shown"),
    [
        ("running", 0, 1),
        ("completed", 0, 1),
        ("completed", 2, 3),
        ("failed", 3, 3),
        ("failed", 0, 1),
        ("pending", 1, 2),
    ],
)
def test_attempts_are_counted_from_one(pipeline: Pipeline, eve: Person, status: str, failures: int, shown: int) -> None:
    run = make_run(pipeline, status, attempt=failures, max_attempts=3)

    assert f"<dt>Attempt</dt><dd>{shown} of 3</dd>" in text_of(eve, run_of(run))
