"""Reading an IR: every problem at once, each at its path and in words that say what to change."""

import copy
import json
from typing import Any

import pytest

from flows.ir.parsing import IrInvalid, dump_ir, parse_pipeline_ir
from tests.flows.ir.documents import FULL_IR, full_ir, ops_ir, problems_of, small_ir
from tests.flows.pipeline_world import ORDERS_IR

MISSING = object()
Path = list[str | int]


def put(document: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """Change one value of a document; MISSING takes it away."""
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    if value is MISSING:
        del holder[path[-1]]
    elif isinstance(holder, list) and path[-1] == len(holder):
        holder.append(value)
    else:
        holder[path[-1]] = value
    return document


def test_a_document_with_every_node_and_operation_is_taken() -> None:
    ir = parse_pipeline_ir(full_ir())

    assert [node.kind for node in ir.nodes] == [node["kind"] for node in FULL_IR["nodes"]]
    assert {op.op for node in ir.nodes if node.kind == "transform" for op in node.ops} == {
        "cast", "expression", "rename", "drop", "add_field", "hash", "mask_pii", "map_values", "split", "merge",
        "filter", "deduplicate", "aggregate", "lookup_join", "summarize", "vector_embed", "geo_resolve",
        "sentiment_score", "language_detect",
    }  # fmt: skip


def test_the_documented_pipeline_is_taken() -> None:
    assert problems_of(ORDERS_IR) == {}


@pytest.mark.parametrize("write", [json.dumps, lambda ir: json.dumps(ir).encode()], ids=["text", "bytes"])
def test_a_document_may_come_as_json(write: Any) -> None:
    ir = parse_pipeline_ir(write(FULL_IR))

    assert dump_ir(ir) == FULL_IR


def test_what_was_not_given_is_not_in_the_dump() -> None:
    document = small_ir()

    assert json.dumps(dump_ir(parse_pipeline_ir(document))) == json.dumps(document)


@pytest.mark.parametrize("number", [5, 5.0, 0.5], ids=["whole", "with-a-point", "half"])
def test_a_number_is_dumped_as_it_was_written(number: float) -> None:
    document = small_ir()
    document["nodes"][0]["config"]["waitPolicy"] = {"intervalMinutes": number}

    dumped = dump_ir(parse_pipeline_ir(document))

    assert json.dumps(dumped) == json.dumps(document)


@pytest.mark.parametrize("default", [{}, {"default": None}], ids=["without", "null"])
def test_a_default_of_null_is_told_apart_from_none(default: dict[str, Any]) -> None:
    document = ops_ir({"op": "map_values", "field": "a", "mapping": {"x": 1}, **default})

    ir = parse_pipeline_ir(document)

    assert ir.nodes[1].ops[0].has_default == bool(default)  # type: ignore[union-attr]
    assert dump_ir(ir) == document


CLEAN: Path = ["nodes", 2]
CONFIG: Path = ["nodes", 0, "config"]
# What is changed in the full document, and where and with which words it is refused.
DEVIATIONS: dict[str, tuple[Path, object, str, str]] = {
    "no kind": (["kind"], MISSING, "kind", "is missing"),
    "another version": (["version"], "2.0", "version", "must be '1.0'"),
    "an unknown field at the top": (["extra"], 1, "extra", "is no field here"),
    "a bad slug": (["id"], "Load Orders", "id", "must be a slug"),
    "a blank name": (["metadata", "name"], "   ", "metadata.name", "must not be blank"),
    "no error handling": (["errorHandling"], MISSING, "errorHandling", "is missing"),
    "no nodes": (["nodes"], [], "nodes", "must not be empty"),
    "nodes that are no list": (["nodes"], {}, "nodes", "must be a list"),
    "a node that is no object": (["nodes", 1], 7, "nodes[1]", "must be an object"),
    "a node of no kind": (["nodes", 1, "kind"], MISSING, "nodes[1].kind", "is missing"),
    "a node of another kind": (["nodes", 1, "kind"], "sink", "nodes[1].kind", "must be one of 'source', 'transform'"),
    "a kind that is no text": (["nodes", 1, "kind"], ["source"], "nodes[1].kind", "must be"),
    "an unknown field of a node": ([*CLEAN, "transform"], 1, "nodes[2].transform", "is no field here"),
    "an unknown operation": ([*CLEAN, "ops", 0, "op"], "sort", "nodes[2].ops[0].op", "must be one of 'cast'"),
    "an unknown field of an operation": ([*CLEAN, "ops", 0, "feild"], "a", "nodes[2].ops[0].feild", "is no field here"),
    "a field named like its operation": ([*CLEAN, "ops", 0, "cast"], "a", "nodes[2].ops[0].cast", "is no field here"),
    "a field of an operation missing": ([*CLEAN, "ops", 0, "field"], MISSING, "nodes[2].ops[0].field", "is missing"),
    "a number for a text": ([*CLEAN, "ops", 0, "field"], 3, "nodes[2].ops[0].field", "must be a text"),
    "a text for a number": (["errorHandling", "retry", "maxAttempts"], "3", "errorHandling.retry.maxAttempts", "whole"),
    "true for a number": (["errorHandling", "retry", "maxAttempts"], True, "errorHandling.retry.maxAttempts", "whole"),
    "one for true": (["schedule", "enabled"], 1, "schedule.enabled", "must be true or false"),
    "too many tries": (["errorHandling", "retry", "maxAttempts"], 21, "errorHandling.retry.maxAttempts", "at most 20"),
    "no tries": (["errorHandling", "retry", "maxAttempts"], 0, "errorHandling.retry.maxAttempts", "at least 1"),
    "a wait of nothing": (
        [*CONFIG, "waitPolicy", "intervalMinutes"], 0, "nodes[0].config.waitPolicy.intervalMinutes", "greater than 0",
    ),
    "a list as a value": ([*CLEAN, "ops", 5, "value"], [1], "nodes[2].ops[5].value", "a text, a number, true"),
    "an object in a mapping": (
        [*CLEAN, "ops", 8, "mapping"], {"a.b": {}}, 'nodes[2].ops[8].mapping["a.b"]', "a text, a number, true",
    ),
    "a reserved column": ([*CLEAN, "ops", 5, "field"], "_Kaireon_x", "nodes[2].ops[5].field", "reserved"),
    "a column of 64 bytes": ([*CLEAN, "ops", 5, "field"], "ä" * 32, "nodes[2].ops[5].field", "at most 63 bytes"),
    "a column with a line feed": ([*CLEAN, "ops", 5, "field"], "a\nb", "nodes[2].ops[5].field", "control characters"),
    "a format that is none": ([*CONFIG, "format"], "xls", "nodes[0].config.format", "must be 'csv', 'tsv'"),
    "a connector that is none": (["nodes", 0, "connector"], "dropbox", "nodes[0].connector", "must be 's3', 'gcs'"),
    "a pattern of no type": ([*CONFIG, "pattern", "type"], MISSING, "nodes[0].config.pattern.type", "is missing"),
    "a pattern without a value": ([*CONFIG, "pattern", "value"], MISSING, "nodes[0].config.pattern.value", "missing"),
    "a table that is not ours": (["nodes", 9, "schema"], "public.users", "nodes[9].schema", "ds_"),
    "another schema's table": (["nodes", 9, "schema"], "pg_catalog.ds_x", "nodes[9].schema", "ds_"),
    "a quarantine elsewhere": (["nodes", 3, "quarantine", "table"], "public.x", "nodes[3].quarantine.table", "dlq."),
    "an empty key": (["nodes", 9, "upsertKey"], [], "nodes[9].upsertKey", "must not be empty"),
    "a key of numbers": (["nodes", 9, "upsertKey"], [1], "nodes[9].upsertKey[0]", "must be a text"),
    "a key that is a number": (["nodes", 9, "upsertKey"], 1, "nodes[9].upsertKey", "must be a text"),
    "a hook of no type": (["nodes", 9, "preHook"], {"type": "shell"}, "nodes[9].preHook.type", "must be one of 'sql'"),
    "one of several validators": (
        ["nodes", 3, "datasetLevel", "nullRate", 0, "max"], 2, "nodes[3].datasetLevel.nullRate[0].max", "at most 1",
    ),
    "a single validator": (
        ["nodes", 3, "datasetLevel", "uniqueness", "fields"], [], "nodes[3].datasetLevel.uniqueness.fields", "empty",
    ),
    "an unknown schedule": (["schedule", "kind"], "daily", "schedule.kind", "must be one of 'cron'"),
    "a bad reference": (["nodes", 3, "input"], "a.b.c", "nodes[3].input", "must be the id of a node"),
    "a connector's id": ([*CONFIG, "connectorId"], "mine", "nodes[0].config.connectorId", "the id of a connector"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEVIATIONS, ids=str)
def test_one_deviation_is_told_at_its_path(name: str) -> None:
    path, value, where, words = DEVIATIONS[name]

    problems = problems_of(put(full_ir(), path, value))

    assert words in problems[where]


def test_all_problems_are_told_at_once_in_the_order_of_the_document() -> None:
    document = full_ir()
    put(document, ["schedule", "timezone"], "Mars/Olympus")
    put(document, [*CONFIG, "pattern"], {"type": "regex", "value": "("})
    put(document, [*CONFIG, "format"], "xls")
    put(document, [*CLEAN, "ops", 0, "to"], "money")
    put(document, [*CLEAN, "ops", 2, "expr"], "sum(amount)")
    put(document, ["nodes", 3, "rowLevel", 0, "rule"], "above:0")
    put(document, ["nodes", 3, "rowLevel", 1, "field"], MISSING)
    put(document, ["nodes", 4, "cases", 0, "when"], "select 1")
    put(document, ["nodes", 4, "default"], 3)
    put(document, ["nodes", 7, "input"], "nowhere")

    problems = problems_of(document)

    assert [path for path in problems if not path.endswith((".cases", ".id"))] == [
        "schedule.timezone", "nodes[0].config.pattern.value", "nodes[0].config.format", "nodes[2].ops[0].to",
        "nodes[2].ops[2].expr", "nodes[3].rowLevel[0].rule", "nodes[3].rowLevel[1].field", "nodes[4].cases[0].when",
        "nodes[4].default", "nodes[5].left", "nodes[7].input",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "is_unreadable"),
    [
        (["extra"], 1, True),
        (["kind"], MISSING, True),
        (["metadata", "tags"], "x", True),
        ([*CLEAN, "ops", 5, "value"], {}, True),
        ([*CLEAN, "ops", 0, "to"], "money", False),
        (["nodes", 1, "kind"], "sink", False),
        (["errorHandling", "retry", "maxAttempts"], 21, False),
        (["schedule", "expression"], "@daily and so on", False),
        (["nodes", 3, "input"], "nowhere", False),
    ],
    ids=[
        "unknown field", "missing field", "wrong type", "no scalar", "unknown word", "unknown kind", "out of bounds",
        "no cron", "no such node",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_apart_from_what_cannot_be(path: Path, value: object, is_unreadable: bool) -> None:
    with pytest.raises(IrInvalid) as refused:
        parse_pipeline_ir(put(full_ir(), path, value))

    assert refused.value.is_unreadable is is_unreadable


def test_a_refusal_has_no_second_trace_with_the_values_in_it() -> None:
    document = put(full_ir(), ["id"], {"secret": "x"})

    with pytest.raises(IrInvalid) as refused:
        parse_pipeline_ir(document)

    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "secret" not in str(refused.value)


def test_a_thousand_problems_are_told_and_the_others_counted() -> None:
    document = ops_ir(*[{"op": "nothing", "a": 1}] * 200)
    document["nodes"] += copy.deepcopy(document["nodes"][1:2]) * 8

    with pytest.raises(IrInvalid) as refused:
        parse_pipeline_ir(document)

    assert len(refused.value.problems) == 1_001
    assert refused.value.problems[-1].message.endswith("further problems")


def test_columns_that_the_source_names_are_known() -> None:
    document = put(full_ir(), [*CLEAN, "ops", 2, "expr"], "amuont * 2")

    problems = problems_of(document)

    assert problems == {
        "nodes[2].ops[2].expr": (
            "There is no column amuont. There are id, amount, ordered_at, customer, note, email, phone, status, region."
        )
    }


def test_the_first_problems_stand_in_the_text_of_the_refusal() -> None:
    with pytest.raises(IrInvalid, match=r"^extra: is no field here; kind: is missing$"):
        parse_pipeline_ir(put(put(full_ir(), ["kind"], MISSING), ["extra"], 1))
