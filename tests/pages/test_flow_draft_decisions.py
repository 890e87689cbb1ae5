"""The draft as JSON: read whatever is typed, add, change and remove nodes, order of the cards, lines of problems."""

import json
from typing import Any

import pytest

from flows.forms.drafts import (
    ADDABLE,
    DraftUnreadable,
    find_node,
    free_id,
    in_order,
    new_node,
    outputs_of,
    put_node,
    ranks_of,
    read_draft,
    remove_node,
    write_draft,
)
from flows.forms.positions import lines_of
from flows.selectors.showing import ends_of, next_run_at, node_words, trigger_words
from tests.flows.pipeline_world import NOW, orders_ir


def reads(draft: Any) -> dict[str, str]:
    """Return which node reads which."""
    return {
        node["id"]: node.get("input") or f"{node.get('left', '')}+{node.get('right', '')}" for node in draft["nodes"]
    }


def names(draft: Any) -> list[list[str]]:
    return [[str(node.get("id", "")) for _, node in rank.nodes] for rank in ranks_of(draft)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "column 1"), ("{", "line"), ("[1]", "JSON object"), ('"x"', "JSON object"), ("{\n\n x", "column"),
        ("[" * 200_000, "nested"), ("9" * 10_000, ""), ("x" * 2_000_001, "at most"),
    ],
    ids=["empty", "open", "list", "text", "third-line", "deep", "long-number", "large"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(DraftUnreadable) as refused:
        read_draft(text)

    assert said in refused.value.message or refused.value.line


def test_a_json_error_names_its_line() -> None:
    with pytest.raises(DraftUnreadable) as refused:
        read_draft('{\n "a": 1,\n oops }')

    assert refused.value.line == 3


@pytest.mark.parametrize("kind", ADDABLE)
def test_a_new_node_has_an_id_of_its_own_and_reads_what_the_target_reads(kind: str) -> None:
    node = new_node(orders_ir(), kind)

    assert node["id"] == f"{kind}1"
    if kind != "source":
        assert node.get("input", node.get("left")) == "check"


def test_the_first_nodes_of_an_empty_draft_read_nothing() -> None:
    assert new_node({}, "target")["input"] == ""
    assert new_node({"nodes": "nonsense"}, "join")["left"] == ""


def test_ids_that_are_taken_are_passed_over() -> None:
    draft = {"nodes": [{"id": "transform1"}, {"id": "transform2"}]}

    assert free_id(draft, "transform") == "transform3"


def test_a_node_put_in_between_is_read_by_whoever_read_its_input() -> None:
    draft = orders_ir()

    changed = put_node(draft, new_node(draft, "transform"), is_between=True)

    assert reads(changed)["transform1"] == "check"
    assert reads(changed)["load"] == "transform1"
    assert [node["id"] for node in changed["nodes"]] == ["src", "clean", "check", "transform1", "load"]
    assert reads(draft)["load"] == "check", "the draft that was given is not touched"


def test_a_branch_put_in_between_gives_its_first_case() -> None:
    draft = orders_ir()

    changed = put_node(draft, new_node(draft, "branch"), is_between=True)

    assert reads(changed)["load"] == "branch1.case1"


def test_a_node_put_aside_changes_nobody_elses_input() -> None:
    draft = orders_ir()

    changed = put_node(draft, new_node(draft, "transform"))

    assert reads(changed)["load"] == "check"


def test_a_second_source_stands_behind_the_first_and_a_target_last() -> None:
    draft = orders_ir()

    changed = put_node(put_node(draft, new_node(draft, "source")), new_node(draft, "target"))

    assert [node["id"] for node in changed["nodes"]] == ["src", "source1", "clean", "check", "load", "target1"]


def test_a_node_that_is_called_otherwise_is_read_under_its_new_name() -> None:
    draft = orders_ir(trigger={"kind": "file_arrival", "sourceId": "src"})
    node = {**draft["nodes"][0], "id": "inbox"}

    changed = put_node(draft, node, before="src")

    assert reads(changed)["clean"] == "inbox"
    assert changed["trigger"]["sourceId"] == "inbox"


def test_a_name_that_cannot_be_renames_nobody() -> None:
    draft = orders_ir()

    changed = put_node(draft, {**draft["nodes"][0], "id": "no name"}, before="src")

    assert reads(changed)["clean"] == "src"


def test_a_node_that_is_removed_leaves_its_readers_what_it_read() -> None:
    changed = remove_node(orders_ir(), "clean")

    assert reads(changed)["check"] == "src"
    assert find_node(changed, "clean") is None


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove_node(orders_ir(), "nobody") == orders_ir()


def test_a_branch_is_read_by_its_cases_and_its_default() -> None:
    draft = {
        "nodes": [
            {"id": "s", "kind": "source"}, {"id": "t", "kind": "target"},
            {"id": "b", "kind": "branch", "cases": [{"id": "big"}, "nonsense"], "default": "rest"},
        ]
    }  # fmt: skip

    assert outputs_of(draft) == ["s", "b.big", "b.rest"]
    assert outputs_of(draft, except_for="b") == ["s"]


def test_cards_stand_in_flow_order_side_by_side_where_rows_part() -> None:
    draft = {
        "nodes": [
            {"id": "l2", "input": "b.small"}, {"id": "b", "input": "s", "kind": "branch"}, {"id": "s"},
            {"id": "l1", "input": "b.big"}, {"id": "j", "left": "b.big", "right": "s2"}, {"id": "s2"},
        ]
    }  # fmt: skip

    assert names(draft) == [["s", "s2"], ["b"], ["l2", "l1", "j"]]


def test_a_circle_comes_last_and_ends() -> None:
    draft = {"nodes": [{"id": "a", "input": "b"}, {"id": "b", "input": "a"}, {"id": "s"}, 5, None]}

    assert names(draft) == [["s"], ["a", "b"]]


def test_thousands_of_nodes_are_ordered_at_once() -> None:
    nodes = [{"id": f"n{at}", "input": f"n{at - 1}"} for at in range(500)]

    assert len(names({"nodes": nodes})) == 500


@pytest.mark.parametrize("draft", [{}, {"nodes": None}, {"nodes": {}}, {"nodes": [1, "x", None]}], ids=str)
def test_a_draft_without_nodes_shows_none(draft: dict[str, Any]) -> None:
    assert names(draft) == []


def test_saved_names_are_put_in_the_order_in_which_people_read_them() -> None:
    ir = json.loads(json.dumps(orders_ir(), sort_keys=True))

    found = in_order(ir)

    assert list(found)[:3] == ["kind", "version", "id"]
    assert list(found["nodes"][0])[:2] == ["id", "kind"]
    assert found == orders_ir()


def test_a_path_leads_to_its_line_and_what_is_missing_to_what_is_around_it() -> None:
    text = write_draft(orders_ir())
    lines = text.splitlines()

    found = lines_of(text, ["nodes[2].rowLevel[0].rule", "nodes[1].ops[0].nothing", "nodes[9].id", "", "version"])

    assert '"rule": "gt:0"' in lines[found["nodes[2].rowLevel[0].rule"] - 1]
    assert lines[found["nodes[1].ops[0].nothing"] - 1].strip() == "{"
    assert '"nodes": [' in lines[found["nodes[9].id"] - 1]
    assert found[""] == 1
    assert '"version"' in lines[found["version"] - 1]


@pytest.mark.parametrize("text", ["", "}}}]]]", '{"a": [1, 2', ",,,::", '"open'], ids=str)
def test_a_text_that_is_no_json_still_has_lines(text: str) -> None:
    assert lines_of(text, ["a[1].b"])["a[1].b"] >= 1


@pytest.mark.parametrize(
    ("ir", "words"),
    [
        ({"schedule": {"kind": "cron", "expression": "0 8 * * *", "timezone": "Europe/Berlin"}}, "08:00"),
        ({"schedule": {"kind": "cron", "expression": "nonsense"}}, "nonsense"),
        ({"schedule": {"kind": "interval", "minutes": 15}}, "Every 15 minutes"),
        ({"schedule": {"kind": "interval", "minutes": 120}}, "Every 2 hours"),
        ({"schedule": {"kind": "interval", "minutes": 1440}}, "Every day"),
        ({"schedule": {"kind": "rrule", "rule": "FREQ=DAILY"}}, "Every day (UTC)"),
        ({"trigger": {"kind": "file_arrival", "sourceId": "s"}}, "When a file arrives"),
        ({"trigger": {"controlFilePattern": {"value": "x.done"}}}, "When x.done arrives"),
    ],
    ids=["cron", "no-cron", "minutes", "hours", "day", "rrule", "file", "sentinel"],
)
def test_when_a_pipeline_runs_is_said_in_words(ir: dict[str, Any], words: str) -> None:
    assert words in trigger_words(ir)


@pytest.mark.parametrize(
    "ir",
    [None, [], {}, {"schedule": 5}, {"schedule": {"kind": "interval", "minutes": "x"}},
     {"schedule": {"kind": "cron", "expression": "0 8 * * *", "enabled": False}}],
    ids=str,
)  # fmt: skip
def test_what_does_not_run_by_itself_says_nothing(ir: Any) -> None:
    assert trigger_words(ir) == ""
    assert next_run_at(ir, NOW) is None


def test_the_next_time_is_the_cadences() -> None:
    ir = {"schedule": {"kind": "cron", "expression": "0 9 * * *", "timezone": "UTC"}}

    found = next_run_at(ir, NOW)

    assert found is not None
    assert (found.hour, found.date()) == (9, NOW.date())


def test_sources_targets_and_nodes_are_said_in_words() -> None:
    ir = orders_ir()

    assert ends_of(ir).sources == ["local_fs: inbox/orders*.csv"]
    assert ends_of(ir).targets == ["public.ds_orders"]
    assert node_words(ir["nodes"][1]) == ["cast amount to double"]
    assert (
        node_words({"kind": "transform", "ops": [{"op": "cast", "field": str(at)} for at in range(9)]})[-1]
        == "and 5 more"
    )


@pytest.mark.parametrize(
    "node",
    [{}, {"kind": 5}, {"kind": "transform", "ops": {}}, {"kind": "branch", "cases": [3]},
     {"kind": "source", "config": []},
     {"kind": "validate", "datasetLevel": 5}, {"kind": "join", "on": "x"}, {"kind": "target", "upsertKey": {}}],
    ids=str,
)  # fmt: skip
def test_words_of_a_node_that_is_half_finished_do_not_fail(node: dict[str, Any]) -> None:
    assert isinstance(node_words(node), list)
