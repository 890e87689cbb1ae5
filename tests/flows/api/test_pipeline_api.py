"""The API of pipelines: shapes, roles, keys, strangers, and every field wrongly filled."""

import json
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from flows.models import Pipeline
from kaireon.platform.audit.selectors import Filters, list_entries
from tests.flows.pipeline_world import NOW, PIPELINES, make_connector, make_pipeline, orders_ir, source_ir
from tests.people import Person

pytestmark = pytest.mark.django_db
KEYS = [
    "id", "tenantId", "name", "description", "status", "schedule", "connectorId", "schemaId", "executionConfig",
    "connector", "schema", "nodes", "edges", "lastRunAt", "lastRunStatus", "createdAt", "updatedAt",
]  # fmt: skip
BODY = {"name": "Load orders", "irVersion": "1.0", "ir": orders_ir()}
NOBODYS = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"


def post(client: APIClient, body: Any, path: str = PIPELINES) -> Any:
    return client.post(path, body, format="json")


def test_a_pipeline_is_created_as_documented(eve: Person) -> None:
    connector = make_connector(eve.tenant)

    answer = post(eve.api(), {**BODY, "connectorId": str(connector.pk), "schemaId": None})

    assert answer.status_code == 201
    pipeline = answer.json()
    assert list(pipeline)[: len(KEYS)] == KEYS
    assert (pipeline["status"], pipeline["liveVersion"], pipeline["latestVersion"]) == ("draft", 1, 1)
    assert pipeline["connector"] == {"id": str(connector.pk), "name": "Inbox", "type": "local_fs"}
    assert pipeline["nodes"][:2] == [{"id": "src", "kind": "source"}, {"id": "clean", "kind": "transform"}]
    assert pipeline["edges"][-1] == {"id": "check->load", "source": "check", "target": "load"}
    assert (pipeline["lastRunAt"], pipeline["lastRunStatus"], pipeline["schema"]) == (None, None, None)


def test_the_ir_reads_back_exactly_as_it_was_sent(eve: Person) -> None:
    ir = orders_ir(schedule={"kind": "cron", "expression": "0 8 * * 1-5", "timezone": "Europe/Berlin"})
    pipeline = post(eve.api(), {**BODY, "ir": ir}).json()

    latest = eve.api().get(f"{PIPELINES}/{pipeline['id']}/ir").json()

    assert latest["ir"] == ir
    assert (latest["version"], latest["isLive"], latest["pipelineId"]) == (1, True, pipeline["id"])
    assert pipeline["schedule"] == ir["schedule"]


