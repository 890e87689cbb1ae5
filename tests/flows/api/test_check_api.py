"""What the editor asks before anything is saved: whether an IR could be, and what one looks like."""

from typing import Any

import pytest

from flows.models import PipelineVersion
from tests.flows.pipeline_world import PIPELINES, make_connector, make_pipeline, orders_ir, source_ir
from tests.people import Person

pytestmark = pytest.mark.django_db


def ask(person: Person, body: Any) -> Any:
    path = f"{PIPELINES}/{make_pipeline(person.tenant).pk}/validate"
    return person.api().post(path, body, format="json")


def test_the_schema_of_the_ir_has_a_line_about_every_kind_of_node(bob: Person) -> None:
    answer = bob.api().get(f"{PIPELINES}/ir-schema")

    assert answer.status_code == 200
    kinds = {"SourceNode", "TransformNode", "ValidateNode", "TargetNode", "BranchNode", "JoinNode", "EnrichNode"}
    assert kinds <= set(answer.json()["$defs"])


def test_a_viewer_may_ask_and_nothing_is_saved(bob: Person) -> None:
    answer = ask(bob, {"ir": orders_ir(nodes=[])})

    assert answer.status_code == 200
    assert answer.json()["valid"] is False
    assert {each["path"] for each in answer.json()["errors"]} == {"nodes"}
    assert PipelineVersion.objects.for_tenant(bob.tenant).count() == 1


def test_without_a_body_the_latest_version_is_meant_and_a_missing_table_is_a_warning(bob: Person) -> None:
    answer = ask(bob, {}).json()

    assert (answer["valid"], answer["errors"]) == (True, [])
    assert [each["path"] for each in answer["warnings"]] == ["nodes[3].schema"]
    assert "ds_orders" in answer["warnings"][0]["message"]


def test_a_connector_whose_test_failed_is_a_warning(eve: Person) -> None:
    connector = make_connector(eve.tenant)
    connector.status, connector.last_error = "failed", "Away."
    connector.save()

    warnings = ask(eve, {"ir": source_ir(connectorId=str(connector.pk))}).json()["warnings"]

    assert "nodes[0].config.connectorId" in {each["path"] for each in warnings}


@pytest.mark.parametrize(
    ("ir", "path"),
    [
        ("text", ""),
        ([], ""),
        ({}, "nodes"),
        (orders_ir(colour=1), "colour"),
        (source_ir("s3", path="s3://bucket/inbox/"), "nodes[0].connector"),
        (orders_ir(schedule={"kind": "cron", "expression": "x x x x x"}), "schedule.expression"),
    ],
    ids=["text", "list", "empty", "unknown", "no-connector", "cron"],
)
def test_every_problem_has_its_path(bob: Person, ir: Any, path: str) -> None:
    answer = ask(bob, {"ir": ir}).json()

    assert answer["valid"] is False
    assert path in {each["path"] for each in answer["errors"]}


def test_a_hasty_schedule_is_told_before_it_is_saved(eve: Person) -> None:
    eve.tenant.settings = {"guardrails": {"minCadenceMinutes": 30}}
    eve.tenant.save()

    answer = ask(eve, {"ir": orders_ir(schedule={"kind": "interval", "minutes": 5})}).json()

    assert [each["path"] for each in answer["errors"]] == ["schedule"]
