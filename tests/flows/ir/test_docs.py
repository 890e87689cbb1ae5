"""The page about the IR: every example is read, every kind, operation, field and function stands on it."""

import json
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from flows.ir.expressions import FUNCTIONS
from flows.ir.json_schema import ir_json_schema
from flows.ir.ops import TransformOp
from flows.ir.pipeline import Node
from flows.ir.timing import FileArrivalTrigger, Schedule
from tests.architecture.sources import REPOSITORY
from tests.flows.ir.documents import problems_of

PAGE = (REPOSITORY / "docs" / "pipeline-ir.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
SCHEDULES = {"cron", "interval", "rrule"}


def reader_of(example: dict[str, Any]) -> Any:
    """Return what reads an example that is no whole document."""
    if "op" in example:
        return TransformOp
    if example["kind"] in SCHEDULES:
        return Schedule
    return FileArrivalTrigger if example["kind"] == "file_arrival" else Node


def tags() -> set[str]:
    """Return the kinds of nodes, schedules and triggers, and the operations."""
    parts = [part["properties"] for part in ir_json_schema()["$defs"].values()]
    return {part[key]["const"] for part in parts for key in ("kind", "op") if "const" in part.get(key, {})}


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_read(number: int) -> None:
    example = EXAMPLES[number]

    if example.get("kind") == "pipeline":
        assert problems_of(example) == {}
    else:
        assert TypeAdapter(reader_of(example)).validate_python(example)


def test_everything_with_a_name_has_an_example() -> None:
    shown = {example.get("op", example.get("kind")) for example in EXAMPLES}

    assert tags() <= shown


def test_every_field_stands_in_a_table() -> None:
    schema = ir_json_schema()
    fields = {field for part in [schema, *schema["$defs"].values()] for field in part.get("properties", {})}

    assert {field for field in fields if f"| `{field}` |" not in PAGE} == set()


def test_every_function_stands_in_the_table() -> None:
    assert [one.name for one in FUNCTIONS.values() if f"| `{one.name}` | `{one.example}` |" not in PAGE] == []
