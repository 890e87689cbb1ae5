"""Prometheus metrics of flows: what each process counts, and what is read when somebody scrapes."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone

from flows.decisions.vocabulary import RunStatus
from flows.models import PipelineRun
from kaireon.platform.telemetry.metrics import Reading, counter, histogram, read_at_scrape

BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)
OPEN: Final = (RunStatus.PENDING, RunStatus.RUNNING)
RUNS: Final = counter("kaireon_pipeline_runs_total", "Runs of pipelines that ended, by how", ("status",))
ROWS: Final = counter("kaireon_pipeline_rows_total", "Rows of committed runs: in, out, failed, skipped", ("kind",))
RUN_SECONDS: Final = histogram(
    "kaireon_pipeline_run_seconds", "Seconds from taking a run to the commit of its rows", buckets=BUCKETS
)
RECOVERED: Final = counter(
    "kaireon_pipeline_runs_recovered_total", "Runs found without the worker that had them, by what was done", ("how",)
)


def register_metrics() -> None:
    """Define what is read at scrape; called once when Django has loaded all models. Again it changes nothing."""
    read_at_scrape("kaireon_pipeline_runs_open", "Runs that wait or are under way", ("status",), _open_runs)
    oldest = "Seconds that the oldest run has waited past the time it was to begin, 0 without one"
    read_at_scrape("kaireon_pipeline_run_oldest_seconds", oldest, (), _oldest_waiting)


def _open_runs() -> Iterator[Reading]:
    rows = PipelineRun.objects.across_tenants().filter(status__in=OPEN).values_list("status")
    counts = dict(rows.annotate(count=Count("pk")).order_by())
    yield from (((status.value,), float(counts.get(status.value, 0))) for status in OPEN)


def _oldest_waiting() -> Iterator[Reading]:
    now = timezone.now()
    rows = PipelineRun.objects.across_tenants().filter(status=RunStatus.PENDING, not_before__lte=now)
    oldest = rows.aggregate(oldest=Min("not_before"))["oldest"]
    yield (), (now - oldest).total_seconds() if oldest else 0.0
