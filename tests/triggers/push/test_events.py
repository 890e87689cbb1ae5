"""What S3 tells through EventBridge, or by itself: whoever watches the folder is found by one look at an index."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flows.ir.sources import GlobPattern
from flows.models import Pipeline
from flows.storage.patterns import matches
from kaireon.platform.budget import Budget
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector
from tests.flows.storage.world import Box
from tests.triggers.files.world import NOW, runs_of, trigger_ir, watching
from tests.triggers.push.world import event, notification, push, secret_for
from triggers.decisions.pushes import ObjectsPush, PushedObject
from triggers.models import FileTrigger, WatchedFolder
from triggers.services.resolving import take_push

pytestmark = pytest.mark.django_db
EVERYBODY = 10_000
# What is special to LIKE, to globs elsewhere, or to nobody.
NAMES = [
    "a%b.done",
    "a_b.done",
    "aXb.done",
    r"a\b.done",
    "a[b].done",
    "ab.done",
    "a.done",
    "a'b.done",
    "é.done",
    "A.done",
]
MASKS = ["a%b.*", "a_b.*", "a?b.*", r"a\*.done", r"a\\b*", "a[b].*", "*", "?.done", "a*b*", "a'b*", "é*", "", "*.DONE"]


@pytest.fixture
def box(make_box: Callable[[str], Box]) -> Box:
    """Return a bucket of moto's S3."""
    return make_box("s3")


def waiting(tenant: Tenant, box: Box, name: str, **trigger: Any) -> Pipeline:
    """Make a pipeline that waits for `<name>.done` in the bucket's inbox."""
    connector = make_connector(
        tenant, f"Bucket {name}", type="aws_s3", config=dict(box.config), auth_config=dict(box.secret)
    )
    ir = trigger_ir(control=f"{name}.done", config={"path": box.folder}, **trigger)
    ir["nodes"][0]["connector"] = "s3"
    return watching(tenant, f"Load {name}", ir, connector_id=connector.pk)


def bucket_of(box: Box) -> str:
    """Return the bucket's name."""
    return str(box.config["bucket"])


def dispatched(answer: Any) -> list[str]:
    """Return the pipelines of an answer for which a run began."""
    return [entry["pipelineId"] for entry in answer.json()["dispatched"]]


def test_an_event_fires_the_pipeline_that_waits_for_the_object(acme: Tenant, box: Box) -> None:
    customers, accounts = (waiting(acme, box, name) for name in ("customers", "accounts"))
    box.put("inbox/customers.done", b"")

    answer = push(event(bucket_of(box), "inbox/customers.done"))

    (run,) = runs_of(customers)
    assert answer.status_code == 202
    assert answer.json() == {"dispatched": [{"pipelineId": str(customers.pk), "runId": str(run.pk)}], "ignored": []}
    assert runs_of(accounts) == []


def test_a_redelivered_event_fires_nothing_again(acme: Tenant, box: Box) -> None:
    pipeline = waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")
    body = event(bucket_of(box), "inbox/customers.done")
    push(body)

    again = push(body)

    assert (again.status_code, dispatched(again), len(runs_of(pipeline))) == (200, [], 1)
    assert str(runs_of(pipeline)[0].pk) in again.json()["ignored"][0]["reason"]


def test_a_new_version_of_the_object_fires_again(acme: Tenant, box: Box) -> None:
    pipeline = waiting(acme, box, "customers")
    body = event(bucket_of(box), "inbox/customers.done")
    for text in (b"1", b"22"):
        box.put("inbox/customers.done", text)
        assert dispatched(push(body)) == [str(pipeline.pk)]


def test_tenants_that_watch_one_bucket_both_fire(acme: Tenant, globex: Tenant, box: Box) -> None:
    both = [waiting(tenant, box, "customers") for tenant in (acme, globex)]
    box.put("inbox/customers.done", b"")

    answer = push(event(bucket_of(box), "inbox/customers.done"))

    assert set(dispatched(answer)) == {str(pipeline.pk) for pipeline in both}


