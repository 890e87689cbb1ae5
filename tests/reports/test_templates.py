"""Templates as services keep them: defaults, owners, what a change answers for, what deleting takes along."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.models import Destination
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from reports.decisions.definition import NarrativeWish, SectionWish, SourceCall
from reports.decisions.vocabulary import Format
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate
from reports.selectors import definition_errors, definition_of
from reports.selectors.templates import SourceKeys
from reports.services import (
    create_report,
    create_template,
    delete_template,
    update_schedule,
    update_template,
)
from reports.sources import source_list
from tests.people import Person
from tests.platform.together import run_together
from tests.reports.keeping import FUNNEL, NOW, TREND, make_mail, make_schedule, make_template, section

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
UNKNOWN_SOURCE = {"sourceKey": "moon", "params": {}}


def actor_of(person: Person) -> Actor:
    """Return the person as services see them."""
    return Actor(kind="user", name=person.user.email, role=person.role, user_id=person.user.pk)


def change(template: ReportTemplate, **changes: Any) -> ReportTemplate:
    """Change a template of the tests an hour later."""
    return update_template(
        tenant=template.tenant, template_id=template.pk, changes=changes, actor=SYSTEM, now=LATER
    )  # fmt: skip


def audited(tenant: Tenant) -> list[tuple[str, str, str]]:
    """Return what the audit log holds of reports, oldest first."""
    rows = AuditEntry.objects.for_tenant(tenant).filter(entity_type__startswith="report_").order_by("sequence")
    return list(rows.values_list("action", "entity_type", "entity_name"))


# --- creating


def test_a_template_has_the_documented_defaults(acme: Tenant) -> None:
    template = create_template(tenant=acme, values={"name": "Bare"}, actor=SYSTEM, now=NOW)

    template.refresh_from_db()
    assert (template.data_sources, template.sections, template.formats) == ([], [], ["pdf"])
    assert template.narrative == {"enabled": True, "prompt": None, "modelOverride": None}
    assert (template.description, template.destination_ids, template.enabled) == ("", [], True)
    assert (template.created_at, template.updated_at, template.owner_id) == (NOW, NOW, None)


def test_who_creates_a_template_owns_it(eve: Person) -> None:
    values = {"name": "Mine"}

    template = create_template(tenant=eve.tenant, values=values, actor=actor_of(eve), now=NOW)

    assert template.owner == eve.user


def test_another_member_can_be_made_the_owner_and_nobody(eve: Person, bob: Person) -> None:
    values = {"name": "Bob's", "owner_id": bob.user.pk}

    template = create_template(tenant=eve.tenant, values=values, actor=actor_of(eve), now=NOW)

    assert template.owner_id == bob.user.pk
    assert change(template, owner_id=None).owner_id is None


def test_nobody_elses_member_can_be_made_the_owner(eve: Person, charlie: Person) -> None:
    values = {"name": "Charlie's", "owner_id": charlie.user.pk}

    with pytest.raises(Unprocessable) as caught:
        create_template(tenant=eve.tenant, values=values, actor=actor_of(eve), now=NOW)

    assert list(caught.value.fields) == ["ownerUserId"]


def test_destinations_are_kept_once_each_in_their_order(acme: Tenant) -> None:
    first, second = make_mail(acme, "One"), make_mail(acme, "Two")

    template = make_template(acme, destination_ids=[second, first, second])

    assert template.destination_ids == [second, first]


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        pytest.param({"data_sources": [UNKNOWN_SOURCE]}, ["dataSources[0].sourceKey"], id="source"),
        pytest.param({"sections": [section("s1", 1)]}, ["sections[0].dataSourceIndex"], id="section"),
        pytest.param({"formats": ["docx", "pdf", "pdf"]}, ["formats[0]", "formats[2]"], id="formats"),
        pytest.param({"destination_ids": [uuid.UUID(int=7)]}, ["filters.destinations[0]"], id="destination"),
        pytest.param({"formats": [], "destination_ids": [uuid.UUID(int=7)], "owner_id": uuid.UUID(int=7)},
                     ["formats", "filters.destinations[0]", "ownerUserId"], id="several at once"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_kept(acme: Tenant, values: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(Unprocessable) as caught:
        make_template(acme, **values)

    assert list(caught.value.fields) == paths
    assert not ReportTemplate.objects.for_tenant(acme).exists()
    assert audited(acme) == []


def test_another_tenants_destination_is_as_unknown_as_none(acme: Tenant, globex: Tenant) -> None:
    foreign = make_mail(globex)

    with pytest.raises(Unprocessable, match=r"filters\.destinations\[0\]: There is no such destination"):
        make_template(acme, destination_ids=[foreign])


# --- changing


def test_a_change_touches_what_it_names(acme: Tenant) -> None:
    template = make_template(acme, sections=[section("s1")], formats=["csv"])

    change(template, name="Monthly")

    kept = ReportTemplate.objects.for_tenant(acme).get()
    assert (kept.name, kept.updated_at, kept.created_at) == ("Monthly", LATER, NOW)
    assert (kept.sections, kept.formats, kept.data_sources) == ([section("s1")], ["csv"], [FUNNEL])


def test_fewer_sources_answer_for_the_sections_that_stay(acme: Tenant) -> None:
    template = make_template(acme, data_sources=[FUNNEL, TREND], sections=[section("s1"), section("s2", 1)])

    with pytest.raises(Unprocessable) as caught:
        change(template, data_sources=[FUNNEL])

    assert list(caught.value.fields) == ["sections[1].dataSourceIndex"]
    assert change(template, data_sources=[FUNNEL], sections=[section("s1")]).data_sources == [FUNNEL]


def test_a_template_whose_source_is_gone_can_still_be_renamed_and_switched_off(acme: Tenant) -> None:
    template = make_template(acme)
    ReportTemplate.objects.for_tenant(acme).update(data_sources=[{"sourceKey": "retired", "params": {}}])

    changed = change(template, name="Old", enabled=False, formats=["html"])

    assert (changed.name, changed.enabled, changed.formats) == ("Old", False, ["html"])


def test_a_destination_that_was_deleted_may_stay_named(acme: Tenant) -> None:
    gone, other = make_mail(acme, "Gone"), make_mail(acme, "Other")
    template = make_template(acme, destination_ids=[gone])
    Destination.objects.for_tenant(acme).filter(pk=gone).delete()

    assert change(template, destination_ids=[gone, other]).destination_ids == [gone, other]
    change(template, destination_ids=[other])
    with pytest.raises(Unprocessable):
        change(template, destination_ids=[gone])


@pytest.mark.parametrize("service", [update_template, delete_template])
def test_another_tenants_template_is_not_there(acme: Tenant, globex: Tenant, service: Any) -> None:
    template = make_template(acme)
    changes = {"changes": {"name": "x"}} if service is update_template else {}

    with pytest.raises(NotFound):
        service(tenant=globex, template_id=template.pk, actor=SYSTEM, now=NOW, **changes)

    assert ReportTemplate.objects.for_tenant(acme).get().name == "Weekly"


# --- deleting


def make_run(schedule: ReportSchedule) -> ReportRun:
    """Keep a run of a schedule, with its occurrence."""
    run = ReportRun.objects.create(
        tenant=schedule.tenant, template=schedule.template, schedule=schedule, definition={"name": "Weekly"},
        triggered_by="cron", created_at=NOW, started_at=NOW, data_until=NOW,
    )  # fmt: skip
    ReportOccurrence.objects.create(
        tenant=schedule.tenant, schedule=schedule, occurrence_at=NOW, outcome="run", run=run, created_at=NOW
    )
    return run


def test_deleting_a_template_takes_its_schedules_along_and_leaves_its_runs(acme: Tenant) -> None:
    template, other = make_template(acme), make_schedule(acme, name="Another template's")
    run = make_run(make_schedule(acme, template))

    delete_template(tenant=acme, template_id=template.pk, actor=SYSTEM, now=LATER)

    assert list(ReportSchedule.objects.for_tenant(acme)) == [other]
    assert not ReportOccurrence.objects.for_tenant(acme).exists()
    run.refresh_from_db()
    assert (run.template_id, run.schedule_id, run.definition) == (None, None, {"name": "Weekly"})


def test_deleting_is_audited_for_the_template_and_each_of_its_schedules(acme: Tenant) -> None:
    template = make_template(acme)
    for name in ("Daily", "Hourly"):
        make_schedule(acme, template, name=name)

    delete_template(tenant=acme, template_id=template.pk, actor=SYSTEM, now=LATER)

    deleted = [entry for entry in audited(acme) if entry[0] == "delete"]
    assert sorted(deleted[:2]) == [("delete", "report_schedule", "Daily"), ("delete", "report_schedule", "Hourly")]
    assert deleted[2:] == [("delete", "report_template", "Weekly")]


def test_changes_are_audited_with_what_stood_before(acme: Tenant) -> None:
    template = make_template(acme, destination_ids=[make_mail(acme)])

    change(template, name="Monthly", formats=["csv"])

    entry = AuditEntry.objects.for_tenant(acme).filter(entity_type="report_template").latest("sequence")
    before, after = entry.before or {}, entry.after or {}
    assert (entry.action, before["formats"], after["formats"]) == ("update", ["pdf"], ["csv"])
    assert sorted(entry.changes or ()) == ["formats", "name"]


# --- a report in one step


def test_a_report_is_a_template_and_a_schedule_or_neither(acme: Tenant) -> None:
    schedule = {"name": "Daily", "cron_expression": "0 8 * * *", "timezone": "Europe/Berlin"}

    template, made = create_report(
        tenant=acme, template={"name": "Board", "data_sources": [FUNNEL]}, schedule=schedule, actor=SYSTEM, now=NOW
    )

    assert (made.template_id, made.next_run_at is not None) == (template.pk, True)
    assert [entry[:2] for entry in audited(acme)] == [("create", "report_template"), ("create", "report_schedule")]


@pytest.mark.parametrize(
    ("template", "schedule", "path"),
    [
        ({"formats": []}, {}, "formats"),
        ({}, {"cron_expression": "@daily"}, "cronExpression"),
        ({}, {"timezone": "Mars/Olympus"}, "timezone"),
        ({}, {"destination_ids": [uuid.UUID(int=7)]}, "destinations[0]"),
    ],
)
def test_nothing_of_a_report_is_kept_when_either_half_is_refused(
    acme: Tenant, template: dict[str, Any], schedule: dict[str, Any], path: str
) -> None:
    with pytest.raises(Unprocessable) as caught:
        create_report(
            tenant=acme, template={"name": "Board", **template},
            schedule={"name": "Daily", "cron_expression": "0 8 * * *", **schedule}, actor=SYSTEM, now=NOW,
        )  # fmt: skip

    assert list(caught.value.fields) == [path]
    assert not ReportTemplate.objects.for_tenant(acme).exists()
    assert audited(acme) == []


# --- the definition


def test_a_template_is_read_as_the_definition_that_runs(acme: Tenant) -> None:
    narrative = {"enabled": False, "prompt": "Be brief.", "modelOverride": None}
    template = make_template(
        acme, description="What happened", data_sources=[FUNNEL, TREND], sections=[section("trend", 1)],
        formats=["csv", "html"], narrative=narrative,
    )  # fmt: skip

    definition = definition_of(ReportTemplate.objects.for_tenant(acme).get(pk=template.pk))

    assert (definition.name, definition.description) == ("Weekly", "What happened")
    assert definition.data_sources == (SourceCall("funnel", {"days": 7}), SourceCall("daily_trend", {}))
    assert definition.sections == (SectionWish("trend", "Section trend", 1),)
    assert definition.formats == (Format.CSV, Format.HTML)
    assert definition.narrative == NarrativeWish(is_enabled=False, prompt="Be brief.", model="")


def test_a_definition_is_checked_against_the_sources_that_there_are() -> None:
    unknown = {"sourceKey": "moon", "params": {}}

    assert definition_errors({"data_sources": [FUNNEL, TREND]}) == {}
    assert list(definition_errors({"data_sources": [unknown], "formats": []})) == [
        "dataSources[0].sourceKey",
        "formats",
    ]


def test_the_keys_of_sources_are_those_of_the_registry() -> None:
    keys = SourceKeys()

    assert set(keys) == {info.key for info in source_list()}
    assert len(keys) == len(set(keys))
    assert all(key in keys for key in ("offer_performance", "daily_trend", "alert_history", "outbox_health"))
    assert not any(key in keys for key in ("moon", "", None, 7))


# --- at the same time


class Acts:
    """What people do to a tenant's reports at once; `refused` holds what was not there any more."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.refused: list[NotFound] = []
        self.done = 0

    def change(self, template: ReportTemplate, **changes: Any) -> Callable[[], None]:
        """Return the change of a template."""
        return partial(self._attempt, lambda: change(template, **changes))

    def schedule(self, template: ReportTemplate, times: int = 1) -> Callable[[], None]:
        """Return the making of schedules for a template."""
        return partial(self._attempt, lambda: make_schedule(self.tenant, template), times)

    def delete(self, template: ReportTemplate) -> Callable[[], None]:
        """Return the deletion of a template."""
        return lambda: delete_template(tenant=self.tenant, template_id=template.pk, actor=SYSTEM, now=LATER)

    def move(self, schedule: ReportSchedule, templates: list[ReportTemplate]) -> Callable[[], None]:
        """Return the moves of a schedule from template to template."""
        targets = iter(templates)

        def move_on() -> None:
            changes = {"template_id": next(targets).pk}
            update_schedule(tenant=self.tenant, schedule_id=schedule.pk, changes=changes, actor=SYSTEM, now=LATER)

        return partial(self._attempt, move_on, len(templates))

    def report(self, times: int) -> Callable[[], None]:
        """Return the making of whole reports."""
        values = {"name": "Daily", "cron_expression": "0 8 * * *"}

        def make() -> None:
            create_report(tenant=self.tenant, template={"name": "x"}, schedule=values, actor=SYSTEM, now=LATER)

        return partial(self._attempt, make, times)

    def _attempt(self, act: Callable[[], object], times: int = 1) -> None:
        for _ in range(times):
            try:
                act()
                self.done += 1
            except NotFound as refusal:
                self.refused.append(refusal)


