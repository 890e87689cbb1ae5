"""Each folder is listed once, whoever watches it; a dead store costs only its own pipelines."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from flows.models import Pipeline
from flows.services import create_connector
from kaireon.platform.budget import Budget
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import open_alerts
from tests.triggers.files.world import (
    MINUTE,
    NOW,
    SECOND,
    drop,
    ledger,
    poll,
    runs_of,
    trigger_ir,
    trigger_of,
    watching,
)
from triggers.models import FileTrigger, WatchedFolder
from triggers.services import reaching
from triggers.services.leasing import claim_folders, pause_after
from triggers.services.polling import poll_folders

pytestmark = pytest.mark.django_db


def folder() -> WatchedFolder:
    """Return the one folder that is watched."""
    return WatchedFolder.objects.across_tenants().get()


@contextmanager
def server_that_never_answers() -> Iterator[int]:
    """Accept connections and say nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dead_port(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return the port of a store that never answers, which is waited for only so long."""
    monkeypatch.setattr(reaching, "SECONDS", 1.0)
    with server_that_never_answers() as port:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, f"127.0.0.1:{port}"]
        yield port


def on_dead_store(tenant: Tenant, port: int, name: str = "Dead") -> Any:
    """Make a pipeline that watches a bucket of a server that never answers."""
    config = {
        "bucket": "dead-bucket",
        "region": "us-east-1",
        "endpointUrl": f"http://127.0.0.1:{port}",
        "pathStyle": True,
    }
    connector = create_connector(
        tenant=tenant, values={
            "name": f"{name} bucket", "type": "aws_s3", "config": config, "auth_method": "access_key",
            "auth_config": {"accessKeyId": "a", "secretAccessKey": "b"},
        }, actor=SYSTEM, now=NOW,
    )  # fmt: skip
    ir = trigger_ir(config={"path": name})
    ir["nodes"][0]["connector"] = "s3"
    return watching(tenant, name, ir, connector_id=connector.pk)


# --- who is listed


def test_pipelines_with_disjoint_masks_share_one_listing_and_fire_apart(acme: Tenant, inbox: Path) -> None:
    names = ["customers", "accounts", "propositions"]
    pipelines = [
        watching(acme, f"Load {name}", trigger_ir(control=f"{name}.done", mask=f"{name}.csv")) for name in names
    ]  # fmt: skip
    drop(inbox, "customers.done")
    first = poll()
    drop(inbox, "customers.done", "accounts.done")

    second = poll(NOW + MINUTE)

    assert (first.listed, second.listed) == (1, 1)
    assert [len(runs_of(pipeline)) for pipeline in pipelines] == [2, 1, 0]


def test_a_folder_has_what_the_look_came_to(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    drop(inbox, "a.csv", "b.txt")

    poll()

    row = folder()
    assert (row.looked_at, row.files_seen, row.failures, row.error, row.lease_token) == (NOW, 2, 0, "", None)


def test_a_ticker_leaves_alone_what_another_has_just_listed(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    poll()

    found = [poll(NOW + seconds * SECOND, is_eager=False).listed for seconds in (-2, 2, 29, 31)]

    assert found == [0, 0, 0, 1]


def test_a_tick_from_outside_lists_always(acme: Tenant, inbox: Path) -> None:
    watching(acme)

    assert [poll(NOW + seconds * SECOND).listed for seconds in (0, 1, 2)] == [1, 1, 1]


def test_a_folder_that_somebody_lists_is_left_to_him_until_his_lease_ends(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    claim_folders(now=NOW, tenant_id=None, is_eager=True, most=10)

    assert [poll(NOW + seconds * SECOND).listed for seconds in (0, 29, 30)] == [0, 0, 1]


def test_a_tick_of_one_tenant_lists_its_own_folders(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    watching(acme)
    watching(globex)

    assert (poll(tenant_id=globex.pk).listed, poll(NOW + SECOND).listed) == (1, 2)


def test_a_date_template_is_read_at_the_tick(acme: Tenant, inbox: Path) -> None:
    ir = trigger_ir()
    ir["trigger"]["controlFilePattern"] = {"type": "date_template", "value": "ready-{YYYYMMDD}.done"}
    pipeline = watching(acme, ir=ir)
    drop(inbox, f"ready-{NOW:%Y%m%d}.done", f"ready-{NOW - timedelta(days=1):%Y%m%d}.done")

    poll()

    assert ledger(pipeline) == [(f"ready-{NOW:%Y%m%d}.done", "fired")]


def test_past_the_budget_nothing_is_listed_and_the_rest_is_counted(acme: Tenant, inbox: Path) -> None:
    watching(acme, "One")
    watching(acme, "Two", trigger_ir(config={"path": "other"}))

    polled = poll_folders(now=NOW, budget=Budget(0), is_eager=True)

    assert (polled.listed, polled.remaining) == (0, 2)


# --- stores that fail


def test_a_store_that_never_answers_costs_only_its_own_pipelines(acme: Tenant, inbox: Path, dead_port: int) -> None:
    dead = [on_dead_store(acme, dead_port, f"Dead {number}") for number in range(3)]
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    polled = poll()

    assert (len(runs_of(pipeline)), polled.listed) == (1, 4)
    errors = [(trigger_of(each).folder.failures, trigger_of(each).folder.error) for each in dead]  # type: ignore[union-attr]
    assert errors == [(1, "It did not answer within 1 s.")] * 3


def test_a_live_store_does_not_wait_for_a_dead_one(acme: Tenant, inbox: Path, dead_port: int) -> None:
    on_dead_store(acme, dead_port)
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    said: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql.strip().partition("(")[0])
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        poll()

    fired = next(number for number, sql in enumerate(said) if sql.startswith("INSERT INTO triggers_occurrence"))
    noted = [number for number, sql in enumerate(said) if sql.startswith("UPDATE triggers_watchedfolder")]
    assert (len(runs_of(pipeline)), len(noted), fired < noted[0]) == (1, 2, True)


def test_a_store_that_fails_is_left_alone_for_longer_and_longer(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    inbox.rmdir()
    inbox.symlink_to("/etc")

    listed = [poll(NOW + seconds * SECOND).listed for seconds in (0, 10, 30, 60, 90, 150)]

    assert (listed, folder().failures) == ([1, 0, 1, 0, 1, 0], 3)
    assert [pause_after(failures) for failures in (1, 2, 3, 6, 99)] == [
        timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=10),
    ]  # fmt: skip


def test_three_failures_in_a_row_are_told_and_recovery_ends_it(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    inbox.rmdir()
    inbox.symlink_to("/etc")
    told = []
    for minutes in (0, 1, 3):
        poll(NOW + minutes * MINUTE)
        told.append(list(open_alerts(acme)))
    inbox.unlink()
    drop(inbox, "a.csv")

    poll(NOW + 10 * MINUTE)

    assert told == [[], [], ["local_fs cannot be watched"]]
    assert (open_alerts(acme), folder().failures, folder().error, ledger(pipeline)) == ({}, 0, "", [("a.csv", "fired")])


def test_a_source_whose_connector_does_not_open_is_told_of_without_a_call(
    acme: Tenant, inbox: Path, dead_port: int
) -> None:
    pipeline = on_dead_store(acme, dead_port)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM vault_platformsetting")

    polled = poll()

    row = trigger_of(pipeline).folder
    assert row is not None
    assert (polled.listed, row.failures, "credentials" in row.error) == (0, 1, True)


# --- what it costs


def grow(tenant: Tenant, count: int) -> None:
    """Let so many more pipelines watch the folders that are watched, each for a name of its own."""
    models = list(FileTrigger.objects.across_tenants().order_by("pk"))
    pipelines = Pipeline.objects.bulk_create(
        Pipeline(tenant=tenant, name=f"Copy {number}", created_at=NOW, updated_at=NOW) for number in range(count)
    )
    for number, (pipeline, like) in enumerate(zip(pipelines, cycle(models), strict=False)):
        like.pk, like.pipeline = new_id(), pipeline
        like.pattern = {"type": "glob", "value": f"{number}.done"}
        like.save(force_insert=True)


def over_folders(tenant: Tenant, count: int) -> None:
    """Make as many pipelines as folders, one on each."""
    for number in range(count):
        watching(tenant, f"P{number}", trigger_ir(control="no.done", config={"path": f"in{number}"}))


def test_a_thousand_triggers_on_ten_folders_are_ten_listings(acme: Tenant, inbox: Path) -> None:
    over_folders(acme, 10)
    grow(acme, 990)

    assert (poll().listed, FileTrigger.objects.across_tenants().count()) == (10, 1_000)


def test_a_poll_in_which_nothing_is_new_costs_the_same_for_many_triggers(acme: Tenant, inbox: Path) -> None:
    over_folders(acme, 5)
    for number in range(5):
        drop(inbox.parent / f"in{number}", "no.done", "other.csv")
    poll()
    with CaptureQueriesContext(connection) as few:
        poll(NOW + MINUTE)
    grow(acme, 200)

    with CaptureQueriesContext(connection) as more:
        poll(NOW + 2 * MINUTE)

    assert (len(few), len(few) < 20) == (len(more), True)


def test_files_that_still_lie_there_write_nothing(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    drop(inbox, *[f"{number}.csv" for number in range(50)])
    poll()

    with CaptureQueriesContext(connection) as queries:
        poll(NOW + MINUTE)

    written = [each["sql"].split()[1:3] for each in queries if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [words for words in written if "occurrence" in " ".join(words)] == []
    assert not [each for each in queries if "FOR NO KEY UPDATE" in each["sql"] and "filetrigger" in each["sql"]]


def test_a_folder_with_ten_thousand_files_is_cheap(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(control="ready.done"))
    for number in range(10_000):
        (inbox / f"{number}.csv").touch()
    poll()
    drop(inbox, "ready.done")

    with CaptureQueriesContext(connection) as queries:
        poll(NOW + MINUTE)

    assert (len(runs_of(pipeline)), len(queries) < 40, max(len(each["sql"]) for each in queries) < 10_000) == (
        1, True, True,
    )  # fmt: skip


def test_one_folder_is_listed_by_one_of_two_ticks_at_once(acme: Tenant, inbox: Path) -> None:
    watching(acme)
    first = claim_folders(now=NOW, tenant_id=None, is_eager=True, most=10)
    second = claim_folders(now=NOW, tenant_id=None, is_eager=True, most=10)

    assert (len(first), second) == (1, [])
