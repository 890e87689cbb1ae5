"""What the tests of the scheduler's pages share: ticks, occurrences in every outcome, triggers, written by hand."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from flows.models import Pipeline
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_pipeline, orders_ir
from triggers.decisions.vocabulary import HeldFor, Outcome, TickSource, TriggerState
from triggers.models import FileTrigger, Occurrence, PipelineSchedule, SchedulerTick, WatchedFolder

PAGE = "/data/scheduler"
HTMX = {"HX-Request": "true"}
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
ARRIVAL = {
    "kind": "file_arrival", "sourceId": "src", "controlFilePattern": {"type": "glob", "value": "orders.done"},
}  # fmt: skip
MINUTE = timedelta(minutes=1)
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.HELD]


def part_of(pipeline: Pipeline, name: str) -> str:
    """Return the address of what the scheduler knows of a pipeline."""
    return f"{PAGE}/pipelines/{pipeline.pk}/{name}"


def scheduled(tenant: Tenant, name: str = "Load orders", **schedule: Any) -> Pipeline:
    """Make a pipeline that runs every hour, unless something else is said; its next time is 20 minutes away."""
    pipeline = make_pipeline(tenant, name, ir=orders_ir(schedule={**HOURLY, **schedule}))
    now = timezone.now()
    change_schedule(pipeline, next_due_at=now + 20 * MINUTE, decided_until=now)
    return pipeline


def awaiting(tenant: Tenant, name: str = "Load on arrival", **trigger: Any) -> Pipeline:
    """Make a pipeline that waits for a control file."""
    return make_pipeline(tenant, name, ir=orders_ir(trigger={**ARRIVAL, **trigger}))


def change_schedule(pipeline: Pipeline, **columns: Any) -> None:
    """Change the row of a schedule."""
    changed = PipelineSchedule.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).update(**columns)
    assert changed == 1, "the pipeline has a schedule"


def change_trigger(pipeline: Pipeline, **columns: Any) -> None:
    """Change the row of a file trigger."""
    changed = FileTrigger.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).update(**columns)
    assert changed == 1, "the pipeline has a file trigger"


def park(pipeline: Pipeline, reason: str = "There is no time zone Europe/Atlantis.") -> None:
    """Park a schedule, as a zone that is gone does."""
    change_schedule(pipeline, state=TriggerState.PARKED, reason=reason, next_due_at=None)


def make_tick(at: datetime | None = None, **columns: Any) -> SchedulerTick:
    """Write a tick of a moment ago."""
    at = at or timezone.now() - timedelta(seconds=3)
    values = {"source": TickSource.TICKER, "ticker": "web:1", "duration_ms": 12, "finished_at": at}
    return SchedulerTick.objects.create(at=at, **{**values, **columns})


def make_occurrence(pipeline: Pipeline, outcome: str = Outcome.FIRED, **columns: Any) -> Occurrence:
    """Write an occurrence of ten minutes ago, decided two seconds later."""
    at = columns.pop("at", timezone.now() - 10 * MINUTE)
    values: dict[str, Any] = {
        "kind": "schedule", "key": new_id().hex, "occurrence_at": at, "decided_at": at + timedelta(seconds=2),
        "version": 1, "detail": {"catchUp": "latest", "overlap": "queue"},
    }  # fmt: skip
    return Occurrence.objects.create(
        tenant_id=pipeline.tenant_id, pipeline=pipeline, outcome=outcome, **{**values, **columns}
    )


def hold(pipeline: Pipeline, **columns: Any) -> Occurrence:
    """Write an occurrence that waits for ten minutes more."""
    due_at = timezone.now() + 10 * MINUTE
    return make_occurrence(
        pipeline, Outcome.HELD, **{"held_for": HeldFor.JITTER, "due_at": due_at, "at": timezone.now(), **columns}
    )


def break_folder(tenant: Tenant, error: str = "The server does not answer.") -> WatchedFolder:
    """Write a folder that cannot be listed."""
    now = timezone.now()
    return WatchedFolder.objects.create(
        tenant=tenant, kind="sftp", store="sftp://files.example.com:22", folder="/out", failures=3, error=error,
        next_look_at=now + MINUTE, created_at=now,
    )  # fmt: skip


def crowd_scheduler(tenant: Tenant, pipelines: list[Pipeline]) -> None:
    """Add fifty occurrences of every outcome, fifty that are held, and a hundred ticks."""
    for at, outcome in enumerate(OUTCOMES * 5):
        make_occurrence(pipelines[at % len(pipelines)], outcome, reason="Because.", at=timezone.now() - at * MINUTE)
    for pipeline in pipelines:
        hold(pipeline)
    for at in range(100):
        make_tick(timezone.now() - at * MINUTE)