@pytest.mark.django_db(transaction=True)
def test_a_schedule_made_while_its_template_is_deleted_is_deleted_or_refused(acme: Tenant) -> None:
    for _ in range(5):
        template, acts = make_template(acme), Acts(acme)

        run_together(acts.schedule(template), acts.delete(template), acts.schedule(template))

        assert not ReportSchedule.objects.for_tenant(acme).exists()
        assert all(list(refusal.fields) == ["templateId"] for refusal in acts.refused)


@pytest.mark.django_db(transaction=True)
def test_a_template_changed_while_it_is_deleted_does_not_come_back(acme: Tenant) -> None:
    for _ in range(5):
        template, acts = make_template(acme), Acts(acme)

        run_together(acts.change(template, name="One"), acts.delete(template), acts.change(template, name="Two"))

        assert acts.done + len(acts.refused) == 2
        assert not ReportTemplate.objects.for_tenant(acme).exists()


@pytest.mark.django_db(transaction=True)
def test_changes_of_different_settings_at_once_are_all_kept(acme: Tenant) -> None:
    template, acts = make_template(acme), Acts(acme)

    run_together(
        acts.change(template, name="New"), acts.change(template, formats=["csv"]), acts.change(template, enabled=False)
    )

    kept = ReportTemplate.objects.for_tenant(acme).get()
    assert (kept.name, kept.formats, kept.enabled) == ("New", ["csv"], False)
    assert len(audited(acme)) == 4


