"""Schedules as services keep them: next times, parking, pausing, caps, and two people at once."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.health.services import raise_alert
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.models import Destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.guardrails import usage_of
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportSchedule
from reports.selectors import count_schedules, schedule_standing
from reports.services import (
    delete_schedule,
    pause_schedule,
    resume_schedule,
    schedule_health_key,
    update_schedule,
)
from tests.platform.together import run_together
from tests.reports.keeping import DAY, NOBODYS, NOW, make_mail, make_schedule, make_template, spoil

pytestmark = pytest.mark.django_db
LATER = NOW + 3 * DAY + timedelta(seconds=7)
NOBODYS_ID = uuid.UUID(NOBODYS)
# 08:00 in Berlin: after the clocks went back on the 25th, at 07:00 UTC.
FIRST = datetime(2026, 10, 25, 7, tzinfo=UTC)
NEXT_LATER = datetime(2026, 10, 28, 7, tzinfo=UTC)


def change(schedule: ReportSchedule, **changes: Any) -> ReportSchedule:
    """Change a schedule of the tests three days later."""
    return update_schedule(
        tenant=schedule.tenant, schedule_id=schedule.pk, changes=changes, actor=SYSTEM, now=LATER
    )  # fmt: skip


def pause(schedule: ReportSchedule) -> ReportSchedule:
    """Pause a schedule."""
    return pause_schedule(tenant=schedule.tenant, schedule_id=schedule.pk, actor=SYSTEM, now=NOW)


def resume(schedule: ReportSchedule) -> ReportSchedule:
    """Resume a schedule three days later."""
    return resume_schedule(tenant=schedule.tenant, schedule_id=schedule.pk, actor=SYSTEM, now=LATER)


def guard(tenant: Tenant, **caps: int) -> None:
    """Set guardrails of a tenant."""
    tenant.settings = {"guardrails": caps}
    tenant.save(update_fields=["settings"])


def actions(tenant: Tenant) -> list[str]:
    """Return what the audit log holds of schedules, oldest first."""
    rows = AuditEntry.objects.for_tenant(tenant).filter(entity_type="report_schedule").order_by("sequence")
    return list(rows.values_list("action", flat=True))


# --- creating


def test_a_schedule_has_the_documented_defaults_and_its_first_time(acme: Tenant) -> None:
    schedule = make_schedule(acme)

    schedule.refresh_from_db()
    assert (schedule.next_run_at, schedule.last_run_at, schedule.last_status) == (FIRST, None, "pending")
    assert (schedule.enabled, schedule.missed_policy, schedule.skip_if_empty) == (True, "once", False)
    assert (schedule.state, schedule.state_reason, schedule.failures_in_a_row) == ("active", "", 0)
    assert (schedule.created_at, schedule.updated_at, schedule.destination_ids) == (NOW, NOW, [])


def test_a_schedule_without_a_zone_is_in_utc(acme: Tenant) -> None:
    schedule = make_schedule(acme, timezone="UTC")

    assert schedule.next_run_at == datetime(2026, 10, 25, 8, tzinfo=UTC)


def test_nothing_before_its_creation_counts_as_missed(acme: Tenant) -> None:
    assert make_schedule(acme).last_occurrence_at == NOW


def test_a_schedule_that_is_made_switched_off_shows_its_next_time_all_the_same(acme: Tenant) -> None:
    assert make_schedule(acme, enabled=False).next_run_at == FIRST


def test_an_unknown_template_and_another_tenants_are_named(acme: Tenant, globex: Tenant) -> None:
    for template_id in (new_id(), make_template(globex).pk):
        with pytest.raises(NotFound) as caught:
            make_schedule(acme, template_id=template_id)

        assert list(caught.value.fields) == ["templateId"]


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        pytest.param({"cron_expression": "0 0 8 * * *"}, ["cronExpression"], id="six fields"),
        pytest.param({"timezone": "Mars/Olympus"}, ["timezone"], id="no zone of earth"),
        pytest.param({"destination_ids": [NOBODYS_ID]}, ["destinations[0]"], id="an unknown destination"),
        pytest.param({"cron_expression": "@daily", "timezone": "../../etc/passwd", "destination_ids": [NOBODYS_ID]},
                     ["destinations[0]", "cronExpression", "timezone"], id="all at once"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_kept(acme: Tenant, values: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(Unprocessable) as caught:
        make_schedule(acme, **values)

    assert list(caught.value.fields) == paths
    assert count_schedules(acme.pk) == 0


# --- the next time


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"cron_expression": "30 9 * * *"}, datetime(2026, 10, 28, 8, 30, tzinfo=UTC), id="expression"),
        pytest.param({"timezone": "UTC"}, datetime(2026, 10, 28, 8, tzinfo=UTC), id="zone"),
        pytest.param({"timezone": "Asia/Kolkata", "cron_expression": "*/5 * * * *"},
                     datetime(2026, 10, 27, 12, 5, tzinfo=UTC), id="both"),
    ],
)  # fmt: skip
def test_another_cadence_gets_its_next_time_from_now_on(
    acme: Tenant, changes: dict[str, Any], expected: datetime
) -> None:
    schedule = change(make_schedule(acme), **changes)

    assert (schedule.next_run_at, schedule.last_occurrence_at) == (expected, LATER)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"name": "Renamed"}, id="name"),
        pytest.param({"enabled": False}, id="switched off"),
        pytest.param({"skip_if_empty": True, "missed_policy": "skip"}, id="policies"),
        pytest.param({"destination_ids": []}, id="destinations"),
        pytest.param({"cron_expression": "0 8 * * *", "timezone": "Europe/Berlin"}, id="the same cadence"),
    ],
)
def test_an_unrelated_change_leaves_the_next_time_alone_though_it_has_passed(
    acme: Tenant, changes: dict[str, Any]
) -> None:
    schedule = change(make_schedule(acme), **changes)

    schedule.refresh_from_db()
    assert (schedule.next_run_at, schedule.last_occurrence_at, schedule.updated_at) == (FIRST, NOW, LATER)


def test_one_that_is_switched_on_again_does_not_fire_what_passed_meanwhile(acme: Tenant) -> None:
    schedule = change(make_schedule(acme, enabled=False), enabled=True)

    assert (schedule.next_run_at, schedule.last_occurrence_at) == (NEXT_LATER, LATER)


def test_a_change_may_move_a_schedule_to_another_template_but_not_to_none(acme: Tenant) -> None:
    schedule, other = make_schedule(acme), make_template(acme, name="Other")

    assert change(schedule, template_id=other.pk).template_id == other.pk
    with pytest.raises(NotFound) as caught:
        change(schedule, template_id=new_id())
    assert list(caught.value.fields) == ["templateId"]


@pytest.mark.parametrize("changes", [{"cron_expression": "@daily"}, {"timezone": "Mars/Olympus"}], ids=["cron", "zone"])
def test_a_bad_cadence_changes_nothing(acme: Tenant, changes: dict[str, Any]) -> None:
    schedule = make_schedule(acme)

    with pytest.raises(Unprocessable):
        change(schedule, name="Renamed", **changes)

    schedule.refresh_from_db()
    assert (schedule.name, schedule.next_run_at, schedule.cron_expression) == ("Daily", FIRST, "0 8 * * *")


def test_a_destination_that_was_deleted_may_stay_named(acme: Tenant) -> None:
    gone = make_mail(acme)
    schedule = make_schedule(acme, destination_ids=[gone, gone])
    Destination.objects.for_tenant(acme).filter(pk=gone).delete()

    assert change(schedule, destination_ids=[gone]).destination_ids == [gone]


# --- parked


@pytest.mark.parametrize(
    ("columns", "fix", "names"),
    [
        pytest.param({"cron_expression": "@daily"}, {"cron_expression": "0 8 * * *"}, "cronExpression", id="dialect"),
        pytest.param({"cron_expression": ""}, {"cron_expression": "0 8 * * *"}, "cronExpression", id="nothing"),
        pytest.param({"timezone": "US/Pacific-New"}, {"timezone": "Europe/Berlin"}, "timezone", id="a zone dropped"),
    ],
)
def test_a_row_that_became_unreadable_is_parked_until_it_is_corrected(
    acme: Tenant, columns: dict[str, str], fix: dict[str, str], names: str
) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, **columns)
    seen = schedule_standing(schedule)

    parked = change(schedule, name="Renamed")
    mended = change(schedule, **fix)

    assert (seen.state, seen.next_run_at, seen.reason.partition(":")[0]) == ("parked", None, names)
    assert (parked.state, parked.next_run_at, parked.state_reason) == ("parked", None, seen.reason)
    assert (mended.state, mended.state_reason, mended.next_run_at) == ("active", "", NEXT_LATER)
    assert mended.last_occurrence_at == LATER


def test_correcting_the_sound_half_names_the_other(acme: Tenant) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, cron_expression="@daily", state="parked", next_run_at=None)

    with pytest.raises(Unprocessable) as caught:
        change(schedule, timezone="UTC")

    assert list(caught.value.fields) == ["cronExpression"]


def test_a_parked_one_whose_zone_is_back_goes_again_at_any_change(acme: Tenant) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, state="parked", state_reason="timezone: There is no time zone Europe/Berlin.", next_run_at=None)

    mended = change(schedule, timezone="Europe/Berlin")

    assert (mended.state, mended.next_run_at) == ("active", NEXT_LATER)


@pytest.mark.parametrize("service", [pause_schedule, resume_schedule])
def test_a_parked_one_is_neither_paused_nor_resumed(acme: Tenant, service: Any) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, state="parked", state_reason="cronExpression: no.", next_run_at=None)

    with pytest.raises(Conflict, match="correct its cronExpression or timezone"):
        service(tenant=acme, schedule_id=schedule.pk, actor=SYSTEM, now=NOW)

    schedule.refresh_from_db()
    assert schedule.state_reason == "cronExpression: no."


# --- paused


def test_a_pause_says_who_and_when_and_leaves_the_next_time(acme: Tenant) -> None:
    schedule = pause(make_schedule(acme))

    schedule.refresh_from_db()
    assert (schedule.state, schedule.state_reason, schedule.paused_at) == ("paused", "Paused by system.", NOW)
    assert schedule.next_run_at == FIRST


def test_a_resumed_schedule_goes_from_its_next_time_on_with_its_failures_forgotten(acme: Tenant) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, state="paused", state_reason="Five runs in a row failed.", paused_at=NOW, failures_in_a_row=5)

    resume(schedule)

    schedule.refresh_from_db()
    assert (schedule.state, schedule.state_reason, schedule.paused_at) == ("active", "", None)
    assert (schedule.failures_in_a_row, schedule.next_run_at, schedule.last_occurrence_at) == (0, NEXT_LATER, LATER)


def test_pausing_twice_keeps_the_first_reason_and_resuming_an_active_one_changes_nothing(acme: Tenant) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, state="paused", state_reason="Five runs in a row failed.", paused_at=NOW)

    assert pause(schedule).state_reason == "Five runs in a row failed."
    resume(schedule)
    before = resume(schedule).next_run_at

    assert actions(acme) == ["create", "resume"]
    assert before == NEXT_LATER


def test_a_paused_one_with_another_cadence_stays_paused_and_shows_the_new_time(acme: Tenant) -> None:
    schedule = change(pause(make_schedule(acme)), cron_expression="0 9 * * *")

    assert (schedule.state, schedule.state_reason) == ("paused", "Paused by system.")
    assert schedule.next_run_at == datetime(2026, 10, 28, 8, tzinfo=UTC)


def test_a_paused_one_that_cannot_be_read_any_more_is_parked_when_it_is_resumed(acme: Tenant) -> None:
    schedule = pause(make_schedule(acme))
    spoil(schedule, timezone="US/Pacific-New")

    resumed = resume(schedule)

    assert (resumed.state, resumed.next_run_at, resumed.paused_at) == ("parked", None, None)
    assert resumed.state_reason.startswith("timezone: There is no time zone US/Pacific-New.")


def delete(schedule: ReportSchedule) -> None:
    """Delete a schedule."""
    delete_schedule(tenant=schedule.tenant, schedule_id=schedule.pk, actor=SYSTEM, now=LATER)


@pytest.mark.parametrize(
    ("columns", "act", "is_open"),
    [
        pytest.param({"state": "paused"}, resume, False, id="resumed"),
        pytest.param({"state": "paused"}, delete, False, id="deleted"),
        pytest.param({"state": "paused"}, partial(change, enabled=False), False, id="switched off"),
        pytest.param({"state": "paused"}, partial(change, name="Renamed"), True, id="paused and renamed"),
        pytest.param({"state": "paused"}, partial(change, cron_expression="0 9 * * *"), True, id="paused and recast"),
        pytest.param({"state": "parked", "timezone": "Mars/Olympus"}, partial(change, timezone="UTC"), False,
                     id="corrected"),
        pytest.param({"state": "parked", "timezone": "Mars/Olympus"}, partial(change, name="Renamed"), True,
                     id="parked and renamed"),
        pytest.param({"failures_in_a_row": 2}, partial(change, name="Renamed"), True, id="failing and renamed"),
    ],
)  # fmt: skip
def test_its_health_alert_ends_when_there_is_nothing_left_to_do(
    acme: Tenant, columns: dict[str, Any], act: Any, is_open: bool
) -> None:
    schedule = make_schedule(acme)
    spoil(schedule, **columns)
    key = schedule_health_key(schedule.pk)
    raise_alert(
        tenant_id=acme.pk, severity="error", source="system", title="Trouble", dedupe_key=key, fan_out=False, now=NOW
    )

    act(schedule)

    assert SystemHealthAlert.objects.for_tenant(acme).filter(resolved_at=None).exists() is is_open


# --- deleting, strangers, audit


def test_a_deleted_schedule_is_gone_and_its_template_stays(acme: Tenant) -> None:
    schedule = make_schedule(acme)

    delete_schedule(tenant=acme, schedule_id=schedule.pk, actor=SYSTEM, now=LATER)

    assert count_schedules(acme.pk) == 0
    assert schedule.template.name == "Weekly"
    assert actions(acme) == ["create", "delete"]


@pytest.mark.parametrize("service", [update_schedule, delete_schedule, pause_schedule, resume_schedule])
def test_another_tenants_schedule_is_not_there(acme: Tenant, globex: Tenant, service: Any) -> None:
    schedule = make_schedule(acme)
    changes = {"changes": {"name": "x"}} if service is update_schedule else {}

    with pytest.raises(NotFound):
        service(tenant=globex, schedule_id=schedule.pk, actor=SYSTEM, now=NOW, **changes)

    schedule.refresh_from_db()
    assert (schedule.name, schedule.state) == ("Daily", "active")


def test_changes_are_audited_with_what_stood_before(acme: Tenant) -> None:
    schedule = pause(make_schedule(acme))

    change(schedule, cron_expression="0 9 * * *")

    entry = AuditEntry.objects.for_tenant(acme).filter(entity_type="report_schedule").latest("sequence")
    assert (entry.action, entry.entity_id, sorted(entry.changes or ())) == (
        "update", str(schedule.pk), ["cronExpression"],
    )  # fmt: skip
    assert actions(acme) == ["create", "pause", "update"]


# --- guardrails


def test_over_the_cap_nothing_is_made(acme: Tenant) -> None:
    guard(acme, maxReportSchedules=2)
    template = make_template(acme)
    for _ in range(2):
        make_schedule(acme, template)

    with pytest.raises(Unprocessable) as caught:
        make_schedule(acme, template)

    assert (caught.value.code, list(caught.value.fields)) == ("GUARDRAIL", ["guardrails.maxReportSchedules"])
    assert count_schedules(acme.pk) == 2


def test_paused_and_switched_off_ones_count_and_another_tenants_do_not(acme: Tenant, globex: Tenant) -> None:
    guard(acme, maxReportSchedules=3)
    pause(make_schedule(acme))
    make_schedule(acme, enabled=False)
    make_schedule(globex)

    make_schedule(acme)

    with pytest.raises(Unprocessable):
        make_schedule(acme)


def test_the_guardrails_page_knows_how_many_there_are(acme: Tenant) -> None:
    make_schedule(acme)

    usage = next(each for each in usage_of(acme) if each.name == "maxReportSchedules")

    assert (usage.used, usage.cap) == (1, 50)


@pytest.mark.parametrize(
    ("expression", "limit", "is_allowed"),
    [
        ("*/5 * * * *", 5, True),
        ("*/5 * * * *", 6, False),
        ("0,1 8 * * *", 2, False),
        ("0 * * * *", 60, True),
        ("0 * * * *", 61, False),
        ("0 8 * * *", 1440, True),
        ("0 8,20 * * *", 1440, False),
        ("*/7 * * * *", 5, False),
    ],
)
def test_no_two_runs_are_closer_than_the_tenant_allows(
    acme: Tenant, expression: str, limit: int, is_allowed: bool
) -> None:
    guard(acme, minCadenceMinutes=limit)

    if is_allowed:
        assert make_schedule(acme, cron_expression=expression).next_run_at is not None
        return
    with pytest.raises(Unprocessable) as caught:
        make_schedule(acme, cron_expression=expression)
    assert caught.value.code == "GUARDRAIL"
    assert list(caught.value.fields) == ["guardrails.minCadenceMinutes", "cronExpression"]


def test_a_limit_that_came_later_holds_for_another_cadence_and_lets_the_old_one_be_renamed(acme: Tenant) -> None:
    schedule = make_schedule(acme, cron_expression="*/5 * * * *")
    guard(acme, minCadenceMinutes=60)

    assert change(schedule, name="Renamed", cron_expression="*/5 * * * *").name == "Renamed"
    with pytest.raises(Unprocessable):
        change(schedule, cron_expression="*/10 * * * *")


# --- at the same time


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_cap_do_not_all_see_room_for_one(acme: Tenant) -> None:
    guard(acme, maxReportSchedules=3)
    template = make_template(acme)
    make_schedule(acme, template)
    outcomes: list[str] = []

    def make() -> None:
        try:
            make_schedule(acme, template)
            outcomes.append("made")
        except Unprocessable as error:
            outcomes.append(error.code)

    run_together(*[make] * 6)

    assert sorted(outcomes) == ["GUARDRAIL"] * 4 + ["made"] * 2
    assert count_schedules(acme.pk) == 3


@pytest.mark.django_db(transaction=True)
def test_a_schedule_changed_while_it_is_deleted_does_not_come_back(acme: Tenant) -> None:
    template = make_template(acme)
    for _ in range(5):
        schedule, outcomes = make_schedule(acme, template), list[str]()

        def attempt(act: Any, outcomes: list[str] = outcomes) -> None:
            try:
                act()
                outcomes.append("done")
            except NotFound:
                outcomes.append("gone")

        run_together(
            partial(attempt, partial(change, schedule, cron_expression="0 9 * * *")),
            partial(delete_schedule, tenant=acme, schedule_id=schedule.pk, actor=SYSTEM, now=LATER),
            partial(attempt, partial(pause, schedule)),
        )

        assert len(outcomes) == 2
        assert count_schedules(acme.pk) == 0


@pytest.mark.django_db(transaction=True)
def test_a_cadence_and_a_pause_at_once_are_both_kept(acme: Tenant) -> None:
    template = make_template(acme)
    for _ in range(5):
        schedule = make_schedule(acme, template)

        def recast(schedule: ReportSchedule = schedule) -> None:
            change(schedule, cron_expression="0 9 * * *")

        def stop(schedule: ReportSchedule = schedule) -> None:
            pause(schedule)

        run_together(recast, stop)

        schedule.refresh_from_db()
        assert (schedule.cron_expression, schedule.state) == ("0 9 * * *", "paused")
        assert schedule.next_run_at == datetime(2026, 10, 28, 8, tzinfo=UTC)
