"""Forms from the JSON Schema: what is asked for, what typed controls say, what buttons of lists do."""

from typing import Any

import pytest

from flows.forms.controls import Control, Offers, controls_of
from flows.forms.shapes import SETTINGS, Kind, Shape, label_of, shape_of
from flows.forms.typed import act_on, order_of, read_scalar, read_typed, write_scalar
from flows.ir.parsing import parse_pipeline_ir
from flows.selectors.showing import KINDS
from tests.flows.pipeline_world import orders_ir

NODES: dict[str, dict[str, Any]] = {
    "source": {
        "id": "s", "kind": "source", "connector": "s3",
        "config": {
            "path": "in/", "pattern": {"type": "date_template", "value": "{YYYY}*.csv"}, "format": "csv",
            "formatOptions": {"header": False, "delimiter": ";"}, "waitPolicy": {"maxRetries": 0, "intervalMinutes": 5},
            "maxFiles": 7,
        },
    },
    "transform": {
        "id": "t", "kind": "transform", "input": "s",
        "ops": [
            {"op": "cast", "field": "amount", "to": "decimal", "precision": 18, "scale": 2, "onError": "quarantine"},
            {"op": "map_values", "field": "c", "mapping": {"1": "one", "x": 2, "n": None, "t": True}, "default": "12"},
            {"op": "aggregate", "groupBy": ["a", "b"], "measures": [{"as": "n", "fn": "count"}]},
            {"op": "add_field", "field": "k", "value": 1.5},
            {"op": "deduplicate", "keys": ["a"], "orderBy": [{"field": "b", "direction": "desc"}], "keep": "last"},
            {"op": "merge", "fields": ["a", "b"], "separator": " ", "into": "c"},
        ],
    },
    "validate": {
        "id": "v", "kind": "validate", "input": "t",
        "datasetLevel": {
            "rowCount": {"min": 1}, "nullRate": {"field": "a", "max": 0.5},
            "uniqueness": [{"fields": ["a"]}, {"fields": ["b", "c"], "onFail": "warn"}],
            "schemaMatch": {"columns": [{"name": "a"}, {"name": "b", "type": "integer"}], "strict": True},
        },
        "rowLevel": [{"id": "r", "field": "a", "rule": "gt:0", "onFail": "abort"}],
        "quarantine": {"table": "dlq.x"},
    },
    "branch": {
        "id": "b", "kind": "branch", "input": "t", "cases": [{"id": "big", "when": "a > 5"}], "default": "rest",
    },
    "join": {"id": "j", "kind": "join", "left": "a", "right": "b", "on": [{"left": "x", "right": "y"}], "how": "left"},
    "enrich": {"id": "e", "kind": "enrich", "input": "t", "provider": "p", "field": "a", "into": "b"},
    "target": {
        "id": "l", "kind": "target", "input": "t", "schema": "public.ds_x", "loadMode": "upsert",
        "upsertKey": ["a", "b"],
        "preHook": {"type": "sql", "statement": "ANALYZE x"}, "rowCountAnomaly": {"maxChangePercent": 10},
        "postHook": {"type": "custom_function", "name": "f", "arguments": {"deep": [1]}}, "allowEmpty": True,
    },
    SETTINGS: {
        "metadata": {"name": "N", "tags": ["a", "b"]},
        "errorHandling": {"dlq": {"enabled": False}, "retry": {"maxAttempts": 3}},
    },
}  # fmt: skip


def tree(kind: str, value: Any, errors: dict[str, list[str]] | None = None, offers: Offers | None = None) -> Control:
    return controls_of(shape_of(kind), value, errors or {}, offers or Offers())


def posted(control: Control) -> dict[str, str]:
    """Return what a browser sends of a form that nobody touched."""
    sent: dict[str, str] = {}
    for each in control.walk():
        match each.kind:
            case "group" | "union":
                sent |= {f"{each.name}.__here": "1"} if each.is_on else {}
            case "list" | "fixed":
                pass
            case "yes_no":
                sent |= {each.name: "on"} if each.is_on else {}
            case "choice":
                chosen = [value for value, _, is_chosen in each.options if is_chosen]
                sent[each.name] = chosen[0] if chosen else each.options[0][0]
            case _:
                sent[each.name] = each.value.replace("\n", "\r\n")
    return sent


