"""`sync_triggers`: copies and counts are derived again from what is live, whatever became of them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flows.models import Pipeline
from flows.services import create_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import orders_ir
from tests.triggers.tick.world import HOURLY, MINUTE, NOW, counts_of, schedule_of, scheduled, tick
from triggers.models import PipelineSchedule, TenantCounts
from triggers.services.counting import count_anew
from triggers.services.syncing import sync_all

pytestmark = pytest.mark.django_db


def test_what_has_no_copy_gets_one_and_is_counted(acme: Tenant, globex: Tenant) -> None:
    pipelines = [scheduled(acme), scheduled(globex)]
    create_pipeline(tenant=acme, values={"name": "Plain", "ir": orders_ir()}, actor=SYSTEM, now=NOW)
    PipelineSchedule.objects.across_tenants().delete()
    TenantCounts.objects.across_tenants().delete()

    synced = sync_all(now=NOW)

    assert (synced, [schedule_of(each).state for each in pipelines]) == (2, ["active", "active"])
    assert [(counts_of(each).pipelines, counts_of(each).scheduled) for each in (acme, globex)] == [(2, 1), (1, 1)]
    assert tick().dispatched == 2


def test_a_second_time_changes_nothing(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    before = schedule_of(pipeline)

    synced = sync_all(now=NOW + MINUTE)

    after = schedule_of(pipeline)
    assert (synced, after.decided_until, after.next_due_at) == (0, before.decided_until, before.next_due_at)
    assert after.updated_at == before.updated_at


@pytest.mark.parametrize(
    ("pipeline_change", "copy_change", "state"),
    [
        ({}, {"version": 7}, "active"), ({}, {"state": "parked"}, "active"), ({"paused_at": NOW}, {}, "paused"),
        ({}, {"state": "paused"}, "active"),
    ],
    ids=["another-version", "parked", "paused-since", "resumed-since"],
)  # fmt: skip
def test_a_copy_that_says_otherwise_is_brought_into_line(
    acme: Tenant, pipeline_change: dict[str, object], copy_change: dict[str, object], state: str
) -> None:
    pipeline = scheduled(acme)
    for model, change in ((Pipeline, pipeline_change), (PipelineSchedule, copy_change)):
        if change:
            model.objects.for_tenant(acme).update(**change)

    synced = sync_all(now=NOW)

    assert (synced, schedule_of(pipeline).state, schedule_of(pipeline).version) == (1, state, 1)
    assert counts_of(acme).scheduled == (state == "active")


def test_a_copy_of_what_is_not_live_any_more_goes(acme: Tenant) -> None:
    scheduled(acme)
    Pipeline.objects.for_tenant(acme).update(live_version=None)

    assert (sync_all(now=NOW), PipelineSchedule.objects.for_tenant(acme).count()) == (1, 0)


def test_one_that_cannot_be_brought_into_line_keeps_no_other(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = scheduled(acme, name="Bad"), scheduled(acme, name="Good")
    PipelineSchedule.objects.for_tenant(acme).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.pipeline_id = '{bad.pk}' THEN RAISE EXCEPTION 'boom'; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER refuse BEFORE INSERT ON triggers_pipelineschedule FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    assert (sync_all(now=NOW), schedule_of(good).state) == (1, "active")
    assert "pipeline not synced" in caplog.text


def test_what_is_in_line_costs_the_same_however_many_there_are(acme: Tenant) -> None:
    counts = []
    for many in (1, 6):
        for number in range(many):
            scheduled(acme, HOURLY, name=f"P{many}-{number}")
        with CaptureQueriesContext(connection) as captured:
            sync_all(now=NOW)
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_wrong_counts_are_counted_anew(acme: Tenant) -> None:
    scheduled(acme)
    TenantCounts.objects.for_tenant(acme).update(pipelines=40, scheduled=0, file_triggers=9)

    count_anew(acme.pk)

    row = counts_of(acme)
    assert (row.pipelines, row.scheduled, row.file_triggers) == (1, 1, 0)


def test_the_command_says_how_many(acme: Tenant) -> None:
    scheduled(acme)
    PipelineSchedule.objects.for_tenant(acme).delete()
    out, words, nothing = StringIO(), StringIO(), StringIO()

    call_command("sync_triggers", "--json", stdout=out)
    call_command("sync_triggers", stdout=words)
    call_command("sync_triggers", verbosity=0, stdout=nothing)

    assert json.loads(out.getvalue()) == {"synced": 1}
    assert (words.getvalue(), nothing.getvalue()) == ("0 pipelines brought into line\n", "")
