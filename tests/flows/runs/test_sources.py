"""The runs of pipelines as a data source of reports: hand-made runs against every column and figure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from flows.decisions.vocabulary import RunStatus
from flows.models import PipelineRun
from flows.sources import RunsAsk, read_run_counts
from kaireon.platform.tenancy.models import Tenant
from kaireon.report_sources import HowEnded
from reports.decisions.definition import SourceCall
from reports.decisions.document import Section
from reports.sources import Spool, run_source
from tests.flows.runs.world import MINUTE, NOW, SECOND, dispatched_run, make_pipeline

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def told(tenant: Tenant, spool: Spool, **params: Any) -> Section:
    call = SourceCall("pipeline_runs", params)
    return run_source(call, section_id="s1", title="", tenant_id=tenant.pk, now=NOW, zone="UTC", spool=spool)


def ended(tenant: Tenant, at: Any, **changes: Any) -> PipelineRun:
    """Make a run that ended so."""
    name = changes.pop("name", f"Orders {at.isoformat()} {changes.get('status')}")
    run = dispatched_run(make_pipeline(tenant, name=name), now=at)
    values = {"started_at": at, "finished_at": at + 90 * SECOND, **changes}
    PipelineRun.objects.for_tenant(tenant).filter(pk=run.pk).update(**values)
    return run


def figures(section: Section) -> dict[str, tuple[Any, Any]]:
    assert section.error == ""
    return {figure.key: (figure.value, figure.before) for figure in section.figures}


def test_every_column_is_what_the_run_says(acme: Tenant, spool: Spool) -> None:
    ended(acme, NOW - MINUTE, name="Orders", status="failed", rows_in=5, rows_out=3, failed_rows=2, error="Why")

    section = told(acme, spool, days=1)

    assert list(section.rows) == [
        (NOW - MINUTE, "Orders", "failed", "manual", 5, 3, 2, 90.0, "Why"),
    ]


def test_runs_of_the_days_before_stand_beside(acme: Tenant, spool: Spool) -> None:
    ended(acme, NOW - MINUTE, status="completed", rows_out=10)
    ended(acme, NOW - 2 * MINUTE, status="failed", rows_out=0)
    ended(acme, NOW - DAY - MINUTE, status="completed", rows_out=4, failed_rows=1)

    found = figures(told(acme, spool, days=1))

    assert found == {"runs": (2, 1), "failed": (1, 0), "rowsOut": (10, 4), "rowsFailed": (0, 1)}


def test_a_status_a_pipeline_and_a_limit_narrow(acme: Tenant, spool: Spool) -> None:
    failed = ended(acme, NOW - MINUTE, status="failed")
    for minute in range(2, 5):
        ended(acme, NOW - minute * MINUTE, status="completed")

    by_status = told(acme, spool, days=1, status="failed")
    by_pipeline = told(acme, spool, days=1, pipelineId=str(failed.pipeline_id))
    by_limit = told(acme, spool, days=1, limit=2)

    assert [len(each.rows) for each in (by_status, by_pipeline, by_limit)] == [1, 1, 2]
    assert by_limit.note == "Shows the newest 2 of 4 runs."


def test_runs_of_others_are_not_counted(acme: Tenant, globex: Tenant) -> None:
    ended(globex, NOW - MINUTE, status="completed")

    assert read_run_counts(RunsAsk(acme.pk), (NOW - DAY, NOW)).all == 0


def test_every_status_can_be_asked_for() -> None:
    assert {each.value for each in HowEnded} == {each.value for each in RunStatus}
