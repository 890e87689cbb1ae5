"""Forms filled in from nothing, as a person does it: buttons, choices, then texts; they say the IR that was meant."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from flows.forms.controls import Control, Offers, controls_of
from flows.forms.shapes import SETTINGS, shape_of
from flows.forms.typed import act_on, read_scalar, read_typed, write_scalar
from flows.selectors.showing import KINDS
from tests.pages.test_flow_shapes import control_at, posted, tree

ABSENT = object()
ID = "0190163d-8694-739b-aea5-966c26f8ad91"
# What each operation can say, nothing of it a default.
OPS: dict[str, dict[str, Any]] = {
    "cast": {"field": "at", "to": "timestamp", "onError": "null", "format": "%d.%m.%Y", "timezone": "Europe/Berlin"},
    "cast_decimal": {"id": "c", "field": "amount", "to": "decimal", "precision": 18, "scale": 2},
    "expression": {"field": "total", "expr": "amount * 2\n  + 1"},
    "rename": {"from": "Größe", "to": "size"},
    "drop": {"fields": ["a b", 'we"ird', "c"]},
    "add_field": {"field": "k", "value": "12"},
    "add_field_nothing": {"field": "k", "value": None},
    "add_field_largest": {"field": "k", "value": 2**63 - 1},
    "hash": {"field": "email", "algorithm": "sha512", "salt": "s "},
    "mask_pii": {"field": "phone", "strategy": "last4"},
    "map_values": {"field": "s", "mapping": {"a=b": "x", " n ": None, "1": 1, "t": True, "": " y "}, "default": False},
    "map_values_nothing": {"field": "s", "mapping": {"n": "new"}, "default": None},
    "split": {"field": "name", "separator": " ", "into": ["first", "last"]},
    "merge": {"fields": ["a", "b"], "separator": "", "into": "c"},
    "filter": {"expr": "amount > 0 and status <> 'x'"},
    "deduplicate": {"keys": ["a", "b"], "orderBy": [{"field": "at", "direction": "desc"}, {"field": "n"}],
                    "keep": "last"},
    "aggregate": {"groupBy": [], "measures": [{"as": "n", "fn": "count"}, {"as": "s", "fn": "sum", "field": "a"}]},
    "lookup_join": {"table": "ds_x", "on": [{"left": "a", "right": "b"}, {"left": "c", "right": "d"}],
                    "fields": ["z"]},
    "summarize": {"field": "text", "into": "summary"},
    "vector_embed": {"field": "text", "into": "vector"},
    "geo_resolve": {"field": "address", "into": "place"},
    "sentiment_score": {"field": "text", "into": "mood"},
    "language_detect": {"field": "text", "into": "language"},
}  # fmt: skip
NAMES = (
    "cast", "expression", "rename", "drop", "add_field", "hash", "mask_pii", "map_values", "split", "merge", "filter",
    "deduplicate", "aggregate", "lookup_join", "summarize", "vector_embed", "geo_resolve", "sentiment_score",
    "language_detect",
)  # fmt: skip
NODES: dict[str, dict[str, Any]] = {
    "source": {
        "id": "s", "connector": "sftp",
        "config": {
            "path": "in/", "pattern": {"type": "date_template", "value": "o-{YYYY}*", "timezone": "Europe/Berlin"},
            "format": "xml", "ordering": "latest_by_mtime", "connectorId": ID, "maxFiles": 10,
            "waitPolicy": {"maxRetries": 3, "intervalMinutes": 0.5, "onMissAction": "alert"},
            "atomicity": {"stagingFolder": "a/", "successFolder": "b/{YYYY}/", "failureFolder": "c/"},
            "formatOptions": {
                "delimiter": ";", "quote": "'", "escape": "\\", "encoding": "latin-1", "header": False,
                "columns": ["id", " odd "], "nullValues": ["", "NULL", " "], "compression": "gz", "onBadRow": "fail",
                "recordPath": "//order",
            },
        },
    },
    "source_regex": {
        "id": "s", "connector": "s3",
        "config": {"path": "s3://b/in/", "pattern": {"type": "regex", "value": r"r-\d+"}, "format": "json"},
    },
    "validate": {
        "id": "v", "input": "s",
        "datasetLevel": {
            "rowCount": {"min": 1, "max": 9, "onFail": "warn"},
            "nullRate": [{"field": "a", "max": 0.25}, {"field": "b", "max": 1}],
            "uniqueness": [{"fields": ["a", "b"]}, {"fields": ["c"]}],
            "freshness": {"field": "at", "maxAgeMinutes": 90},
            "schemaMatch": {"columns": [{"name": "a"}, {"name": "b", "type": "decimal"}], "strict": True},
        },
        "rowLevel": [{"id": "r", "field": "a", "rule": "gt:0", "onFail": "warn"}, {"id": "q", "field": "b",
                     "rule": r"in:x\,y,z"}],
        "quarantine": {"table": "dlq.orders"},
    },
    "branch": {
        "id": "b", "input": "s", "cases": [{"id": "big", "when": "a > 5"}, {"id": "small", "when": "a < 1"}],
        "default": "rest",
    },
    "join": {
        "id": "j", "left": "a", "right": "b.big", "how": "anti",
        "on": [{"left": "x", "right": "y"}, {"left": "v", "right": "w"}],
    },
    "enrich": {"id": "e", "input": "s", "provider": "openai", "field": "a", "into": "b"},
    "archive": {"id": "a", "input": "s", "config": {"deep": [1, {"x": None}]}},
    "target": {
        "id": "l", "input": "s", "schema": "public.ds_x", "loadMode": "upsert", "upsertKey": ["a", "b"],
        "watermarkColumn": "at", "allowEmpty": True, "backupBeforeLoad": True, "description": "Why\nso",
        "rowCountAnomaly": {"maxChangePercent": 12.5, "onFail": "abort"},
        "preHook": {"type": "sql", "statement": "ANALYZE x"},
        "postHook": {"type": "custom_function", "name": "f", "arguments": {"deep": [1, "ü"]}},
    },
    "target_hooks": {
        "id": "l", "input": "s", "schema": "ds_x", "loadMode": "blue_green", "upsertKey": "a",
        "preHook": {"type": "refresh", "view": "v"}, "postHook": {"type": "webhook", "url": "https://example.com/x"},
    },
    SETTINGS: {
        "metadata": {"name": "N", "owner": "o@example.com", "tags": ["a", "b c"], "description": "D"},
        "errorHandling": {
            "dlq": {"enabled": False}, "retry": {"maxAttempts": 3, "backoff": "fixed", "initialSeconds": 7},
        },
    },
}  # fmt: skip


def meant_at(meant: Any, path: str) -> Any:
    """Return what is meant under a control's path; one thing alone stands as the first of its list."""
    for step in path.split(".") if path else ():
        if isinstance(meant, list):
            meant = meant[int(step)] if int(step) < len(meant) else ABSENT
        elif isinstance(meant, Mapping):
            meant = meant if step == "0" else meant.get(step, ABSENT)
        else:
            return ABSENT
    return meant


