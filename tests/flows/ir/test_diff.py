"""What changed between two versions."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from flows.ir.diff import Change, diff_irs
from flows.ir.parsing import parse_pipeline_ir
from tests.flows.ir.documents import full_ir
from tests.flows.ir.generating import documents


def test_a_version_does_not_differ_from_itself() -> None:
    assert diff_irs(full_ir(), parse_pipeline_ir(full_ir())) == ()


def test_a_changed_value_is_told_at_its_place() -> None:
    new = full_ir()
    new["nodes"][2]["ops"][0]["scale"] = 4

    assert diff_irs(full_ir(), new) == (Change("nodes[2].ops[0].scale", "changed", 2, 4),)


def test_fields_come_and_go() -> None:
    new = full_ir()
    del new["trigger"]
    new["metadata"]["owner"] = None
    new["nodes"][0]["config"]["formatOptions"]["recordPath"] = "a.b"

    assert diff_irs(full_ir(), new) == (
        Change("metadata.owner", "changed", "data@example.com", None),
        Change("nodes[0].config.formatOptions.recordPath", "added", None, "a.b"),
        Change("trigger", "removed", full_ir()["trigger"], None),
    )


def test_a_node_in_between_is_one_change_and_not_one_for_each_behind() -> None:
    old, new = full_ir(), full_ir()
    node = {"id": "kept", "kind": "archive", "input": "check"}
    new["nodes"].insert(4, node)

    assert diff_irs(old, new) == (Change("nodes[4]", "added", None, node),)
    assert diff_irs(new, old) == (Change("nodes[4]", "removed", node, None),)


def test_a_node_that_stands_elsewhere_was_moved() -> None:
    new = full_ir()
    new["nodes"][0], new["nodes"][1] = new["nodes"][1], new["nodes"][0]

    assert {(change.kind, change.path) for change in diff_irs(full_ir(), new)} == {
        ("moved", "nodes[0]"), ("moved", "nodes[1]"),
    }  # fmt: skip


def test_items_without_names_are_compared_by_place() -> None:
    new = full_ir()
    new["metadata"]["tags"] = ["sales", "daily"]

    assert diff_irs(full_ir(), new) == (
        Change("metadata.tags[0]", "changed", "orders", "sales"), Change("metadata.tags[1]", "added", None, "daily"),
    )  # fmt: skip
    assert diff_irs(new, full_ir())[1] == Change("metadata.tags[1]", "removed", "daily", None)


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), ("1", 1), (None, False)], ids=range(4))
def test_values_that_are_written_differently_differ(old: object, new: object) -> None:
    assert diff_irs({"value": old}, {"value": new}) == (Change("value", "changed", old, new),)


@given(documents(), documents())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_versions_differ_when_and_only_when_something_changed(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert diff_irs(old, copy.deepcopy(old)) == ()
    assert bool(diff_irs(old, new)) is (old != new)