def test_what_was_read_can_be_sent_back_as_a_version(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    ir = client.get(f"{path}/ir").json()["ir"]
    ir["metadata"]["tags"] = ["orders", "daily"]

    wrapped = post(client, {"ir": ir, "comment": "Tagged", "expectedVersion": 1}, f"{path}/ir")
    bare = post(client, ir, f"{path}/ir")

    assert (wrapped.status_code, wrapped.json()["version"], wrapped.json()["isLive"]) == (201, 2, False)
    assert (bare.status_code, bare.json()["version"]) == (201, 3)
    versions = client.get(f"{path}/versions").json()["data"]
    assert [(each["version"], each["comment"], each["isLive"]) for each in versions] == [
        (3, "", False), (2, "Tagged", False), (1, "", True),
    ]  # fmt: skip
    assert versions[0]["authoredBy"] == "eve"
    assert client.get(f"{path}/versions/2").json()["ir"] == ir


def test_a_version_is_published_and_runs_from_then_on(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    post(client, {"ir": orders_ir(schedule={"kind": "interval", "minutes": 15})}, f"{path}/ir")

    published = post(client, {"version": 2}, f"{path}/publish").json()
    back = post(client, {"version": 1}, f"{path}/publish").json()
    unknown = post(client, {"version": 9}, f"{path}/publish")

    assert (published["liveVersion"], published["schedule"]) == (2, {"kind": "interval", "minutes": 15})
    assert (back["liveVersion"], back["schedule"]) == (1, None)
    assert unknown.status_code == 404


def test_a_version_can_be_saved_and_published_in_one(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"

    saved = post(client, {"ir": orders_ir(), "publish": True}, f"{path}/ir").json()

    assert (saved["version"], saved["isLive"]) == (2, True)


def test_a_change_to_an_older_version_is_a_conflict(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    post(client, {"ir": orders_ir()}, f"{path}/ir")

    answer = post(client, {"ir": orders_ir(), "expectedVersion": 1}, f"{path}/ir")

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "VERSION_CONFLICT"
    assert client.get(path).json()["latestVersion"] == 2


def test_a_list_has_the_documented_envelope_and_goes_on_by_cursor(eve: Person) -> None:
    for number in range(3):
        make_pipeline(eve.tenant, name=f"Pipeline {number}")
    client = eve.api()

    first = client.get(f"{PIPELINES}?limit=2").json()
    second = client.get(f"{PIPELINES}?limit=2&cursor={first['pagination']['cursor']}").json()

    assert first["pagination"] | {"cursor": ""} == {"total": 3, "limit": 2, "hasMore": True, "cursor": ""}
    assert second["pagination"] == {"total": 3, "limit": 2, "hasMore": False, "cursor": None}
    names = [each["name"] for each in first["data"] + second["data"]]
    assert sorted(names) == ["Pipeline 0", "Pipeline 1", "Pipeline 2"]
    assert first["data"][0]["nodes"][0] == {"id": "src", "kind": "source"}


def test_a_list_of_many_costs_as_many_queries_as_one_of_few(
    eve: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    connector = make_connector(eve.tenant)
    for number in range(6):
        make_pipeline(eve.tenant, name=f"Pipeline {number}", connector_id=connector.pk)
    client = eve.api()
    client.get(PIPELINES)

    with django_assert_max_num_queries(6):
        assert len(client.get(PIPELINES).json()["data"]) == 6


def test_settings_of_a_pipeline_change_one_by_one(eve: Person) -> None:
    client, connector = eve.api(), make_connector(eve.tenant)
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    changes: list[dict[str, Any]] = [
        {"name": "Orders"}, {"description": "Of the shop\nDaily"}, {"connectorId": str(connector.pk)},
        {"executionConfig": {"timeLimitSeconds": 600}}, {"connectorId": None},
    ]  # fmt: skip

    for change in changes:
        answer = client.patch(path, change, format="json")

        assert answer.status_code == 200
        assert {name: answer.json()[name] for name in change} == change


def test_a_paused_pipeline_says_so_until_it_is_resumed(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"

    paused = post(client, {"reason": "Stock-taking"}, f"{path}/pause").json()
    again = post(client, {}, f"{path}/pause").json()
    resumed = post(client, {}, f"{path}/resume").json()

    assert paused["pausedReason"] == again["pausedReason"] == "Stock-taking"
    assert paused["pausedAt"] == again["pausedAt"]
    assert (resumed["pausedAt"], resumed["pausedReason"]) == (None, None)


def test_deleting_says_what_went_along(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    post(client, {"ir": orders_ir()}, f"{path}/ir")

    answer = client.delete(path)

    assert (answer.status_code, answer.json()["versions"], answer.json()["runs"]) == (200, 2, 0)
    assert client.get(path).status_code == 404


def test_a_pipeline_with_a_run_under_way_is_not_deleted(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    run = post(client, {}, f"{path}/run").json()

    refused = client.delete(path)
    cancelled = post(client, {}, f"{path}/runs/{run['runId']}/cancel").json()
    deleted = client.delete(path)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "PIPELINE_RUNNING")
    assert cancelled == {"runId": run["runId"], "status": "cancelled"}
    assert deleted.json()["runs"] == 1


def test_every_change_stands_in_the_audit_log(eve: Person) -> None:
    client = eve.api()
    path = f"{PIPELINES}/{post(client, BODY).json()['id']}"
    post(client, {"ir": orders_ir(), "comment": "Why"}, f"{path}/ir")
    post(client, {"version": 2}, f"{path}/publish")
    client.patch(path, {"name": "Orders"}, format="json")
    post(client, {}, f"{path}/pause")
    post(client, {}, f"{path}/resume")
    client.delete(path)

    entries = list_entries(eve.tenant, Filters(entity_type="pipeline"))

    assert [entry.action for entry in entries][::-1] == [
        "create", "save_version", "publish", "update", "pause", "resume", "delete",
    ]  # fmt: skip
    assert {entry.user_name for entry in entries} == {"eve"}


def drop(ir: dict[str, Any], *path: Any) -> dict[str, Any]:
    place: Any = ir
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return ir


def put(ir: dict[str, Any], value: Any, *path: Any) -> dict[str, Any]:
    place: Any = ir
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return ir


def sql_hook(statement: str) -> dict[str, str]:
    """Return a hook of SQL."""
    return {"type": "sql", "statement": statement}


def webhook(url: str) -> dict[str, str]:
    """Return a hook that calls."""
    return {"type": "webhook", "url": url}


UNREADABLE: list[tuple[str, dict[str, Any], str]] = [
    ("no-error-handling", drop(orders_ir(), "errorHandling"), "ir.errorHandling"),
    ("unknown-field", put(orders_ir(), 1, "colour"), "ir.colour"),
    ("wrong-type", put(orders_ir(), 5, "nodes", 1, "ops", 0, "field"), "ir.nodes[1].ops[0].field"),
    ("missing-path", drop(orders_ir(), "nodes", 0, "config", "path"), "ir.nodes[0].config.path"),
]


@pytest.mark.parametrize(("ir", "path"), [each[1:] for each in UNREADABLE], ids=[each[0] for each in UNREADABLE])
def test_an_ir_that_cannot_be_read_is_refused_with_its_path(eve: Person, ir: dict[str, Any], path: str) -> None:
    client = eve.api()
    made = f"{PIPELINES}/{post(client, BODY).json()['id']}"

    answers = [post(client, {**BODY, "name": "Other", "ir": ir}), post(client, {"ir": ir}, f"{made}/ir")]

    for answer in answers:
        assert answer.status_code == 400
        assert any(field.startswith(path) for field in answer.json()["error"]["fields"])
    assert client.get(made).json()["latestVersion"] == 1


def test_all_problems_of_an_ir_are_told_at_once(eve: Person) -> None:
    ir = drop(put(put(orders_ir(), "x", "nodes", 0, "config", "format"), 1, "colour"), "errorHandling")

    fields = post(eve.api(), {**BODY, "ir": ir}).json()["error"]["fields"]

    assert {"ir.nodes[0].config.format", "ir.colour", "ir.errorHandling"} <= set(fields)


@pytest.mark.parametrize(
    ("ir", "path"),
    [
        (put(orders_ir(), "nowhere", "nodes", 3, "input"), "ir.nodes[3].input"),
        (put(orders_ir(), "explode", "nodes", 1, "ops", 0, "op"), "ir.nodes[1].ops[0].op"),
        (
            orders_ir(schedule={"kind": "cron", "expression": "99 8 * * *", "timezone": "UTC"}),
            "ir.schedule.expression",
        ),
        (
            orders_ir(schedule={"kind": "cron", "expression": "0 8 * * *", "timezone": "Mars/Olympus"}),
            "ir.schedule.timezone",
        ),
        (source_ir("s3", path="s3://bucket/inbox/"), "ir.nodes[0].connector"),
        (source_ir(connectorId=NOBODYS), "ir.nodes[0].config.connectorId"),
        (put(orders_ir(), sql_hook("DROP TABLE ds_orders"), "nodes", 3, "preHook"), "ir.nodes[3].preHook.statement"),
        (put(orders_ir(), sql_hook("SELECT * FROM users"), "nodes", 3, "postHook"), "ir.nodes[3].postHook.statement"),
        (put(orders_ir(), webhook("https://example.com/x"), "nodes", 3, "preHook"), "ir.nodes[3].preHook.type"),
        (put(orders_ir(), webhook("https://10.0.0.1/x"), "nodes", 3, "postHook"), "ir.nodes[3].postHook.url"),
        (source_ir("http_pull", path="https://169.254.169.254/a.csv"), "ir.nodes[0].config.path"),
    ],
    ids=[
        "unknown-input", "unknown-op", "cron", "zone", "s3-without-connector", "unknown-connector", "hook-that-drops",
        "hook-of-anothers-table", "webhook-before", "private-webhook", "private-address",
    ],
)  # fmt: skip
def test_an_ir_that_cannot_be_is_refused_with_its_path(eve: Person, ir: dict[str, Any], path: str) -> None:
    answer = post(eve.api(), {**BODY, "ir": ir})

    assert answer.status_code == 422
    assert path in answer.json()["error"]["fields"]
    assert not Pipeline.objects.for_tenant(eve.tenant).exists()


BAD_BODIES: list[tuple[str, Any, int, str]] = [
    ("empty", {}, 400, "name"),
    ("list", [], 400, ""),
    ("no-ir", {"name": "x"}, 400, "ir"),
    ("legacy", {"name": "x", "nodes": [], "edges": []}, 400, "nodes"),
    ("ir-text", {"name": "x", "ir": "{}"}, 400, "ir"),
    ("ir-list", {"name": "x", "ir": []}, 400, "ir"),
    ("unknown-field", {**BODY, "colour": 1}, 400, "colour"),
    ("version", {**BODY, "irVersion": "2.0"}, 400, "irVersion"),
    ("name-nul", {**BODY, "name": "a\0b"}, 400, "name"),
    ("name-long", {**BODY, "name": "x" * 121}, 400, "name"),
    ("name-number", {**BODY, "name": 5}, 400, "name"),
    ("connector-text", {**BODY, "connectorId": "x"}, 400, "connectorId"),
    ("connector-nobodys", {**BODY, "connectorId": NOBODYS}, 404, "connectorId"),
    ("schema-nobodys", {**BODY, "schemaId": NOBODYS}, 404, "schemaId"),
    ("execution-unknown", {**BODY, "executionConfig": {"speed": 1}}, 400, "executionConfig"),
    ("execution-small", {**BODY, "executionConfig": {"timeLimitSeconds": 1}}, 400, "executionConfig"),
    ("ir-nul", {**BODY, "ir": orders_ir(id="a\0b")}, 400, "ir"),
    ("ir-infinite", {**BODY, "ir": {"kind": "pipeline", "n": 1e999}}, 400, ""),
]


@pytest.mark.parametrize(
    ("body", "status", "field"), [each[1:] for each in BAD_BODIES], ids=[each[0] for each in BAD_BODIES]
)
def test_a_bad_body_is_refused_and_names_its_field(eve: Person, body: Any, status: int, field: str) -> None:
    answer = eve.api().post(PIPELINES, json.dumps(body), content_type="application/json")

    assert answer.status_code == status
    fields = answer.json()["error"].get("fields", {})
    assert not field or any(name.startswith(field) for name in fields)
    assert not Pipeline.objects.for_tenant(eve.tenant).exists()


def test_a_deep_and_a_huge_ir_are_refused_fast(eve: Person) -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": deep}
    many = orders_ir(nodes=[orders_ir()["nodes"][1]] * 5_000)

    answers = [post(eve.api(), {**BODY, "ir": orders_ir(metadata=deep)}), post(eve.api(), {**BODY, "ir": many})]
    huge = eve.api().post(PIPELINES, b'{"name": "' + b"x" * 1_100_000 + b'"}', content_type="application/json")

    assert [answer.status_code for answer in answers] == [400, 400]
    assert huge.status_code == 413


def test_a_name_is_taken_once_in_a_tenant(eve: Person, charlie: Person) -> None:
    post(eve.api(), BODY)

    assert post(eve.api(), BODY).status_code == 409
    assert post(charlie.api(), BODY).status_code == 201


def test_the_guardrail_refuses_one_pipeline_too_many(eve: Person) -> None:
    eve.tenant.settings = {"guardrails": {"maxPipelines": 1, "minCadenceMinutes": 30}}
    eve.tenant.save()

    hasty = orders_ir(schedule={"kind": "interval", "minutes": 15})
    answers = [
        post(eve.api(), {**BODY, "ir": hasty}),
        post(eve.api(), BODY),
        post(eve.api(), {**BODY, "name": "Second"}),
    ]

    assert [answer.status_code for answer in answers] == [422, 201, 422]
    assert "guardrails.minCadenceMinutes" in answers[0].json()["error"]["fields"]
    assert "guardrails.maxPipelines" in answers[2].json()["error"]["fields"]


def test_another_tenants_things_are_not_there_in_any_position(eve: Person, charlie: Person) -> None:
    theirs = make_connector(eve.tenant, "Theirs")
    pipeline = make_pipeline(eve.tenant)
    client = charlie.api()
    mine = f"{PIPELINES}/{post(client, BODY).json()['id']}"

    statuses = {
        "create": post(client, {**BODY, "name": "Spy", "connectorId": str(theirs.pk)}).status_code,
        "patch": client.patch(mine, {"connectorId": str(theirs.pk)}, format="json").status_code,
        "source": post(client, {"ir": source_ir(connectorId=str(theirs.pk))}, f"{mine}/ir").status_code,
        "read": client.get(f"{PIPELINES}/{pipeline.pk}/ir").status_code,
        "run": post(client, {}, f"{PIPELINES}/{pipeline.pk}/run").status_code,
    }

    assert statuses == {"create": 404, "patch": 404, "source": 422, "read": 404, "run": 404}


def test_a_viewer_reads_and_writes_nothing(bob: Person) -> None:
    path = f"{PIPELINES}/{make_pipeline(bob.tenant).pk}"
    client = bob.api()

    reads = {client.get(each).status_code for each in (PIPELINES, path, f"{path}/ir", f"{path}/versions")}
    writes = {
        post(client, BODY).status_code, client.delete(path).status_code,
        client.patch(path, {"name": "x"}, format="json").status_code,
        *(post(client, {}, f"{path}/{verb}").status_code for verb in ("ir", "publish", "run", "pause", "resume")),
    }  # fmt: skip

    assert (reads, writes) == ({200}, {403})


@pytest.mark.parametrize("text", ["x", "1", NOBODYS, NOBODYS.upper(), "../etc"])
def test_an_id_that_is_none_is_not_found(eve: Person, text: str) -> None:
    assert eve.api().get(f"{PIPELINES}/{text}/ir").status_code == 404


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "1.0", "9" * 40, "٣"])
def test_a_version_that_is_none_is_not_found(eve: Person, number: str) -> None:
    assert eve.api().get(f"{PIPELINES}/{make_pipeline(eve.tenant).pk}/versions/{number}").status_code == 404


def test_both_spellings_of_a_route_answer(eve: Person) -> None:
    assert eve.api().get(f"{PIPELINES}/").status_code == eve.api().get(PIPELINES).status_code == 200
    assert NOW.tzinfo is not None


def test_a_rule_that_has_ended_is_refused_at_save_unless_it_is_off(eve: Person) -> None:
    ended = {"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20200101T000000Z", "dtstart": "2019-01-01T00:00:00Z"}

    refused = post(eve.api(), {**BODY, "ir": orders_ir(schedule=ended)})
    off = post(eve.api(), {**BODY, "ir": orders_ir(schedule={**ended, "enabled": False})})

    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["ir.schedule.rule"])
    assert off.status_code == 201