def quoted(value: Any) -> str:
    """Return a value as a careful person types it: in quotes what would be taken for something else."""
    if value is None:
        return "null"
    return value if isinstance(value, str) and value.isalpha() else json.dumps(value, ensure_ascii=False)


def keystrokes(control: Control, value: Any) -> str:
    """Return what is typed into a control."""
    match control.kind:
        case "names":
            return "\r\n".join(each if each.strip() == each != "" else f'"{each}"' for each in _many(value))
        case "mapping":
            return "\r\n".join(f"{quoted(key)} = {quoted(each)}" for key, each in value.items())
        case "scalar":
            return quoted(value)
    return value.replace("\n", "\r\n") if isinstance(value, str) else json.dumps(value)


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def next_button(control: Control, meant: Any) -> str:
    """Return the first button that is still to be pressed; empty when there is everything to type into."""
    for each in control.walk():
        wanted = meant_at(meant, each.path)
        is_list = each.kind == "list" and wanted is not ABSENT
        count = len(wanted) if isinstance(wanted, list) else 1
        is_off = each.kind in {"group", "union"} and not each.is_on and isinstance(wanted, dict)
        if is_off or (is_list and len(each.items) < count):
            return f"add:{each.path}"
    return ""


def fill(kind: str, meant: Mapping[str, Any]) -> Any:
    """Fill in an empty form: each round sends what a browser would, with what can be typed by then and a button."""
    shape = shape_of(kind)
    value: Any = {}
    for _ in range(60):
        control = controls_of(shape, value, {}, Offers())
        sent = posted(control)
        for each in control.walk():
            wanted = meant_at(meant, each.path)
            if each.kind == "yes_no" and isinstance(wanted, bool):
                sent |= {each.name: "on"}
                sent = sent if wanted else {name: text for name, text in sent.items() if name != each.name}
            elif wanted is not ABSENT and each.kind not in {"group", "union", "list", "fixed", "yes_no"}:
                sent[each.name] = keystrokes(each, wanted)
        button = next_button(control, meant)
        before, value = value, act_on(shape, read_typed(shape, sent), button)
        if not button and before == value:
            return value
    raise AssertionError(f"The form of {kind} does not come to rest: {value}")


