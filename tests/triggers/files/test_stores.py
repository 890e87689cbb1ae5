"""File arrival over every store there is: what is listed, what is looked at and what is put back is one version."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from flows.models import Connector, Pipeline
from flows.services import create_connector
from flows.services.running import make_run
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.chaos.processes import wait_until
from tests.flows.runs.test_running import refusing
from tests.flows.runs.world import claim, fresh, make_table
from tests.flows.storage.world import Box
from tests.triggers.files.world import (
    MINUTE,
    NOW,
    SECOND,
    folders,
    ledger,
    poll,
    release,
    rows_of,
    runs_of,
    trigger_ir,
    trigger_of,
    watching,
)
from triggers.decisions.vocabulary import Via
from triggers.services.arriving import arrive
from triggers.services.looking import look_at

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ["local_fs", "s3", "gcs", "azure_blob", "sftp"]
TYPES = {"s3": "aws_s3"}
METHODS = {"gcs": "none", "sftp": "ssh_key"}


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, make_box: Callable[[str], Box], settings: Settings, tmp_path: Path) -> Box:
    """Return each kind of store in turn."""
    settings.FLOW_TEMP_DIR = str(tmp_path / "work")
    return make_box(request.param)


def connector_of(tenant: Tenant, box: Box) -> Connector | None:
    """Make the connector with which pipelines read the store."""
    if box.kind == "local_fs":
        return None
    config = {name: value for name, value in box.config.items() if name != "authMethod"}
    values: dict[str, Any] = {
        "name": "Box", "type": TYPES.get(box.kind, box.kind), "config": config,
        "auth_method": METHODS.get(box.kind, "access_key"),
    }  # fmt: skip
    if box.secret:
        values["auth_config"] = dict(box.secret)
    return create_connector(tenant=tenant, values=values, actor=SYSTEM, now=NOW)


def over(tenant: Tenant, box: Box, **given: Any) -> Pipeline:
    """Make a pipeline that watches the store's folder."""
    connector = connector_of(tenant, box)
    attempts = given.pop("attempts", 1)
    ir = trigger_ir(config={"path": box.folder}, **given)
    ir["errorHandling"]["retry"]["maxAttempts"] = attempts
    ir["nodes"][0]["connector"] = box.kind
    return watching(tenant, "Orders", ir, connector_id=connector and connector.pk)


def test_a_version_fires_once_by_poll_push_and_release_and_a_new_one_again(acme: Tenant, box: Box) -> None:
    pipeline = over(acme, box)
    trigger = trigger_of(pipeline)
    box.put("inbox/a.csv", b"id,amount\n1,2\n")
    key = box.listed()[0].key
    poll()
    (looked,) = look_at([trigger.pk], key, now=NOW)
    assert looked.file is not None
    lines = arrive(trigger_id=trigger.pk, files=[looked.file], via=Via.PUSH, now=NOW)
    poll(NOW + MINUTE)
    release(NOW + MINUTE)
    first = (len(runs_of(pipeline)), [line.status for line in lines], folders())
    box.put("inbox/a.csv", b"id,amount\n1,2\n3,4\n")

    poll(NOW + 2 * MINUTE)

    store = box.opened[0]
    assert first == (1, [409], [(store.store.name, store.folder.rstrip("/"))])
    assert ledger(pipeline) == [("a.csv", "fired"), ("a.csv", "fired")]


def test_a_sentinel_is_archived_with_the_run_and_the_next_one_fires(acme: Tenant, box: Box) -> None:
    make_table(acme)
    pipeline = over(acme, box, control="all.done")
    box.put("inbox/a.csv", b"id,amount\n1,2\n")
    box.put("inbox/all.done", b"")
    poll()
    (run,) = runs_of(pipeline)
    taken = claim(NOW, run_ids=[run.pk])
    assert taken is not None
    make_run(claim=taken, clock=lambda: NOW)
    left = [file.name for file in box.listed()]

    again = poll(NOW + MINUTE)

    archived = box.read(f"inbox/.archive/{NOW:%Y-%m-%d}/all.done")
    assert (fresh(run).status, left, again.lines, archived) == ("completed", [], (), b"")


def test_a_file_that_a_run_puts_back_to_try_again_is_no_news(acme: Tenant, box: Box) -> None:
    table = make_table(acme)
    pipeline = over(acme, box, attempts=3)
    box.put("inbox/a.csv", b"id,amount\n1,2\n")
    poll()
    (run,) = runs_of(pipeline)
    taken = claim(NOW, run_ids=[run.pk])
    assert taken is not None
    # Object stores tell the time of a copy in whole seconds.
    wait_until(lambda: datetime.now(UTC) > NOW + 2 * SECOND)
    with refusing(table):
        make_run(claim=taken, clock=lambda: NOW)
    put_back = [file.name for file in box.listed()]

    poll(NOW + MINUTE)

    assert (fresh(run).status, put_back, len(runs_of(pipeline))) == ("pending", ["a.csv"], 1)
    assert {row.run_id for row in rows_of(pipeline)} == {run.pk}