def control_at(control: Control, path: str) -> Control:
    return next(each for each in control.walk() if each.path == path)


@pytest.mark.parametrize("kind", NODES)
def test_a_form_that_nobody_touched_says_exactly_what_stood(kind: str) -> None:
    value = NODES[kind]

    assert read_typed(shape_of(kind), posted(tree(kind, value)), value) == value


@pytest.mark.parametrize("kind", [*KINDS, SETTINGS])
def test_every_kind_of_node_has_a_form_in_which_each_field_has_a_label(kind: str) -> None:
    shape = shape_of(kind)

    assert shape.kind is Kind.GROUP
    assert all(field.label and field.label[0].isupper() for field in shape.fields)


def test_every_operation_of_the_ir_can_be_chosen_and_has_a_form() -> None:
    ops = next(field for field in shape_of("transform").fields if field.name == "ops")

    assert ops.item is not None
    assert len(ops.item.variants) == 19
    assert next(iter(ops.item.variants)) == "cast"


def test_a_new_field_that_is_filled_in_is_added_and_an_emptied_one_goes() -> None:
    value = {"id": "l", "kind": "target", "input": "t", "schema": "public.ds_x", "loadMode": "append",
             "watermarkColumn": "at"}  # fmt: skip
    sent = posted(tree("target", value)) | {"f.watermarkColumn": "", "f.description": "Why", "f.allowEmpty": "on"}

    found = read_typed(shape_of("target"), sent, value)

    assert "watermarkColumn" not in found
    assert (found["description"], found["allowEmpty"]) == ("Why", True)


def test_a_switch_that_is_on_by_default_can_be_switched_off() -> None:
    value = NODES["source"] | {"config": {**NODES["source"]["config"], "formatOptions": {}}}
    sent = posted(tree("source", value))
    del sent["f.config.formatOptions.header"]

    found = read_typed(shape_of("source"), sent, value)

    assert found["config"]["formatOptions"] == {"header": False}


def test_what_is_no_number_stays_as_it_was_typed_for_the_ir_to_refuse() -> None:
    sent = posted(tree("source", NODES["source"])) | {"f.config.maxFiles": "many"}

    found = read_typed(shape_of("source"), sent, NODES["source"])

    assert found["config"]["maxFiles"] == "many"
    assert control_at(tree("source", found), "config.maxFiles").value == "many"


def test_another_kind_of_operation_keeps_what_both_have_and_drops_the_rest() -> None:
    value = {"id": "t", "kind": "transform", "input": "s", "ops": [{"op": "cast", "field": "a", "to": "date"}]}
    sent = posted(tree("transform", value)) | {"f.ops.0.op": "hash"}

    found = read_typed(shape_of("transform"), sent, value)

    assert found["ops"][0]["field"] == "a"
    assert "to" not in found["ops"][0]


def test_an_unknown_kind_of_operation_is_nothing_until_one_is_chosen() -> None:
    sent = posted(tree("transform", NODES["transform"])) | {"f.ops.0.op": "explode"}

    assert read_typed(shape_of("transform"), sent, None)["ops"][0] == {}


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("add:ops", ["cast", "hash", "cast"]), ("remove:ops.0", ["hash"]), ("down:ops.0", ["hash", "cast"]),
        ("up:ops.1", ["hash", "cast"]), ("up:ops.0", ["cast", "hash"]), ("down:ops.1", ["cast", "hash"]),
        ("remove:ops.9", ["cast", "hash"]), ("explode:ops", ["cast", "hash"]), ("add:nowhere", ["cast", "hash"]),
        ("apply", ["cast", "hash"]),
    ],
)  # fmt: skip
def test_buttons_of_a_list_add_move_and_remove(act: str, expected: list[str]) -> None:
    value = {"kind": "transform", "ops": [{"op": "cast"}, {"op": "hash"}]}

    changed = act_on(shape_of("transform"), value, act)

    assert [op["op"] for op in changed["ops"]] == expected


