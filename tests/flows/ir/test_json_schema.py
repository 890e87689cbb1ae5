"""The JSON Schema: whole, with a title and a line for every field, and the starter that a new pipeline begins with."""

import json

import pytest

from flows.ir.field_words import ABOUT, ABOUT_ALL
from flows.ir.json_schema import definition_of, ir_json_schema, title_of
from flows.ir.starter import starter_ir
from tests.flows.ir.documents import OPS, problems_of


def test_every_field_has_a_title_and_a_line() -> None:
    schema = ir_json_schema()

    for part in [schema, *schema["$defs"].values()]:
        for field, about in part.get("properties", {}).items():
            assert about["title"], field
            assert about["description"].endswith((".", "1..20")), field


def test_no_line_is_about_a_field_that_is_not_there() -> None:
    schema = ir_json_schema()
    parts = {"PipelineIR": schema, **schema["$defs"]}
    everywhere = {field for part in parts.values() for field in part.get("properties", {})}

    assert {(name, field) for name, fields in ABOUT.items() for field in fields} <= {
        (name, field) for name, part in parts.items() for field in part.get("properties", {})
    }
    assert set(ABOUT_ALL) <= everywhere


def test_the_schema_is_closed_and_can_be_written() -> None:
    schema = ir_json_schema()

    assert json.loads(json.dumps(schema)) == schema
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values() if "properties" in part)


def test_whoever_changes_a_schema_changes_a_copy() -> None:
    ir_json_schema()["properties"].clear()

    assert ir_json_schema()["properties"]


@pytest.mark.parametrize("tag", sorted({op["op"] for op in OPS} | {"source", "target", "cron", "glob", "sql"}))
def test_one_kind_has_its_own_schema(tag: str) -> None:
    definition = definition_of(tag)

    assert tag in {about.get("const") for about in definition["properties"].values()}
    assert definition["$defs"]


def test_what_is_not_there_has_no_schema() -> None:
    with pytest.raises(LookupError, match="Nothing in the IR is called sort"):
        definition_of("sort")


@pytest.mark.parametrize(("field", "title"), [("onError", "On error"), ("id", "Id")], ids=["two words", "one"])
def test_a_field_has_a_label(field: str, title: str) -> None:
    assert title_of(field) == title


@pytest.mark.parametrize("table", ["ds_orders", "public.ds_orders"], ids=["bare", "with schema"])
def test_a_new_pipeline_begins_with_a_valid_document(table: str) -> None:
    document = starter_ir(
        name="Orders", slug="orders", connector="s3", path="s3://b/in/", pattern="*.csv", format="csv", table=table
    )

    assert problems_of(document) == {}
    assert [node["kind"] for node in document["nodes"]] == ["source", "target"]
    assert document["nodes"][1]["schema"] == "public.ds_orders"
    assert document["nodes"][1]["loadMode"] == "append"
