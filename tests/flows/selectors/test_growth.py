"""Lists of flows ask no more of the database for more rows, and their pages miss and repeat none."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flows.models import Pipeline, PipelineRun, PipelineVersion, RunError, RunFile
from flows.selectors.overview import pipeline_rows, runs_of
from kaireon.platform.paging import newest_first, read_key, write_key
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_pipeline, orders_ir
from tests.pages.flow_world import LIST, RUNS, edit_of, make_run, part_of, run_of
from tests.people import Person

pytestmark = pytest.mark.django_db


def grow(pipeline: Pipeline, run: PipelineRun, first: int, last: int) -> None:
    """Add pipelines, and runs, versions, files and errors of one, numbered from the first to before the last."""
    now, numbers = timezone.now(), range(first, last)
    made: dict[str, Any] = {"tenant": run.tenant, "created_at": now}
    Pipeline.objects.bulk_create(Pipeline(**made, name=f"P{at}", updated_at=now) for at in numbers)
    PipelineVersion.objects.bulk_create(
        PipelineVersion(**made, pipeline=pipeline, version=at + 2, ir=orders_ir()) for at in numbers
    )
    PipelineRun.objects.bulk_create(
        PipelineRun(**made, pipeline=pipeline, ir_version=1, trigger_source="manual", status="failed", not_before=now)
        for at in numbers
    )
    RunError.objects.bulk_create(RunError(tenant=run.tenant, run=run, error=f"E{at}") for at in numbers)
    RunFile.objects.bulk_create(
        RunFile(
            **made, updated_at=now, run=run, pipeline=pipeline, node_id="src", store="x", key=f"{at}",
            identity=f"{at:064}", size_bytes=1, state="archived",
        )
        for at in numbers
    )  # fmt: skip


def queries(person: Person, address: str) -> int:
    browser = person.browser()
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert browser.get(address).status_code == 200
    return len(found)


def test_pages_ask_as_much_for_two_hundred_rows_as_for_forty(acme: Tenant, bob: Person) -> None:
    pipeline = make_pipeline(acme)
    run = make_run(pipeline)
    addresses = [LIST, RUNS, edit_of(pipeline), part_of(pipeline, "versions"), run_of(run), run_of(run, "rejects")]
    grow(pipeline, run, 0, 40)
    few = {address: queries(bob, address) for address in addresses}
    grow(pipeline, run, 40, 240)

    many = {address: queries(bob, address) for address in addresses}

    assert many == few


def test_three_pages_of_runs_miss_and_repeat_none_while_new_ones_arrive(acme: Tenant) -> None:
    pipeline, now = make_pipeline(acme), timezone.now()
    # Three of each moment, so that a page ends within one.
    old = [make_run(pipeline, now=now - at // 3 * timedelta(seconds=1)).pk for at in range(21)]
    after, seen = "", []

    for _ in range(3):
        page = newest_first(runs_of(acme), after=after, limit=7)
        seen += [run.pk for run in page.rows]
        after = page.next_key
        make_run(pipeline, now=now + timedelta(seconds=60))

    assert len(seen) == len(set(seen))
    assert set(seen) == set(old)
    assert after == ""


def test_three_pages_of_pipelines_miss_and_repeat_none_while_new_ones_arrive(acme: Tenant) -> None:
    now = timezone.now()
    old = Pipeline.objects.bulk_create(
        Pipeline(tenant=acme, name=f"P{at}", created_at=now, updated_at=now) for at in range(21)
    )
    after, seen = None, []

    for at in range(3):
        rows = [row.pipeline for row in pipeline_rows(acme, after=after, limit=7)]
        seen += [row.pk for row in rows]
        after = read_key(write_key(rows[-1].created_at, rows[-1].pk))
        later = now + timedelta(seconds=60)
        Pipeline.objects.create(tenant=acme, name=f"New {at}", created_at=later, updated_at=later)

    assert len(seen) == len(set(seen))
    assert set(seen) == {row.pk for row in old}
