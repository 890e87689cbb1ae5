"""One tick finds what was dropped: in a folder, in a bucket, behind a real SSH server; each version of it once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from flows.models import Pipeline, PipelineRun
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector, make_pipeline, source_ir
from tests.flows.storage.world import Box
from tests.servers import unused_port
from triggers.decisions.vocabulary import Outcome, TickSource, Via
from triggers.models import Occurrence, WatchedFolder
from triggers.services.ticking import TickResult, tick_scheduler

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTORS = {"local_fs": "local_fs", "s3": "aws_s3", "sftp": "sftp"}


@pytest.fixture(params=list(CONNECTORS))
def box(request: pytest.FixtureRequest, make_box: Callable[[str], Box]) -> Box:
    """Return each kind of store in turn."""
    return make_box(request.param)


def _tick(now: datetime) -> TickResult:
    return tick_scheduler(now=now, budget=Budget(60), source=TickSource.COMMAND)


def _waiting(tenant: Tenant, box: Box, name: str, **trigger: Any) -> Pipeline:
    """Create a pipeline that waits for `<name>.done` in the box."""
    connector = make_connector(
        tenant, f"Inbox {name}", type=CONNECTORS[box.kind], config=dict(box.config), auth_config=dict(box.secret)
    )
    ir = source_ir(box.kind, path=box.folder) | {"id": f"load-{name}"}
    pattern = {"type": "glob", "value": f"{name}.done"}
    ir["trigger"] = {
        "kind": "file_arrival", "sourceId": "src", "controlFilePattern": pattern, "debounceSeconds": 0, **trigger,
    }  # fmt: skip
    return make_pipeline(tenant, f"Load {name}", ir=ir, connector_id=connector.pk)


def _runs(pipeline: Pipeline) -> int:
    return PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline).count()


def test_one_tick_after_the_drop_there_is_a_run(acme: Tenant, box: Box) -> None:
    pipeline = _waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")

    result = _tick(timezone.now())

    (line,) = result.lines
    assert (line.pipeline_id, line.fired, line.status, line.reason) == (pipeline.pk, True, 201, "")
    row = Occurrence.objects.for_tenant(acme).get()
    assert (row.outcome, row.via, row.run_id) == (Outcome.FIRED, Via.POLL, line.run_id)


def test_what_was_seen_is_seen_once(acme: Tenant, box: Box) -> None:
    pipeline = _waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")
    now = timezone.now()

    _tick(now)
    again = _tick(now + timedelta(minutes=1))

    assert (again.dispatched, _runs(pipeline)) == (0, 1)


def test_another_version_of_it_is_another_arrival(acme: Tenant, box: Box) -> None:
    pipeline = _waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")
    now = timezone.now()
    _tick(now)
    box.put("inbox/customers.done", b"again")

    again = _tick(now + timedelta(minutes=1))

    assert (again.dispatched, _runs(pipeline)) == (1, 2)


def test_a_file_that_matches_nothing_starts_nothing(acme: Tenant, box: Box) -> None:
    pipeline = _waiting(acme, box, "customers")
    box.put("inbox/accounts.done", b"")
    box.put("inbox/deeper/customers.done", b"")

    result = _tick(timezone.now())

    assert (result.dispatched, _runs(pipeline)) == (0, 0)


def test_a_store_that_is_away_costs_only_its_own_pipelines(acme: Tenant, box: Box, settings: Settings) -> None:
    place = f"127.0.0.1:{unused_port()}"
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, place]
    config = {"bucket": "elsewhere", "region": "us-east-1", "endpointUrl": f"http://{place}", "pathStyle": True}
    away = Box("s3", place, "away/", config, {"accessKeyId": "a", "secretAccessKey": "b"}, box.put, box.read)
    stranded, pipeline = _waiting(acme, away, "stranded"), _waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")

    result = _tick(timezone.now())

    assert (result.dispatched, _runs(pipeline), _runs(stranded)) == (1, 1, 0)
    failing = WatchedFolder.objects.for_tenant(acme).get(folder="away")
    assert failing.failures == 1
    assert failing.error
