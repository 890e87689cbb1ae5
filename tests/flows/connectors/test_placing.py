"""Where a live pipeline's watched source lies, and its store, opened without the database."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from flows.models import Pipeline
from flows.selectors.live import live_pipelines
from flows.services.placing import (
    WatchAccess,
    access_to_watched,
    lock_pipelines,
    open_watched,
    opened_watched,
    place_of,
)
from flows.services.putting_away import put_away
from flows.storage.base import StorageError
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_connector, make_pipeline, source_ir
from tests.flows.runs.world import files_below, inbox

__all__ = ["inbox"]

pytestmark = pytest.mark.django_db


def watching(tenant: Tenant, name: str = "Orders", connector: str = "local_fs", **values: Any) -> Pipeline:
    """Make a pipeline that watches its source."""
    config = values.pop("config", {})
    ir = source_ir(connector, **config)
    ir["trigger"] = {"kind": "file_arrival", "sourceId": "src", "allowOverlap": True}
    return make_pipeline(tenant, name, ir=ir, **values)


def test_a_place_has_the_store_the_folder_and_the_connector(acme: Tenant) -> None:
    connector = make_connector(acme, type="aws_s3", config={"bucket": "sales", "region": "eu-west-1"})
    pipeline = watching(acme, connector="s3", connector_id=connector.pk)

    place = place_of(live_pipelines([pipeline.pk])[0])

    assert (place.kind, place.store, place.folder, place.connector_id) == ("s3", "s3://sales", "inbox", connector.pk)


def test_the_base_path_of_a_connector_counts(acme: Tenant, inbox: Path) -> None:
    connector = make_connector(acme, config={"basePath": str(inbox)})
    pipeline = watching(acme, connector_id=connector.pk, config={"path": "deep/"})

    place = place_of(live_pipelines([pipeline.pk])[0])

    assert (place.store, place.folder) == ("local_fs", f"{inbox}/deep")


def test_a_pipeline_without_a_trigger_has_no_place(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)

    with pytest.raises(StorageError, match="no live version whose trigger"):
        place_of(live_pipelines([pipeline.pk])[0])


def test_access_to_many_pipelines_costs_the_same_as_to_one(
    acme: Tenant, inbox: Path, django_assert_num_queries: Any
) -> None:
    pipelines = [watching(acme, f"P{number}") for number in range(4)]

    with django_assert_num_queries(3):
        found = access_to_watched([pipeline.pk for pipeline in pipelines])

    assert {type(each) for each in found.values()} == {WatchAccess}


def test_a_store_is_opened_in_a_thread_that_knows_no_database(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, config={"path": str(inbox)})
    (inbox / "orders.csv").touch()
    watch = access_to_watched([pipeline.pk])[pipeline.pk]
    assert isinstance(watch, WatchAccess)
    names: list[str] = []

    def look() -> None:
        with connection.execute_wrapper(_refuse), opened_watched(watch) as opened:
            names.extend(file.name for file in opened.store.list_folder(opened.folder, limit=10))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert names == ["orders.csv"]


def _refuse(*args: Any) -> None:
    raise AssertionError("the database was asked")


def test_one_that_is_gone_opens_nothing(acme: Tenant) -> None:
    with pytest.raises(StorageError), open_watched(acme.pk):
        pass


def test_one_pipeline_is_opened_by_its_id(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, config={"path": str(inbox)})

    with open_watched(pipeline.pk) as opened:
        assert (opened.store.name, opened.folder) == ("local_fs", str(inbox))


def test_locking_names_those_that_are_there(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)

    with transaction.atomic():
        assert lock_pipelines([pipeline.pk, acme.pk]) == {pipeline.pk}


@pytest.mark.parametrize(("is_failed", "place"), [(False, ".archive/2026-04-17/all.done"), (True, ".failed/all.done")])
def test_a_control_file_is_put_away_beside_what_stands_there(
    acme: Tenant, inbox: Path, is_failed: bool, place: str
) -> None:
    pipeline = watching(acme, config={"path": str(inbox)})
    watch = access_to_watched([pipeline.pk])[pipeline.pk]
    assert isinstance(watch, WatchAccess)
    moved = []
    for _ in range(2):
        (inbox / "all.done").touch()
        with open_watched(pipeline.pk) as opened:
            found = opened.store.stat(f"{inbox}/all.done")
        assert found is not None
        moved.append(put_away(watch, found.key, found.identity, is_failed=is_failed, at=NOW))
        moved.append(put_away(watch, found.key, found.identity, is_failed=is_failed, at=NOW))

    assert files_below(inbox) == sorted([place, place.replace("all.done", "all-2.done")])
    assert moved == [True, False, True, False]


def test_another_file_in_its_place_is_left_alone(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, config={"path": str(inbox)})
    watch = access_to_watched([pipeline.pk])[pipeline.pk]
    (inbox / "all.done").touch()
    assert isinstance(watch, WatchAccess)

    moved = put_away(watch, f"{inbox}/all.done", "another", is_failed=False, at=NOW)

    assert (moved, files_below(inbox)) == (False, ["all.done"])