@pytest.mark.django_db(transaction=True)
def test_reports_made_and_moved_and_deleted_at_once_do_not_deadlock(acme: Tenant) -> None:
    first, second, doomed = (make_template(acme, name=name) for name in ("First", "Second", "Doomed"))
    schedule, acts = make_schedule(acme, first), Acts(acme)

    run_together(
        acts.move(schedule, [second, doomed, first] * 3), acts.report(5), acts.schedule(second, 5),
        acts.schedule(doomed, 5), acts.delete(doomed),
    )  # fmt: skip

    left = ReportSchedule.objects.for_tenant(acme)
    assert not left.filter(template_id=doomed.pk).exists()
    assert left.exclude(pk=schedule.pk).count() == 10
    assert acts.done + len(acts.refused) == 24


def test_ids_that_nobody_has_are_not_there(acme: Tenant) -> None:
    with pytest.raises(NotFound):
        update_template(tenant=acme, template_id=new_id(), changes={}, actor=SYSTEM, now=NOW)


def test_roles_are_the_interfaces_matter_and_actors_are_written_down(eve: Person) -> None:
    create_template(tenant=eve.tenant, values={"name": "Mine"}, actor=actor_of(eve), now=NOW)

    entry = AuditEntry.objects.for_tenant(eve.tenant).filter(entity_type="report_template").get()
    assert (entry.actor_kind, entry.user_id, entry.user_name) == ("user", eve.user.pk, eve.user.email)
    assert eve.role is Role.EDITOR
