"""Prometheus metrics of reports: what each process counts, and what is read when somebody scrapes."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone

from kaireon.platform.telemetry.metrics import Reading, counter, histogram, read_at_scrape
from reports.decisions.vocabulary import RunStatus, ScheduleState, Stage
from reports.models import ReportRun, ReportSchedule

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
RUNS: Final = counter("kaireon_report_runs_total", "Runs that ended, by how", ("status",))
RUN_SECONDS: Final = histogram(
    "kaireon_report_run_seconds", "Seconds from taking a run to handing it over", buckets=BUCKETS
)
DUE_LAG: Final = histogram(
    "kaireon_report_due_lag_seconds", "Seconds from an occurrence to the tick that found it", buckets=BUCKETS
)


def register_metrics() -> None:
    """Define what is read at scrape; called once when Django has loaded all models. Again it changes nothing."""
    read_at_scrape("kaireon_report_runs_open", "Runs that are not over, by how far they are", ("stage",), _open_runs)
    due = "Seconds that the oldest due schedule has waited for a tick, 0 without one"
    read_at_scrape("kaireon_report_due_oldest_seconds", due, (), _oldest_due)


def _open_runs() -> Iterator[Reading]:
    rows = ReportRun.objects.across_tenants().filter(status=RunStatus.RUNNING).values_list("stage")
    counts = dict(rows.annotate(count=Count("pk")).order_by())
    yield from (((stage.value,), float(counts.get(stage.value, 0))) for stage in Stage if stage is not Stage.DONE)


def _oldest_due() -> Iterator[Reading]:
    now = timezone.now()
    rows = ReportSchedule.objects.across_tenants().filter(
        enabled=True, state=ScheduleState.ACTIVE, next_run_at__lte=now
    )  # fmt: skip
    oldest = rows.aggregate(oldest=Min("next_run_at"))["oldest"]
    yield (), (now - oldest).total_seconds() if oldest else 0.0
