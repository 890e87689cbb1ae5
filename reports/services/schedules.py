"""Create, change, delete, pause and resume report schedules."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.cadences import cadence_errors, read_schedule, why_unreadable
from reports.decisions.checking import in_one_sentence
from reports.decisions.vocabulary import ScheduleState
from reports.models import ReportSchedule, ReportTemplate
from reports.selectors.schedules import SCHEDULE_NOT_FOUND, count_schedules
from reports.selectors.templates import TEMPLATE_NOT_FOUND, destination_errors
from reports.services.announcing import schedule_entry, schedule_state, settle_schedule_health
from reports.services.templates import insert_template

CADENCE: Final = ("cron_expression", "timezone")
PARKED: Final = "The schedule is parked: correct its cronExpression or timezone, which sets it going again."


@transaction.atomic(durable=True)
def create_schedule(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> ReportSchedule:
    """Create a schedule and return it with its first time; what was due before it is not made up for.

    `values` has the model's names, with `template_id`. Raises NotFound for a template that is not there, Unprocessable
    for a cadence or destination that cannot be, or over `maxReportSchedules` or under `minCadenceMinutes`.
    """
    schedule, entry = _insert_schedule(tenant, values, actor, now)
    record_many([entry], now=now)
    return schedule


@transaction.atomic(durable=True)
def create_report(
    *, tenant: Tenant, template: Mapping[str, Any], schedule: Mapping[str, Any], actor: Actor, now: datetime
) -> tuple[ReportTemplate, ReportSchedule]:
    """Create a template and a schedule for it, or neither; raises as creating each does."""
    made, template_made = insert_template(tenant, template, actor, now)
    scheduled, schedule_made = _insert_schedule(tenant, {**schedule, "template_id": made.pk}, actor, now)
    record_many([template_made, schedule_made], now=now)
    return made, scheduled


@transaction.atomic(durable=True)
def update_schedule(
    *, tenant: Tenant, schedule_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> ReportSchedule:
    """Change the given settings of a schedule and return it.

    A changed cadence gets its next time and sets a parked schedule going; so does one switched on again. Nothing that
    was due before is made up for. Its health alert ends when it is mended or switched off.
    Raises NotFound for it or the template, Unprocessable as on creation.
    """
    if "template_id" in changes:
        # The template before the schedule: as whoever deletes a template with its schedules does.
        _hold_template(tenant, changes["template_id"])
    schedule = _locked(tenant, schedule_id)
    before = schedule_state(schedule)
    known, was_enabled, was_parked = schedule.destination_ids, schedule.enabled, schedule.state == ScheduleState.PARKED
    is_new_cadence = any(name in changes and changes[name] != getattr(schedule, name) for name in CADENCE)
    written = {"updated_at", *_apply(schedule, changes)}
    _require(tenant, schedule, changes, known, is_new_cadence=is_new_cadence)
    is_on_again = schedule.enabled and not was_enabled
    if is_new_cadence or is_on_again or was_parked or _is_unreadable(schedule):
        written |= _set_going(schedule, now)
    schedule.updated_at = now
    schedule.save(update_fields=sorted(written))
    is_mended = was_parked and schedule.state != ScheduleState.PARKED
    if is_mended or (was_enabled and not schedule.enabled):
        settle_schedule_health(schedule, now=now)
    record_many([schedule_entry(schedule, "update", actor, before=before, after=schedule_state(schedule))], now=now)
    return schedule


@transaction.atomic(durable=True)
def delete_schedule(*, tenant: Tenant, schedule_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a schedule with its occurrences; runs and their files stay. Raises NotFound."""
    schedule = _locked(tenant, schedule_id)
    ReportSchedule.objects.for_tenant(tenant).filter(pk=schedule.pk).delete()
    settle_schedule_health(schedule, now=now)
    record_many([schedule_entry(schedule, "delete", actor, before=schedule_state(schedule))], now=now)


@transaction.atomic(durable=True)
def pause_schedule(*, tenant: Tenant, schedule_id: uuid.UUID, actor: Actor, now: datetime) -> ReportSchedule:
    """Stop a schedule by hand and return it; one that is paused stays as it is.

    Raises NotFound, and Conflict for a parked one: it does not fire, and its reason must not be lost.
    """
    schedule = _locked(tenant, schedule_id)
    _refuse_parked(schedule)
    if schedule.state == ScheduleState.ACTIVE:
        before = schedule_state(schedule)
        schedule.state, schedule.state_reason = ScheduleState.PAUSED, f"Paused by {actor.name[:254]}."
        schedule.paused_at = schedule.updated_at = now
        schedule.save(update_fields=["state", "state_reason", "paused_at", "updated_at"])
        entry = schedule_entry(schedule, "pause", actor, before=before, after=schedule_state(schedule))
        record_many([entry], now=now)
    return schedule


