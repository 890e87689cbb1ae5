"""Nodes, operations, schedules and triggers in words."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from flows.ir.ops import TransformOp
from flows.ir.parsing import parse_pipeline_ir
from flows.ir.timing import FileArrivalTrigger, Schedule
from flows.ir.words import node_in_words, op_in_words, schedule_in_words, trigger_in_words
from tests.flows.ir.documents import AGGREGATE, OPS, full_ir

SAID_OF_OPS = [
    "turn amount into decimal(18, 2)", "turn ordered_at into timestamp", "compute total = amount * 2",
    "rename customer to customer_name", "drop note", 'add channel = "web"', "hash email (sha256)",
    "hide phone but its last four", "replace 3 values of status", 'split customer_name at " " into first, last',
    "merge last, first into sorted_name", "keep rows where amount > 0 and status <> 'other'",
    "keep the last of each id by ordered_at desc, id asc", "look up zone in ds_regions", "summarise first into summary",
    "embed first into vector", "locate region into place", "score the sentiment of first into mood",
    "detect the language of first into language",
    "compute count(*), sum(amount), count_distinct(sorted_name) for each zone",
]  # fmt: skip
SAID_OF_NODES = {
    "orders": "Read csv from local_fs: orders-{YYYYMMDD}*.csv (Europe/Berlin) in inbox/",
    "regions": r"Read json from s3: a name like /r-\d+\.json/ in s3://bucket/regions/",
    "check": "Check 5 of the data set, 2 of each row",
    "route": "Part into large, small, else rest",
    "placed": "Join route.rest and regions (left) where region = code",
    "located": "Ask geocoder about region into position",
    "totals": "Let rows through; files are archived by their source",
    "to_large": "Insert into or update public.ds_large by id",
    "to_small": "Append what is new to ds_small",
    "to_rest": "Swap in for public.ds_rest",
    "to_totals": "Replace all of public.ds_totals",
}
SCHEDULES: list[tuple[dict[str, Any] | None, str]] = [
    (None, "No schedule"),
    ({"kind": "cron", "expression": "0 9 * * 1-5", "timezone": "UTC"}, "At 09:00, Monday through Friday (UTC)"),
    ({"kind": "cron", "expression": "0 9 * * 1-5", "enabled": False}, "Off: At 09:00, Monday through Friday (UTC)"),
    ({"kind": "interval", "minutes": 1}, "Every minute"),
    ({"kind": "interval", "minutes": 90}, "Every 90 minutes"),
    ({"kind": "interval", "minutes": 120}, "Every 2 hours"),
    ({"kind": "interval", "minutes": 1440, "anchor": "2026-01-01T00:00Z"}, "Every day, from 2026-01-01T00:00Z"),
    ({"kind": "rrule", "rule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}, "FREQ=DAILY (Asia/Tokyo)"),
]
TRIGGERS: list[tuple[dict[str, Any] | None, str]] = [
    (None, "No trigger"),
    ({"kind": "file_arrival", "sourceId": "src"}, "When a file arrives at src"),
    (
        {
            "kind": "file_arrival", "sourceId": "src", "controlFilePattern": {"type": "glob", "value": "_ready.json"},
            "deadline": {"windowMinutes": 60, "onMiss": "fail"},
        },
        "When _ready.json arrives at src; fail after 1 hour",
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SAID_OF_OPS)))
def test_an_operation_is_said_in_a_line(number: int) -> None:
    op: Any = TypeAdapter(TransformOp).validate_python([*OPS, AGGREGATE][number])

    assert op_in_words(op) == SAID_OF_OPS[number]


@pytest.mark.parametrize("name", SAID_OF_NODES, ids=str)
def test_a_node_is_said_in_a_line(name: str) -> None:
    nodes = {node.id: node for node in parse_pipeline_ir(full_ir()).nodes}

    assert node_in_words(nodes[name]) == SAID_OF_NODES[name]


def test_a_transform_says_its_first_operations() -> None:
    nodes = {node.id: node for node in parse_pipeline_ir(full_ir()).nodes}

    assert node_in_words(nodes["clean"]).startswith("Turn amount into decimal(18, 2), turn ordered_at into timestamp, ")
    assert node_in_words(nodes["clean"]).endswith(" and 15 more")


@pytest.mark.parametrize(("given", "said"), SCHEDULES, ids=range(len(SCHEDULES)))
def test_a_schedule_is_said(given: dict[str, Any] | None, said: str) -> None:
    schedule: Any = None if given is None else TypeAdapter(Schedule).validate_python(given)

    assert schedule_in_words(schedule) == said


@pytest.mark.parametrize(("given", "said"), TRIGGERS, ids=range(len(TRIGGERS)))
def test_a_trigger_is_said(given: dict[str, Any] | None, said: str) -> None:
    trigger = None if given is None else FileArrivalTrigger.model_validate(given)

    assert trigger_in_words(trigger) == said