def test_a_trigger_secret_fires_its_own_pipeline_only(acme: Tenant, globex: Tenant, box: Box) -> None:
    alices, charlies = (waiting(tenant, box, "customers") for tenant in (acme, globex))
    box.put("inbox/customers.done", b"")

    answer = push(event(bucket_of(box), "inbox/customers.done"), secret_for(alices).text)

    assert dispatched(answer) == [str(alices.pk)]
    assert str(charlies.pk) not in answer.content.decode()
    assert runs_of(charlies) == []


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("", "inbox/other.done"),
        ("", "outbox/customers.done"),
        ("", "inbox/deeper/customers.done"),
        ("", "customers.done"),
        ("", "inbox//customers.done"),
        ("", "inbox/../inbox/customers.done"),
        ("", "inbox/"),
        ("another-bucket", "inbox/customers.done"),
    ],
)
def test_an_event_that_nobody_waits_for_is_200_with_nothing(acme: Tenant, box: Box, bucket: str, key: str) -> None:
    waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")

    answer = push(event(bucket or bucket_of(box), key))

    assert (answer.status_code, answer.json()) == (200, {"dispatched": [], "ignored": []})


def test_an_object_that_is_gone_is_ignored_with_the_reason(acme: Tenant, box: Box) -> None:
    pipeline = waiting(acme, box, "customers")

    answer = push(event(bucket_of(box), "inbox/customers.done"))

    (entry,) = answer.json()["ignored"]
    assert (answer.status_code, entry["pipelineId"]) == (200, str(pipeline.pk))
    assert "no such file" in entry["reason"]


def test_a_store_that_refuses_is_ignored_with_its_reason(acme: Tenant, box: Box, settings: Any) -> None:
    waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")
    settings.NOTIFICATIONS_ALLOWED_HOSTS = []

    answer = push(event(bucket_of(box), "inbox/customers.done"))

    assert answer.status_code == 200
    assert "endpointUrl" in answer.json()["ignored"][0]["reason"]


def test_the_key_of_an_event_is_taken_as_it_stands(acme: Tenant, box: Box) -> None:
    pipeline = waiting(acme, box, "a+b%20c")
    box.put("inbox/a+b%20c.done", b"")

    assert dispatched(push(event(bucket_of(box), "inbox/a+b%20c.done"))) == [str(pipeline.pk)]


def test_the_key_of_a_notification_is_decoded(acme: Tenant, box: Box) -> None:
    pipeline = waiting(acme, box, "a b+c")
    box.put("inbox/a b+c.done", b"")

    assert dispatched(push(notification((bucket_of(box), "inbox/a+b%2Bc.done")))) == [str(pipeline.pk)]


