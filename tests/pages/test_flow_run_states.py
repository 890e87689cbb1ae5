"""Runs in each state: what can be done about them, and figures that are those of the API."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from flows.decisions.vocabulary import RunStatus
from flows.models import Pipeline, PipelineRun, RunError
from flows.services import data_schema_of
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import PIPELINES, make_pipeline
from tests.pages.flow_world import HTMX, events_of, fill_run, make_run, run_of, said
from tests.people import Person

pytestmark = pytest.mark.django_db
STATES: dict[str, dict[str, Any]] = {
    "pending": {"status": "pending"}, "running": {"status": "running"}, "completed": {"status": "completed"},
    "rejects": {"status": "completed_with_errors"}, "failed": {"status": "failed"},
    "cancelled": {"status": "cancelled"}, "committed": {"status": "running", "committed_at": timezone.now()},
    "stopping": {"status": "running", "cancel_requested_at": timezone.now(), "cancelled_by": "eve"},
}  # fmt: skip
CANCELLED, RETRIED = {"pending", "running"}, {"failed", "cancelled"}


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline with the documented IR."""
    return make_pipeline(acme)


def text_of(person: Person, run: PipelineRun, name: str = "") -> str:
    return str(person.browser().get(run_of(run, name)).content.decode())


def runs(tenant: Tenant) -> int:
    return PipelineRun.objects.for_tenant(tenant).count()


@pytest.mark.parametrize("name", STATES)
def test_cancel_stops_what_can_be_stopped_and_says_why_else(
    name: str, acme: Tenant, pipeline: Pipeline, eve: Person
) -> None:
    run = make_run(pipeline, **STATES[name])
    before = run.status

    has_button = f"run-cancel-{run.pk}" in text_of(eve, run)
    answer = eve.browser().post(run_of(run, "cancel"), headers={**HTMX, "HX-Target": f"run-live-{run.pk}"})

    run.refresh_from_db()
    assert has_button == (name in CANCELLED)
    assert answer.status_code == 200
    assert (run.cancel_requested_at is not None) == (name in CANCELLED | {"stopping"})
    assert run.status == ("cancelled" if name == "pending" else before)
    assert events_of(answer)["k-say"]["tone"] == ("good" if name in CANCELLED | {"stopping"} else "warn")
    assert runs(acme) == 1


@pytest.mark.parametrize("name", STATES)
def test_retry_begins_anew_what_ended_badly_and_nothing_else(
    name: str, acme: Tenant, pipeline: Pipeline, eve: Person
) -> None:
    run = make_run(pipeline, **STATES[name])
    before = PipelineRun.objects.for_tenant(acme).values().get()

    has_button = f"run-retry-{run.pk}" in text_of(eve, run)
    answer = eve.browser().post(run_of(run, "retry"))

    assert has_button == (name in RETRIED)
    assert runs(acme) == (2 if name in RETRIED else 1)
    assert PipelineRun.objects.for_tenant(acme).values().get(pk=run.pk) == before
    assert (answer["Location"] == run_of(run)) == (name not in RETRIED)


def test_a_second_retry_waits_behind_the_first_or_says_why_not(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    run = make_run(pipeline, "failed")

    answers = [eve.browser().post(run_of(run, "retry")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert said(answers[1])
    assert runs(acme) <= 3


@pytest.mark.parametrize(
    "columns",
    [
        {"rows_in": 1_234_567, "rows_out": 1_230_000, "failed_rows": 4_321, "skipped_rows": 246},
        {"rows_in": 0, "rows_out": 0, "failed_rows": 0, "skipped_rows": 0},
        {"rows_in": 2**40 + 1, "rows_out": 2**40, "failed_rows": 1, "skipped_rows": 0},
    ],
    ids=["large", "none", "billions"],
)
def test_the_figures_of_the_page_are_those_of_the_api_to_the_row(
    columns: dict[str, int], pipeline: Pipeline, alice: Person
) -> None:
    run = make_run(pipeline, "completed_with_errors", **columns)
    body = alice.api().get(f"{PIPELINES}/{pipeline.pk}/runs/{run.pk}/progress").json()

    text = text_of(alice, run)

    shown = dict(re.findall(r'<div class="k-figure"><span>([^<]+)</span><b>([^<]+)</b>', text))
    names = {"rowsIn": "Rows read", "rowsOut": "Rows written", "failedRows": "Set aside", "skippedRows": "Left out"}
    assert {key: int(re.sub(r"\D", "", shown[label])) for key, label in names.items()} == {
        key: body[key] for key in names
    }


def test_stages_files_log_and_errors_of_the_page_are_those_of_the_api(pipeline: Pipeline, alice: Person) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=1)
    fill_run(run)
    body = alice.api().get(f"{PIPELINES}/{pipeline.pk}/runs/{run.pk}/progress").json()

    page = alice.browser().get(run_of(run))

    passed = [line for line in page.context["stages"] if line.state != "skipped"]
    assert [(line.rows_in, line.rows_out, line.quarantined) for line in passed] == [
        (stage["rowsIn"], stage["rowsOut"], stage["quarantined"]) for stage in body["stages"]
    ]
    assert [line.message for line in page.context["log"]] == [line["message"] for line in body["log"]]
    assert [each.error for each in page.context["errors"]] == [each["error"] for each in body["validationErrors"]]
    assert round(page.context["took"] * 1000) == body["durationMs"]


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 45])
def test_the_errors_are_counted_in_full_and_downloaded_in_full(count: int, pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=count)
    RunError.objects.bulk_create(
        RunError(tenant_id=run.tenant_id, run=run, row=at, error=f"Error {at}.") for at in range(count)
    )

    page, lines = bob.browser().get(run_of(run)), text_of(bob, run, "errors.csv").splitlines()

    assert page.context["error_count"] == count
    assert len(page.context["errors"]) == min(count, 20)
    assert [line.split(",")[3] for line in lines] == ["Error", *(f"Error {at}." for at in range(count))]