@pytest.mark.parametrize("name", OPS)
def test_an_operation_is_filled_in_from_nothing_and_says_what_was_meant(name: str) -> None:
    tag = max((each for each in NAMES if name.startswith(each)), key=len)
    meant = {"id": "t", "kind": "transform", "input": "s", "ops": [{"op": "filter", "expr": "a"}, {"op": tag,
             **OPS[name]}]}  # fmt: skip

    assert fill("transform", meant) == meant


def test_every_operation_of_the_form_is_filled_in_above() -> None:
    ops = next(field for field in shape_of("transform").fields if field.name == "ops")

    assert ops.item is not None
    assert set(ops.item.variants) == set(NAMES)


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_filled_in_from_nothing_and_says_what_was_meant(name: str) -> None:
    kind = name.partition("_")[0]
    meant = NODES[name] if kind == SETTINGS else {"kind": kind, **NODES[name]}

    assert fill(kind, meant) == meant


@pytest.mark.parametrize("name", [*OPS, *NODES])
def test_what_was_meant_stays_when_its_form_is_opened_and_nothing_is_touched(name: str) -> None:
    if name in NODES:
        kind, value = name.partition("_")[0], dict(NODES[name])
    else:
        tag = max((each for each in NAMES if name.startswith(each)), key=len)
        kind, value = "transform", {"id": "t", "input": "s", "ops": [{"op": tag, **OPS[name]}]}
    value |= {} if kind == SETTINGS else {"kind": kind}

    assert read_typed(shape_of(kind), posted(tree(kind, value)), value) == value


def test_every_kind_of_node_is_filled_in_above() -> None:
    assert {name.partition("_")[0] for name in NODES} | {"transform"} == {*KINDS, SETTINGS}


@pytest.mark.parametrize(
    "names",
    [[""], ["", "NULL"], [" a "], ['"q"'], ["a\u2028b", "c\x85d"], ["a\nb", "c"], ["\u200b"], ["null", "12"]],
    ids=["empty", "empty-first", "edges", "quotes", "odd-breaks", "break", "zero-width", "words"],
)  # fmt: skip
def test_names_that_look_like_nothing_survive_their_text_area(names: list[str]) -> None:
    value = {"id": "t", "kind": "transform", "input": "s", "ops": [{"op": "drop", "fields": names}]}

    assert read_typed(shape_of("transform"), posted(tree("transform", value)), value) == value


@pytest.mark.parametrize(
    "mapping",
    [{"a=b": "c=d"}, {" a": "b "}, {'"q"': '"r"'}, {"a\nb": "c\nd"}, {"": ""}, {"#": "\u2028"}, {"ü": "\u202eabc"}],
    ids=["equals", "edges", "quotes", "breaks", "empty", "odd-break", "direction"],
)
def test_a_mapping_of_odd_texts_survives_its_text_area(mapping: dict[str, str]) -> None:
    value = {"id": "t", "kind": "transform", "input": "s", "ops": [{"op": "map_values", "field": "f",
             "mapping": mapping}]}  # fmt: skip

    assert read_typed(shape_of("transform"), posted(tree("transform", value)), value) == value


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), 1e16, 1.5e-7, 0.1, "9" * 19, "1e999", "a\nb", "-", ""], ids=repr
)  # fmt: skip
def test_a_plain_value_at_its_limits_is_read_as_it_is_written(value: Any) -> None:
    found = read_scalar(write_scalar(value))

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 40, "1.2.3", "０１"])
def test_what_is_no_number_of_json_stays_the_text_that_was_typed(text: str) -> None:
    sent = {"f.config.__here": "1", "f.config.waitPolicy.__here": "1", "f.config.waitPolicy.intervalMinutes": text}

    found = read_typed(shape_of("source"), sent)

    assert found["config"]["waitPolicy"]["intervalMinutes"] == text
    assert control_at(tree("source", found), "config.waitPolicy.intervalMinutes").value == text


@pytest.mark.parametrize("place", ["01", "²", "٣", "-1", "1e1", "", "99999999"])
def test_a_place_in_a_list_that_no_form_sends_is_passed_over(place: str) -> None:
    sent = {f"f.ops.{place}.__here": "1", f"f.ops.{place}.op": "hash", "f.ops.3.__here": "1", "f.ops.3.op": "cast"}

    found = read_typed(shape_of("transform"), sent)

    assert [op["op"] for op in found["ops"]] == ["cast"]