def test_a_notification_of_several_objects_fires_each(acme: Tenant, box: Box) -> None:
    both = [waiting(acme, box, name) for name in ("customers", "accounts")]
    for name in ("customers", "accounts"):
        box.put(f"inbox/{name}.done", b"")

    records = [(bucket_of(box), f"inbox/{name}.done") for name in ("customers", "accounts", "accounts")]
    answer = push(notification(*records))

    assert sorted(dispatched(answer)) == sorted(str(pipeline.pk) for pipeline in both)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"detail": {}}, "detail.bucket"),
        ({"detail": {"bucket": {"name": "b"}}}, "detail.object"),
        ({"detail": {"bucket": {"name": 7}, "object": {"key": "a"}}}, "detail.bucket.name"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": ""}}}, "detail.object.key"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": "a\x00"}}}, "detail.object.key"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": "x" * 1_025}}}, "detail.object.key"),
        ({"detail": None}, "detail"),
        ({"Records": {}}, "Records"),
        ({"Records": [{}]}, "Records[0].s3"),
        ({"Records": [{"s3": {}}] * 101}, "Records"),
        (notification(("b", "a%00")), "Records[0].s3.object.key"),
        (notification(("b", "a%0Ab")), "Records[0].s3.object.key"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(db: None, body: Any, field: str) -> None:
    answer = push(body)

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


def _crowd(tenant: Tenant, count: int, patterns: Sequence[dict[str, str]] = ()) -> None:
    """Make so many triggers, each of a folder of its own in one bucket."""
    numbers, standard = range(count), {"type": "glob", "value": "*.done"}
    plain = {"live_version": 1, "latest_version": 1, "created_at": NOW, "updated_at": NOW}
    pipelines = Pipeline.objects.bulk_create(
        [Pipeline(tenant=tenant, name=f"P{number}", **plain) for number in numbers]
    )
    folders = WatchedFolder.objects.bulk_create(
        [
            WatchedFolder(tenant=tenant, kind="s3", store="s3://crowd", folder=f"inbox/{number}", created_at=NOW)
            for number in numbers
        ]
    )
    FileTrigger.objects.bulk_create(
        [
            FileTrigger(
                id=new_id(), tenant=tenant, pipeline=pipeline, folder=folder, version=1, source_id="src",
                pattern=pattern, state="active", active_since=NOW, created_at=NOW,
                updated_at=NOW,
            )
            for pipeline, folder, pattern in zip(pipelines, folders, patterns or [standard] * count, strict=True)
        ]
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE triggers_watchedfolder; ANALYZE triggers_filetrigger")


def test_among_ten_thousand_pipelines_one_look_at_an_index_finds_whom_it_is_for(acme: Tenant) -> None:
    _crowd(acme, EVERYBODY)
    nobody = ObjectsPush((PushedObject("crowd", "inbox/7777/x.csv"),))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        take_push(push=nobody, owner=None, now=NOW, budget=Budget(4))

    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + queries[0]["sql"])
        plan = json.dumps(cursor.fetchone()[0])
    assert "watchedfolder_place" in plan
    assert "filetrigger_folder" in plan
    assert "Seq Scan" not in plan


def test_pushes_past_their_time_leave_the_rest_to_the_tick(acme: Tenant, box: Box) -> None:
    waiting(acme, box, "customers")
    box.put("inbox/customers.done", b"")

    pushed = take_push(
        push=ObjectsPush((PushedObject(bucket_of(box), "inbox/customers.done"),)), owner=None,
        now=NOW + timedelta(seconds=1), budget=Budget(0),
    )  # fmt: skip

    assert (pushed.dispatched, len(pushed.ignored)) == ([], 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_database_takes_a_glob_as_the_store_does(acme: Tenant, name: str) -> None:
    _crowd(acme, len(MASKS), [{"type": "glob", "value": mask} for mask in MASKS])
    folder = WatchedFolder.objects.for_tenant(acme).first()
    FileTrigger.objects.for_tenant(acme).update(folder=folder)
    assert folder is not None

    pushed = take_push(
        push=ObjectsPush((PushedObject("crowd", f"{folder.folder}/{name}"),)), owner=None, now=NOW, budget=Budget(4)
    )

    globs = [GlobPattern(type="glob", value=mask) for mask in MASKS if mask]
    assert len(pushed.ignored) == sum(matches(glob, name, now=NOW) for glob in globs)


@pytest.mark.parametrize(("kind", "value"), [("regex", r"orders_\d+\.csv"), ("date_template", "orders_{YYYY}*.csv")])
def test_other_kinds_of_pattern_are_matched_too(acme: Tenant, kind: str, value: str) -> None:
    _crowd(acme, 1, [{"type": kind, "value": value}])

    def counted(name: str) -> int:
        push_of = ObjectsPush((PushedObject("crowd", f"inbox/0/{name}"),))
        return len(take_push(push=push_of, owner=None, now=NOW, budget=Budget(4)).ignored)

    assert (counted(f"orders_{NOW.year}.csv"), counted("accounts.csv")) == (1, 0)


def test_a_mask_that_others_choke_on_costs_the_look_up_little(acme: Tenant) -> None:
    _crowd(acme, 100, [{"type": "glob", "value": "*a" * 249 + "*b"}] * 100)
    FileTrigger.objects.for_tenant(acme).update(folder=WatchedFolder.objects.for_tenant(acme).get(folder="inbox/0"))
    began = time.monotonic()

    pushed = take_push(
        push=ObjectsPush((PushedObject("crowd", "inbox/0/" + "a" * 250),)), owner=None, now=NOW, budget=Budget(4)
    )

    assert pushed.ignored == []
    assert time.monotonic() - began < 4