def set_aside(tenant: Tenant, run: PipelineRun, *rows: Any, value: str = "-3", error: str = "must be more") -> None:
    """Put rows into the quarantine table of a run, as a load does."""
    data_schema_of(tenant)
    table = f'"{tenant.data_schema}_dlq"."orders"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {table} (id bigint, run_id uuid, node_id text, rule_id text, row jsonb,"
            " created_at timestamptz, column_name text, value text, error text, file text, line bigint)"
        )
        cursor.executemany(
            f"INSERT INTO {table} VALUES (%s, %s, 'check', 'r', %s, now(), 'amount', %s, %s, 'o.csv', %s)",
            [(at, run.pk, json.dumps(row), value, error, at) for at, row in enumerate(rows, start=1)],
        )
    run.metadata = {"quarantineTables": {"check": "dlq.orders"}}
    run.save(update_fields=["metadata"])


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"amount": {"<i>": "<b>", "net": [1, None]}}, "{&quot;&lt;i&gt;&quot;: &quot;&lt;b&gt;&quot;"),
        ({"amount": [[[]], {}, "ü"]}, "[[[]], {}, &quot;ü&quot;]"), ({"amount": None}, "<dd>–</dd>"),
        ({"amount": False}, "<dd>false</dd>"), ({"amount": 0}, "<dd>0</dd>"),
        ({"<script>x</script>": "שלום"}, "<dt>&lt;script&gt;x&lt;/script&gt;</dt><dd>שלום</dd>"),
        ('1,"open', "<dt>row</dt><dd>1,&quot;open</dd>"), ([1, {"a": 2}], "[1, {&quot;a&quot;: 2}]"),
        (None, "<dt>row</dt><dd>–</dd>"), ({}, "flow-facts"), ({"amount": 2**60 + 1}, str(2**60 + 1)),
    ],
    ids=["object", "list", "null", "false", "zero", "names", "text", "row-list", "no-row", "empty", "large"],
)  # fmt: skip
def test_a_row_that_was_set_aside_is_shown_as_what_it_is(
    row: Any, shown: str, acme: Tenant, pipeline: Pipeline, bob: Person
) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=1)
    set_aside(acme, run, row)

    text = text_of(bob, run, "rejects")

    assert shown in text
    assert "<script>" not in text
    assert "1 in all" in text


def test_very_long_values_and_reasons_stay_within_the_summary_and_are_whole_below(
    acme: Tenant, pipeline: Pipeline, bob: Person
) -> None:
    long = "W" * 30_000
    run = make_run(pipeline, "completed_with_errors", failed_rows=1)
    set_aside(acme, run, {"amount": long}, value=long, error=f"{long} is no number")

    text = text_of(bob, run, "rejects")

    summary = text.split("<summary>")[1].split("</summary>")[0]
    assert len(summary) < 2_000
    assert f"<dd>{long}</dd>" in text


def test_more_rows_than_are_shown_are_counted(acme: Tenant, pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline, "completed_with_errors", failed_rows=60)
    set_aside(acme, run, *({"amount": at} for at in range(60)))

    text = text_of(bob, run, "rejects")

    assert "The first 50 of 60." in text
    assert text.count("<details") == 50


def test_each_state_has_a_page_a_drawer_and_a_word_in_the_filter(pipeline: Pipeline, bob: Person) -> None:
    made = [make_run(pipeline, status) for status in RunStatus]

    answers = [bob.browser().get(run_of(run), headers=headers) for run in made for headers in ({}, HTMX)]
    lists = [bob.browser().get("/data/flow-runs", {"status": status}) for status in RunStatus]

    assert {answer.status_code for answer in answers} == {200}
    assert [[line.run.status for line in answer.context["lines"]] for answer in lists] == [[each] for each in RunStatus]
