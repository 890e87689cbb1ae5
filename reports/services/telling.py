"""What the end of a run means for its schedule, and who is told: once a streak of failures, once at a pause.

Each joins its caller's transaction, which holds the schedule's row, and returns what that transaction is to write to
the audit log at its very end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kaireon.platform.audit.services import Entry, record
from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.services import raise_alert
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from reports.decisions.runs import FAILURES_TO_PAUSE, Streak, last_status_of, streak_after
from reports.decisions.vocabulary import RunStatus, ScheduleState
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from reports.services.announcing import (
    schedule_entry,
    schedule_health_key,
    schedule_state,
    settle_schedule_health,
)

RUN: Final = "report_run"
LONGEST_REASON: Final = 500


def end_of_run(schedule: ReportSchedule, run: ReportRun, *, now: datetime, is_skipped: bool = False) -> list[Entry]:
    """Write to the schedule how its run has ended, tell of a new streak of failures, pause after the fifth in a row.

    A run that ends after a later one has changes nothing.
    """
    if schedule.last_run_at is not None and run.started_at < schedule.last_run_at:
        return []
    status = RunStatus(run.status)
    streak, failed_before = streak_after(status, schedule.failures_in_a_row), schedule.failures_in_a_row
    schedule.last_run_at = run.started_at
    schedule.last_status = last_status_of(status, is_skipped=is_skipped)
    schedule.failures_in_a_row = streak.failures
    fields = ["last_run_at", "last_status", "failures_in_a_row"]
    before = None
    if streak.is_paused and schedule.state == ScheduleState.ACTIVE:
        before = schedule_state(schedule)
        schedule.state, schedule.paused_at = ScheduleState.PAUSED, now
        schedule.state_reason = _pause_reason(run)
        fields += ["state", "paused_at", "state_reason"]
    schedule.updated_at = now
    schedule.save(update_fields=[*fields, "updated_at"])
    _tell(schedule, run, streak, is_pausing=before is not None, now=now)
    if failed_before and not streak.failures:
        settle_schedule_health(schedule, now=now)
    return [] if before is None else [_entry(schedule, "pause", before)]


def park(schedule: ReportSchedule, reason: str, *, now: datetime) -> list[Entry]:
    """Take a schedule whose cadence cannot be read out of the ticks, and tell it."""
    before = schedule_state(schedule)
    schedule.state, schedule.state_reason = ScheduleState.PARKED, reason
    schedule.next_run_at, schedule.updated_at = None, now
    schedule.save(update_fields=["state", "state_reason", "next_run_at", "updated_at"])
    text = f"{reason} It does not fire until that is set right."
    _raise(schedule, Severity.WARNING, "is parked", text, "/settings/reports", now)
    return [_entry(schedule, "park", before)]


def record_run(run: ReportRun, action: str, actor: Actor, *, now: datetime, **after: object) -> None:
    """Audit what a person did with a run."""
    record(
        tenant_id=run.tenant_id, actor=actor, action=action, entity_type=RUN, entity_id=str(run.pk),
        entity_name=run.definition.get("name", ""), after=after, now=now,
    )  # fmt: skip


def _tell(schedule: ReportSchedule, run: ReportRun, streak: Streak, *, is_pausing: bool, now: datetime) -> None:
    """Raise one alert for a streak; a pause makes it worse, so that it is told once more."""
    link = f"/settings/reports/runs/{run.pk}"
    if is_pausing:
        text = f"{schedule.state_reason} {_owner(schedule)}Set it right, then press Resume."
        _raise(schedule, Severity.CRITICAL, "is paused", text, link, now)
    elif streak.is_told:
        text = f"{run.error[:LONGEST_REASON]} {_owner(schedule)}You hear of it again only if it is paused."
        _raise(schedule, Severity.ERROR, "failed", text, link, now)


def _raise(schedule: ReportSchedule, severity: Severity, what: str, text: str, link: str, now: datetime) -> None:
    raise_alert(
        tenant_id=schedule.tenant_id, severity=severity, source=Source.REPORTS,
        title=f"Report schedule {schedule.name} {what}", message=text, link=link,
        metadata={"scheduleId": str(schedule.pk), "templateId": str(schedule.template_id)},
        dedupe_key=schedule_health_key(schedule.pk), now=now,
    )  # fmt: skip


def _owner(schedule: ReportSchedule) -> str:
    rows = ReportTemplate.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.template_id, owner__isnull=False)
    email = rows.values_list("owner__email", flat=True).first()
    return f"Its owner is {email}. " if email else ""


def _pause_reason(run: ReportRun) -> str:
    return f"{FAILURES_TO_PAUSE} runs in a row have failed. The last one: {run.error[:LONGEST_REASON]}"


def _entry(schedule: ReportSchedule, action: str, before: Mapping[str, Any]) -> Entry:
    return schedule_entry(schedule, action, SYSTEM, before=before, after=schedule_state(schedule))