@transaction.atomic(durable=True)
def resume_schedule(*, tenant: Tenant, schedule_id: uuid.UUID, actor: Actor, now: datetime) -> ReportSchedule:
    """Set a paused schedule going from its next time on and return it; failures are counted anew.

    Nothing that was due meanwhile is made up for; an active one stays as it is. Raises NotFound, and Conflict for a
    parked one.
    """
    schedule = _locked(tenant, schedule_id)
    _refuse_parked(schedule)
    if schedule.state == ScheduleState.PAUSED:
        before = schedule_state(schedule)
        schedule.state, schedule.failures_in_a_row, schedule.updated_at = ScheduleState.ACTIVE, 0, now
        written = {"state", "failures_in_a_row", "updated_at", *_set_going(schedule, now)}
        schedule.save(update_fields=sorted(written))
        settle_schedule_health(schedule, now=now)
        entry = schedule_entry(schedule, "resume", actor, before=before, after=schedule_state(schedule))
        record_many([entry], now=now)
    return schedule


def _insert_schedule(
    tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime
) -> tuple[ReportSchedule, Entry]:  # fmt: skip
    # Two requests at the cap must not both see room for one.
    xact_lock(lock_key("reports.schedules", tenant.pk))
    _require_room(tenant)
    _hold_template(tenant, values["template_id"])
    schedule = ReportSchedule(id=new_id(), tenant=tenant, created_at=now, updated_at=now)
    _apply(schedule, values)
    _require(tenant, schedule, values, known=(), is_new_cadence=True)
    _set_going(schedule, now)
    schedule.save(force_insert=True)
    return schedule, schedule_entry(schedule, "create", actor, after=schedule_state(schedule))


def _apply(schedule: ReportSchedule, changes: Mapping[str, Any]) -> set[str]:
    for name, value in changes.items():
        setattr(schedule, name, list(dict.fromkeys(value)) if name == "destination_ids" else value)
    return set(changes)


def _require(
    tenant: Tenant, schedule: ReportSchedule, changes: Mapping[str, Any], known: Collection[uuid.UUID], *,
    is_new_cadence: bool,
) -> None:  # fmt: skip
    """Raise Unprocessable that names every field that cannot be."""
    errors = destination_errors(tenant, changes.get("destination_ids", ()), known=known, path="destinations")
    if any(name in changes for name in CADENCE):
        errors |= cadence_errors(schedule.cron_expression, schedule.timezone)
    if errors:
        raise Unprocessable(in_one_sentence(errors), fields=errors)
    if is_new_cadence:
        _require_pace(tenant, schedule)


def _hold_template(tenant: Tenant, template_id: uuid.UUID) -> None:
    """Keep the template until this transaction ends: no constraint of the database does."""
    rows = ReportTemplate.objects.for_tenant(tenant).select_for_update().filter(pk=template_id)
    if not rows.values_list("pk", flat=True).first():
        raise NotFound(TEMPLATE_NOT_FOUND, fields={"templateId": [TEMPLATE_NOT_FOUND]})


def _require_room(tenant: Tenant) -> None:
    limit = guardrails_of(tenant).max_report_schedules
    if count_schedules(tenant.pk) >= limit:
        text = f"The tenant has {limit} report schedules, which is its cap (guardrails.maxReportSchedules)."
        raise Unprocessable(text, code="GUARDRAIL", fields={"guardrails.maxReportSchedules": [text]})


def _require_pace(tenant: Tenant, schedule: ReportSchedule) -> None:
    limit = guardrails_of(tenant).min_cadence_minutes
    gap = read_schedule(schedule.cron_expression, schedule.timezone).shortest_gap()
    if gap < timedelta(minutes=limit):
        text = (
            f"Two runs would be {gap // timedelta(minutes=1)} min apart; the tenant allows one in {limit} min"
            " (guardrails.minCadenceMinutes)."
        )
        fields = {"guardrails.minCadenceMinutes": [text], "cronExpression": [text]}
        raise Unprocessable(text, code="GUARDRAIL", fields=fields)


def _set_going(schedule: ReportSchedule, now: datetime) -> set[str]:
    """Give a schedule its next time from now on, or park it; return the names of what may have changed."""
    if reason := why_unreadable(schedule.cron_expression, schedule.timezone):
        schedule.state, schedule.state_reason, schedule.next_run_at = ScheduleState.PARKED, reason, None
        schedule.paused_at = None
    else:
        if schedule.state != ScheduleState.PAUSED:
            schedule.state, schedule.state_reason, schedule.paused_at = ScheduleState.ACTIVE, "", None
        schedule.next_run_at = read_schedule(schedule.cron_expression, schedule.timezone).next(now)
        schedule.last_occurrence_at = now
    return {"state", "state_reason", "paused_at", "next_run_at", "last_occurrence_at"}


def _is_unreadable(schedule: ReportSchedule) -> bool:
    return bool(why_unreadable(schedule.cron_expression, schedule.timezone))


def _refuse_parked(schedule: ReportSchedule) -> None:
    if schedule.state == ScheduleState.PARKED:
        raise Conflict(PARKED, code="PARKED")


def _locked(tenant: Tenant, schedule_id: uuid.UUID) -> ReportSchedule:
    schedule = ReportSchedule.objects.for_tenant(tenant).select_for_update().filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound(SCHEDULE_NOT_FOUND)
    return schedule
