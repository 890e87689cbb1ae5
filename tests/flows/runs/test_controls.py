"""The sentinel that fired a run goes where the run's data goes, whatever became of the run."""

from pathlib import Path
from typing import Any

import pytest

from flows.services import cancel_run
from flows.services.running import make_run
from flows.storage.base import StoredFile
from flows.storage.local_fs import LocalStore
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import (
    MINUTE,
    NOW,
    claim,
    claimed,
    drop,
    files_below,
    fresh,
    log_of,
    make_pipeline,
    make_table,
    open_alerts,
    plain_ir,
    with_wait_policy,
)

pytestmark = pytest.mark.django_db(transaction=True)

ARCHIVE = ".archive/2026-04-17"


@pytest.fixture(autouse=True)
def table(acme: Tenant) -> str:
    """Make Acme's table."""
    return make_table(acme)


def sentinel(inbox: Path, name: str = "orders.done") -> StoredFile:
    """Drop a sentinel and return it as its store lists it."""
    (inbox / name).write_text("")
    found = LocalStore([str(inbox.parent)]).stat(f"{inbox}/{name}")
    assert found is not None
    return found


def fired_by(*files: StoredFile) -> dict[str, Any]:
    """Return the parameters of a run that sentinels fired."""
    return {"controlFiles": [{"nodeId": "src", "key": file.key, "identity": file.identity} for file in files]}


def made(pipeline: Any, parameters: dict[str, Any]) -> Any:
    """Make a run with parameters and return it as it is then."""
    taken, run = claimed(pipeline, parameters=parameters)
    make_run(claim=taken, clock=lambda: NOW)
    return fresh(run)


def test_every_sentinel_is_archived_with_the_data(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    files = [sentinel(inbox, "a.done"), sentinel(inbox, "b.done")]

    run = made(make_pipeline(acme), fired_by(*files))

    assert (run.status, files_below(inbox)) == (
        "completed", [f"{ARCHIVE}/a.csv", f"{ARCHIVE}/a.done", f"{ARCHIVE}/b.done"],
    )  # fmt: skip


def test_a_failed_run_takes_it_to_the_failure_folder(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, "many")])
    ir = plain_ir()
    ir["errorHandling"]["dlq"]["enabled"] = False

    run = made(make_pipeline(acme, ir), fired_by(sentinel(inbox)))

    assert (run.status, files_below(inbox)) == ("failed", [".failed/a.csv", ".failed/orders.done"])


def test_a_run_that_fails_before_it_takes_a_file_takes_it_there_too(acme: Tenant, inbox: Path) -> None:
    pipeline = make_pipeline(acme, with_wait_policy(plain_ir(), onMissAction="fail"))

    run = made(pipeline, fired_by(sentinel(inbox)))

    assert (run.status, files_below(inbox)) == ("failed", [".failed/orders.done"])


@pytest.mark.parametrize("action", ["skip", "alert"])
def test_a_run_that_finds_no_data_archives_it(acme: Tenant, inbox: Path, action: str) -> None:
    pipeline = make_pipeline(acme, with_wait_policy(plain_ir(), onMissAction=action))

    run = made(pipeline, fired_by(sentinel(inbox)))

    assert (run.status, files_below(inbox)) == ("completed", [f"{ARCHIVE}/orders.done"])


def test_it_stays_while_the_run_waits_for_data(acme: Tenant, inbox: Path) -> None:
    pipeline = make_pipeline(acme, with_wait_policy(plain_ir(), maxRetries=1))
    first = made(pipeline, fired_by(sentinel(inbox)))
    before = (first.status, files_below(inbox))
    drop(inbox, "a.csv", [(1, 2)])
    taken = claim(NOW + 6 * MINUTE, run_ids=[first.pk])
    assert taken is not None

    make_run(claim=taken, clock=lambda: NOW + 6 * MINUTE)

    assert (before, files_below(inbox)) == (
        ("pending", ["orders.done"]), [f"{ARCHIVE}/a.csv", f"{ARCHIVE}/orders.done"],
    )  # fmt: skip


def test_a_cancelled_run_leaves_it_where_it_lies(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    taken, run = claimed(make_pipeline(acme), parameters=fired_by(sentinel(inbox)))
    cancel_run(tenant=acme, run_id=run.pk, actor=SYSTEM, now=NOW)

    make_run(claim=taken, clock=lambda: NOW)

    assert (fresh(run).status, files_below(inbox)) == ("cancelled", ["a.csv", "orders.done"])


def test_a_sentinel_that_came_in_its_place_is_left_alone(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    old = sentinel(inbox)
    (inbox / "orders.done").unlink()
    (inbox / "other").write_text("")
    sentinel(inbox)

    run = made(make_pipeline(acme), fired_by(old))

    assert (run.status, files_below(inbox)) == ("completed", [f"{ARCHIVE}/a.csv", "orders.done", "other"])
    assert "is not the one that fired this run" in log_of(run)


def test_a_sentinel_that_is_the_data_itself_is_moved_once(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    found = LocalStore([str(inbox.parent)]).stat(f"{inbox}/a.csv")
    assert found is not None

    run = made(make_pipeline(acme), fired_by(found))

    assert (run.status, files_below(inbox)) == ("completed", [f"{ARCHIVE}/a.csv"])


def test_one_that_is_gone_is_no_failure(acme: Tenant, inbox: Path) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    gone = sentinel(inbox)
    (inbox / "orders.done").unlink()

    run = made(make_pipeline(acme), fired_by(gone))

    assert (run.status, run.warnings, open_alerts(acme)) == ("completed", [], {})


@pytest.mark.parametrize(
    "parameters",
    [
        {"controlFile": {"nodeId": "src", "key": "/etc/passwd"}},
        {"controlFile": {"nodeId": "nobody", "key": "/x/orders.done"}},
        {"controlFile": "orders.done"},
        {"controlFiles": [{"nodeId": 1, "key": "/x"}, "y"]},
    ],
)
def test_what_names_no_file_of_the_source_is_ignored(acme: Tenant, inbox: Path, parameters: Any) -> None:
    drop(inbox, "a.csv", [(1, 2)])

    run = made(make_pipeline(acme), parameters)

    assert (run.status, files_below(inbox)) == ("completed", [f"{ARCHIVE}/a.csv"])


def test_one_that_cannot_be_moved_is_told(acme: Tenant, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, "a.csv", [(1, 2)])
    control = sentinel(inbox)
    ir = plain_ir()
    taken, run = claimed(make_pipeline(acme, ir), parameters=fired_by(control))
    archive = inbox / ".archive"
    archive.mkdir()
    (archive / "2026-04-17").symlink_to("/etc")

    make_run(claim=taken, clock=lambda: NOW)

    ended = fresh(run)
    assert (ended.status, "could not be moved" in ended.warnings[0]) == ("completed", True)