def test_buttons_reach_into_groups_lists_and_what_may_be_one_or_many() -> None:
    shape = shape_of("validate")
    value: dict[str, Any] = {"kind": "validate"}

    for act in (
        "add:datasetLevel.rowCount",
        "add:datasetLevel.nullRate",
        "add:datasetLevel.nullRate",
        "add:quarantine",
    ):
        value = act_on(shape, value, act)
    value = act_on(shape, value, "remove:datasetLevel.rowCount")

    assert value == {"kind": "validate", "datasetLevel": {"nullRate": [{}, {}]}, "quarantine": {}}


def test_a_part_that_may_be_left_out_is_asked_for_only_when_it_is_there() -> None:
    without = tree("validate", {"id": "v", "kind": "validate", "input": "t"})
    with_it = tree("validate", NODES["validate"])

    assert not control_at(without, "quarantine").is_on
    assert control_at(with_it, "quarantine.table").value == "dlq.x"


def test_errors_stand_at_their_fields_and_open_what_hides_them() -> None:
    found = tree("source", NODES["source"], {"config.atomicity.stagingFolder": ["no"], "config.path": ["empty"]})

    assert control_at(found, "config.path").errors == ["empty"]
    assert control_at(found, "config").is_more_open


def test_inputs_are_chosen_from_what_there_is_and_a_name_that_is_gone_is_said_so() -> None:
    offers = Offers(choices={"input": [("a", "a"), ("b.big", "b.big")]})

    found = control_at(tree("target", {**NODES["target"], "input": "gone"}, offers=offers), "input")

    assert [(value, is_chosen) for value, _, is_chosen in found.options] == [
        ("gone", True), ("a", False), ("b.big", False),
    ]  # fmt: skip
    assert "is not there" in found.options[0][1]


@pytest.mark.parametrize("value", [None, True, 0, -12, 1.5, "x", "12", "007", "true", "null", " a ", '"q"', "1e5"])
def test_a_plain_value_is_read_as_it_is_written(value: Any) -> None:
    found = read_scalar(write_scalar(value))

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ({"f": "x", "other": "y", "f.": "z"}, {}),
        ({"f." + ".".join("abcdefghijklmnop"): "deep"}, {}),
        ({"f.ops": "text", "f.ops.0": "text", "f.ops.0.op": "cast"}, {"ops": [{"op": "cast"}]}),
        ({"f.ops.99999999.op": "cast", "f.ops.x.op": "cast"}, {"ops": []}),
    ],
    ids=["no-fields", "too-deep", "clashing", "odd-places"],
)
def test_a_post_that_no_form_sends_does_no_harm(post: dict[str, str], expected: dict[str, Any]) -> None:
    found = read_typed(shape_of("transform"), post, None)

    assert {name: each for name, each in found.items() if name == "ops"} == (expected if "ops" in expected else {})


def test_names_are_in_the_order_of_the_form_whatever_the_database_made_of_them() -> None:
    value = {"ops": [{"to": "date", "field": "a", "op": "cast"}], "kind": "transform", "own": 1, "id": "t"}

    found = order_of(shape_of("transform"), value)

    assert list(found) == ["id", "kind", "ops", "own"]
    assert next(iter(found["ops"][0])) == "op"
    assert found == value


def test_a_label_is_the_title_or_the_name_in_words() -> None:
    assert label_of("maxRetries", "Maxretries") == "Max retries"
    assert label_of("ops") == "Operations"
    assert label_of("endpointUrl") == "Endpoint URL"
    assert label_of("path", "Where files lie") == "Where files lie"


def test_the_documented_pipeline_goes_through_its_forms_unchanged() -> None:
    ir = orders_ir()

    ir["nodes"] = [read_typed(shape_of(node["kind"]), posted(tree(node["kind"], node)), node) for node in ir["nodes"]]

    assert ir == orders_ir()
    assert parse_pipeline_ir(ir).nodes


def test_an_unknown_shape_is_asked_for_as_json() -> None:
    shape = Shape(Kind.GROUP, fields=(Shape(Kind.JSON, name="free"),))

    assert read_typed(shape, {"f.free": '{"a": [1]}'}, None) == {"free": {"a": [1]}}
    assert read_typed(shape, {"f.free": "{"}, None) == {"free": "{"}
