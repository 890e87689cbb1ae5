"""The trigger's row says what is live, in the transaction that changes it."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from flows.models import Pipeline, PipelineVersion
from flows.services import (
    delete_pipeline,
    pause_pipeline,
    publish_version,
    resume_pipeline,
    save_version,
    update_connector,
    update_pipeline,
)
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector
from tests.flows.runs.world import open_alerts, plain_ir
from tests.triggers.files.world import (
    MINUTE,
    NOW,
    drop,
    folders,
    ledger,
    poll,
    trigger_ir,
    trigger_of,
    watching,
)
from triggers.models import FileTrigger, TenantCounts, WatchedFolder

pytestmark = pytest.mark.django_db

LATER = NOW + MINUTE


def count_of(tenant: Tenant) -> int:
    """Return how many triggers of a tenant watch."""
    return TenantCounts.objects.for_tenant(tenant).get().file_triggers


def save(tenant: Tenant, pipeline: Any, ir: dict[str, Any], now: Any = LATER) -> None:
    """Save a version and make it live."""
    version = save_version(tenant=tenant, pipeline_id=pipeline.pk, ir={**ir, "id": "orders"}, actor=SYSTEM, now=now)
    publish_version(tenant=tenant, pipeline_id=pipeline.pk, version=version.version, actor=SYSTEM, now=now)


def test_a_pipeline_with_a_trigger_watches_its_folder(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(control="*.done", debounceSeconds=7, stableSeconds=3))

    row = trigger_of(pipeline)

    assert (row.state, row.version, row.source_id, row.active_since) == ("active", 1, "src", NOW)
    assert (row.pattern, row.is_control) == ({"type": "glob", "value": "*.done"}, True)
    assert (row.debounce_seconds, row.stable_seconds, row.allow_overlap) == (7, 3, False)
    assert (folders(), count_of(acme)) == ([("local_fs", str(inbox))], 1)


def test_without_a_control_file_the_sources_own_pattern_fires_when_it_is_still(acme: Tenant, inbox: Path) -> None:
    ir = trigger_ir()
    del ir["trigger"]["stableSeconds"]

    row = trigger_of(watching(acme, ir=ir))

    assert (row.pattern, row.is_control, row.stable_seconds) == ({"type": "glob", "value": "*.csv"}, False, 5)


def test_two_pipelines_of_one_folder_share_its_row(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    one = watching(acme, "One", trigger_ir(mask="1*.csv"))
    two = watching(acme, "Two", trigger_ir(mask="2*.csv", config={"path": str(inbox)}))
    other = watching(globex)

    ids = [trigger_of(pipeline).folder_id for pipeline in (one, two, other)]

    assert (ids[0] == ids[1], ids[0] == ids[2], count_of(acme), count_of(globex)) == (True, False, 2, 1)


def test_a_pipeline_without_a_trigger_watches_nothing(acme: Tenant, inbox: Path) -> None:
    watching(acme, ir=plain_ir())

    assert (FileTrigger.objects.across_tenants().count(), folders(), count_of(acme)) == (0, [], 0)


def test_a_new_version_moves_the_trigger_and_forgets_the_old_folder(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)

    save(acme, pipeline, trigger_ir(config={"path": "elsewhere"}))

    row = trigger_of(pipeline)
    assert (folders(), row.version, row.active_since) == ([("local_fs", f"{inbox.parent}/elsewhere")], 2, LATER)


def test_a_version_that_watches_alike_keeps_when_it_began(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)

    save(acme, pipeline, trigger_ir(debounceSeconds=9))

    row = trigger_of(pipeline)
    assert (row.debounce_seconds, row.active_since, count_of(acme)) == (9, NOW, 1)


def test_a_version_without_a_trigger_ends_it_and_what_it_holds(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(stableSeconds=600))
    drop(inbox, "a.csv")
    poll()

    save(acme, pipeline, plain_ir())

    assert (FileTrigger.objects.across_tenants().count(), folders(), count_of(acme)) == (0, [], 0)
    assert ledger(pipeline) == [("a.csv", "gone")]


def test_a_pause_and_a_resume_stand_in_the_row(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=LATER)
    row = trigger_of(pipeline)
    paused = (row.state, row.reason, row.folder_id is not None, count_of(acme))

    resume_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=LATER + MINUTE)

    row = trigger_of(pipeline)
    assert paused == ("paused", "The pipeline is paused.", True, 0)
    assert (row.state, row.reason, row.active_since, count_of(acme)) == ("active", "", LATER + MINUTE, 1)


def test_a_deadline_counts_from_when_it_began_to_watch(acme: Tenant, inbox: Path) -> None:
    row = trigger_of(watching(acme, ir=trigger_ir(deadline={"windowMinutes": 90, "onMiss": "fail"})))

    assert (row.deadline_minutes, row.on_miss, row.deadline_at) == (90, "fail", NOW + 90 * MINUTE)


def test_a_pipeline_that_goes_takes_its_folder_with_it(acme: Tenant, inbox: Path) -> None:
    one, two = watching(acme, "One", trigger_ir(mask="1*")), watching(acme, "Two", trigger_ir(mask="2*"))
    delete_pipeline(tenant=acme, pipeline_id=one.pk, actor=SYSTEM, now=LATER)
    between = (folders(), count_of(acme))

    delete_pipeline(tenant=acme, pipeline_id=two.pk, actor=SYSTEM, now=LATER)

    assert (between, folders(), count_of(acme)) == (([("local_fs", str(inbox))], 1), [], 0)


def test_a_connector_that_leads_elsewhere_moves_the_trigger(acme: Tenant, inbox: Path) -> None:
    connector = make_connector(acme, config={"basePath": str(inbox)})
    pipeline = watching(acme, ir=trigger_ir(config={"path": "in"}), connector_id=connector.pk)
    before = folders()
    other = inbox.parent / "other"

    update_connector(
        tenant=acme, connector_id=connector.pk, changes={"config": {"basePath": str(other)}}, actor=SYSTEM, now=LATER
    )

    row = trigger_of(pipeline)
    assert (before, folders()) == ([("local_fs", f"{inbox}/in")], [("local_fs", f"{other}/in")])
    assert (row.state, row.active_since, count_of(acme)) == ("active", LATER, 1)


def test_a_connector_that_was_put_right_is_asked_at_once(acme: Tenant, inbox: Path) -> None:
    connector = make_connector(acme, config={"basePath": str(inbox)})
    watching(acme, ir=trigger_ir(config={"path": "in"}), connector_id=connector.pk)
    WatchedFolder.objects.across_tenants().update(next_look_at=NOW + 10 * MINUTE, failures=9)

    update_connector(tenant=acme, connector_id=connector.pk, changes={"name": "Renamed"}, actor=SYSTEM, now=LATER)

    assert poll(LATER).listed == 1


def test_a_trigger_whose_place_cannot_be_told_is_parked_and_says_why(
    acme: Tenant, inbox: Path, settings: Settings
) -> None:
    pipeline = watching(acme)
    settings.FLOW_LOCAL_FS_ROOTS = []

    update_pipeline(tenant=acme, pipeline_id=pipeline.pk, changes={"name": "Renamed"}, actor=SYSTEM, now=LATER)

    row = trigger_of(pipeline)
    assert (row.state, "FLOW_LOCAL_FS_ROOTS" in row.reason, row.folder_id) == ("parked", True, None)
    assert (folders(), count_of(acme), ledger(pipeline)) == ([], 0, [("", "parked")])
    assert open_alerts(acme) == {"Pipeline Renamed watches no folder": 1}


def test_a_save_unparks(acme: Tenant, inbox: Path, settings: Settings) -> None:
    roots = settings.FLOW_LOCAL_FS_ROOTS
    pipeline = watching(acme)
    settings.FLOW_LOCAL_FS_ROOTS = []
    update_pipeline(tenant=acme, pipeline_id=pipeline.pk, changes={"name": "Renamed"}, actor=SYSTEM, now=LATER)
    settings.FLOW_LOCAL_FS_ROOTS = roots

    save(acme, pipeline, trigger_ir(), LATER + MINUTE)

    assert (trigger_of(pipeline).state, open_alerts(acme), count_of(acme)) == ("active", {}, 1)


def test_an_ir_that_cannot_be_read_any_more_parks_the_trigger(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    PipelineVersion.objects.create(tenant=acme, pipeline=pipeline, version=2, ir={"kind": "pipeline"}, created_at=NOW)
    Pipeline.objects.for_tenant(acme).filter(pk=pipeline.pk).update(live_version=2)

    update_pipeline(tenant=acme, pipeline_id=pipeline.pk, changes={"name": "Renamed"}, actor=SYSTEM, now=LATER)

    row = trigger_of(pipeline)
    assert (row.state, row.reason != "", row.folder_id is not None) == ("parked", True, True)


def test_a_tenant_that_goes_takes_its_folders_with_it(acme: Tenant, inbox: Path) -> None:
    watching(acme)

    acme.delete()

    assert folders() == []
