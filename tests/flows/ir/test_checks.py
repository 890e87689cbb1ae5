"""What the shape of a document cannot say, piece by piece: a table of documents with one deviation each."""

from typing import Any

import pytest

from tests.flows.ir.documents import full_ir, ops_ir, problems_of, small_ir

MEASURE = {"as": "n", "fn": "count"}
# An operation → where below it, and what is said; nothing when it is right.
OPS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a decimal": ({"op": "cast", "field": "a", "to": "decimal", "precision": 5, "scale": 5}, "", ""),
    "a scale alone": ({"op": "cast", "field": "a", "to": "decimal", "scale": 18}, "", ""),
    "too large a scale alone": ({"op": "cast", "field": "a", "to": "decimal", "scale": 19}, ".scale", "precision (18"),
    "a scale above the precision": (
        {"op": "cast", "field": "a", "to": "decimal", "precision": 5, "scale": 6},
        ".scale",
        "greater than the precision",
    ),
    "a precision of text": (
        {"op": "cast", "field": "a", "to": "string", "precision": 5},
        ".precision",
        "only a decimal",
    ),
    "a scale of text": ({"op": "cast", "field": "a", "to": "string", "scale": 5}, ".scale", "only a decimal"),
    "a format": ({"op": "cast", "field": "a", "to": "date", "format": "%d.%m.%Y"}, "", ""),
    "a format without zeros": ({"op": "cast", "field": "a", "to": "date", "format": "%-d.%-m.%Y %%"}, "", ""),
    "a format of a number": ({"op": "cast", "field": "a", "to": "double", "format": "%Y"}, ".format", "only a date"),
    "a format that reads nothing": (
        {"op": "cast", "field": "a", "to": "date", "format": "today"},
        ".format",
        "nothing",
    ),
    "a format of another library": (
        {"op": "cast", "field": "a", "to": "date", "format": "%Q"},
        ".format",
        "%Q is not known; there are %Y",
    ),
    "a format that ends early": (
        {"op": "cast", "field": "a", "to": "date", "format": "%Y%"},
        ".format",
        "% is not known",
    ),
    "a zone": ({"op": "cast", "field": "a", "to": "timestamp", "timezone": "Europe/Berlin"}, "", ""),
    "a zone of a date": (
        {"op": "cast", "field": "a", "to": "date", "timezone": "UTC"},
        ".timezone",
        "only a timestamp",
    ),
    "no zone": ({"op": "cast", "field": "a", "to": "timestamp", "timezone": "CEST"}, ".timezone", "no time zone CEST"),
    "a sub-query": ({"op": "expression", "field": "a", "expr": "(select 1)"}, ".expr", "SELECT may not stand"),
    "a condition with a file": ({"op": "filter", "expr": "read_text('x') = ''"}, ".expr", "read_text is not allowed"),
    "a rename to the same": ({"op": "rename", "from": "a", "to": "a"}, ".to", "is the name that the column has"),
    "a column dropped twice": ({"op": "drop", "fields": ["a", "b", "a"]}, ".fields[2]", "a stands there twice"),
    "a part twice": (
        {"op": "split", "field": "a", "separator": ",", "into": ["x", "x"]},
        ".into[1]",
        "x stands there twice",
    ),
    "a merge of one column twice": ({"op": "merge", "fields": ["a", "a"], "separator": "", "into": "b"}, "", ""),
    "a key twice": ({"op": "deduplicate", "keys": ["a", "a"]}, ".keys[1]", "a stands there twice"),
    "an order twice": (
        {"op": "deduplicate", "keys": ["a"], "orderBy": [{"field": "b"}, {"field": "b", "direction": "desc"}]},
        ".orderBy[1].field",
        "b stands there twice",
    ),
    "no group": ({"op": "aggregate", "groupBy": [], "measures": [MEASURE]}, "", ""),
    "a group twice": ({"op": "aggregate", "groupBy": ["a", "a"], "measures": [MEASURE]}, ".groupBy[1]", "twice"),
    "a figure twice": (
        {"op": "aggregate", "groupBy": ["a"], "measures": [MEASURE, MEASURE]},
        ".measures[1].as",
        "n stands there twice",
    ),
    "a figure like a group": (
        {"op": "aggregate", "groupBy": ["n"], "measures": [MEASURE]},
        ".measures[0].as",
        "a column of the groups already",
    ),
    "a sum of nothing": (
        {"op": "aggregate", "groupBy": [], "measures": [{"as": "s", "fn": "sum"}]},
        ".measures[0].field",
        "is missing: sum",
    ),
    "a count of a column": (
        {"op": "aggregate", "groupBy": [], "measures": [{"as": "s", "fn": "count", "field": "a"}]},
        "",
        "",
    ),
    "a lookup of one column twice": (
        {"op": "lookup_join", "table": "ds_x", "on": [{"left": "a", "right": "b"}], "fields": ["c", "c"]},
        ".fields[1]",
        "c stands there twice",
    ),
    "a lookup by one key twice": (
        {"op": "lookup_join", "table": "ds_x", "on": [{"left": "a", "right": "b"}] * 2, "fields": ["c"]},
        ".on[1]",
        "a = b stands there twice",
    ),
    "a lookup in another's table": (
        {"op": "lookup_join", "table": "pg_user", "on": [{"left": "a", "right": "b"}], "fields": ["c"]},
        ".table",
        "ds_",
    ),
}
# What is changed in a source's config → where below it, and what is said.
SOURCES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a glob": ({"pattern": {"type": "glob", "value": "a*?.csv"}}, "", ""),
    "a glob with a folder": ({"pattern": {"type": "glob", "value": "x/*.csv"}}, ".pattern.value", "no / in it"),
    "a template": ({"pattern": {"type": "date_template", "value": "{YYYY}-{MM}-{DD}T{HH}{mm}{ss}*"}}, "", ""),
    "a template with a folder": (
        {"pattern": {"type": "date_template", "value": "{YYYY}/x"}},
        ".pattern.value",
        "no / in it",
    ),
    "an unknown token": (
        {"pattern": {"type": "date_template", "value": "{YY}.csv"}},
        ".pattern.value",
        "{YY} is not known; there are {YYYY}",
    ),
    "a token that does not end": (
        {"pattern": {"type": "date_template", "value": "{YYYY.csv"}},
        ".pattern.value",
        "{ is not known",
    ),
    "a template in no zone": (
        {"pattern": {"type": "date_template", "value": "{YYYY}", "timezone": "../etc"}},
        ".pattern.timezone",
        "no time zone",
    ),
    "a regular expression": ({"pattern": {"type": "regex", "value": r"o-\d+\.csv"}}, "", ""),
    "no regular expression": ({"pattern": {"type": "regex", "value": "*"}}, ".pattern.value", "cannot be read"),
    "a blank path": ({"path": " "}, ".path", "must not be blank"),
    "a path that climbs": ({"path": "in/../../etc"}, ".path", "must not climb"),
    "a path that climbs backwards": ({"path": "in\\..\\etc"}, ".path", "must not climb"),
    "dots in a name": ({"path": "in..out/"}, "", ""),
    "an absolute staging folder": (
        {"atomicity": {"stagingFolder": "/tmp/"}},
        ".atomicity.stagingFolder",
        "within the source's path",
    ),
    "a success folder that climbs": (
        {"atomicity": {"successFolder": "a/../../b"}},
        ".atomicity.successFolder",
        "within the source's path",
    ),
    "the source's own folder": (
        {"atomicity": {"failureFolder": "./"}},
        ".atomicity.failureFolder",
        "within the source's",
    ),
    "an unknown token of a folder": (
        {"atomicity": {"successFolder": ".archive/{DAY}/"}},
        ".atomicity.successFolder",
        "{DAY} is not known",
    ),
    "one folder for two": (
        {"atomicity": {"stagingFolder": ".x/", "failureFolder": ".x"}},
        ".atomicity.failureFolder",
        "than stagingFolder",
    ),
    "a delimiter like the quote": (
        {"formatOptions": {"delimiter": "'", "quote": "'"}},
        ".formatOptions.delimiter",
        "another than quote",
    ),
    "a delimiter that ends lines": (
        {"formatOptions": {"delimiter": "\n"}},
        ".formatOptions.delimiter",
        "end of a line",
    ),
    "a tab": ({"formatOptions": {"delimiter": "\t"}}, "", ""),
    "columns that differ in case alone": (
        {"formatOptions": {"columns": ["a", "B", "b"]}},
        ".formatOptions.columns[2]",
        "b stands there twice",
    ),
    "an encoding": ({"formatOptions": {"encoding": "Windows-1252"}}, "", ""),
    "no encoding": ({"formatOptions": {"encoding": "utf-99"}}, ".formatOptions.encoding", "utf-99 is no encoding"),
    "an encoding of bytes": ({"formatOptions": {"encoding": "zip"}}, ".formatOptions.encoding", "is no encoding"),
    "an encoding with a path": ({"formatOptions": {"encoding": "../x"}}, ".formatOptions.encoding", "is no encoding"),
    "a long null": ({"formatOptions": {"nullValues": ["", "x" * 201]}}, ".formatOptions.nullValues[1]", "at most 200"),
}
# What is changed in the last target → where below it, and what is said.
TARGETS: dict[str, tuple[dict[str, Any], str, str]] = {
    "upsert without a key": ({"loadMode": "upsert"}, ".upsertKey", "is missing: upsert needs"),
    "a key twice": ({"loadMode": "upsert", "upsertKey": ["a", "a"]}, ".upsertKey[1]", "a stands there twice"),
    "a key alone": ({"loadMode": "upsert", "upsertKey": "a"}, "", ""),
    "a watermark without its column": (
        {"loadMode": "incremental_watermark"},
        ".watermarkColumn",
        "is missing: incremental_watermark needs",
    ),
    "a mirror": ({"loadMode": "cdc_mirror"}, "", ""),
    "a hook's address": ({"postHook": {"type": "webhook", "url": "https://example.com/a?b=c#d"}}, "", ""),
    "no address": (
        {"postHook": {"type": "webhook", "url": "file:///etc/passwd"}},
        ".postHook.url",
        "begins with https",
    ),
    "an address with a name": (
        {"postHook": {"type": "webhook", "url": "https://me:secret@example.com/"}},
        ".postHook.url",
        "without spaces or a user",
    ),
    "a view of another schema": (
        {"preHook": {"type": "refresh", "view": "pg_catalog.x"}},
        ".preHook.view",
        "must be a name such as public.ds_daily",
    ),
}
SCHEDULES: dict[str, tuple[dict[str, Any], str, str]] = {
    "cron": ({"kind": "cron", "expression": "*/5 8-18 * * MON-FRI", "timezone": "America/New_York"}, "", ""),
    "six fields": ({"kind": "cron", "expression": "0 0 8 * * *"}, ".expression", "has 6 fields"),
    "a nickname": ({"kind": "cron", "expression": "@every_hour"}, ".expression", "Nicknames are not understood"),
    "no such hour": ({"kind": "cron", "expression": "0 24 * * *"}, ".expression", "hour: 24 is not from 0 to 23"),
    "no such zone": ({"kind": "cron", "expression": "0 8 * * *", "timezone": "Mars/X"}, ".timezone", "no time zone"),
    "interval": ({"kind": "interval", "minutes": 15, "anchor": "2026-01-01T00:07:00+01:00"}, "", ""),
    "an anchor without an offset": (
        {"kind": "interval", "minutes": 15, "anchor": "2026-01-01T00:07:00"},
        ".anchor",
        "needs an offset or Z",
    ),
    "an anchor that is no time": (
        {"kind": "interval", "minutes": 15, "anchor": "tomorrow at noon"},
        ".anchor",
        "is no time such as",
    ),
    "rrule": ({"kind": "rrule", "rule": "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17", "dtstart": "2026-01-01T00:00:00"}, "", ""),
    "rrule with its name": ({"kind": "rrule", "rule": "RRULE:FREQ=DAILY;INTERVAL=2"}, "", ""),
    "rrule until": ({"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20270101T000000Z"}, "", ""),
    "rrule by the second": ({"kind": "rrule", "rule": "FREQ=SECONDLY"}, ".rule", "needs FREQ, one of YEARLY"),
    "rrule without a frequency": ({"kind": "rrule", "rule": "BYDAY=MO"}, ".rule", "needs FREQ"),
    "rrule with an unknown part": ({"kind": "rrule", "rule": "FREQ=DAILY;BYSECOND=1"}, ".rule", "'BYSECOND=1' is not"),
    "rrule with a part twice": ({"kind": "rrule", "rule": "FREQ=DAILY;FREQ=DAILY"}, ".rule", "is not understood"),
    "rrule with lines": ({"kind": "rrule", "rule": "FREQ=DAILY\nEXDATE:20260101"}, ".rule", "is not understood"),
    "rrule with both ends": (
        {"kind": "rrule", "rule": "FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z"},
        ".rule",
        "COUNT or UNTIL, not both",
    ),
    "rrule with an empty part": ({"kind": "rrule", "rule": "FREQ=DAILY;"}, ".rule", "is not understood"),
    "rrule with no such day": (
        {"kind": "rrule", "rule": "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"},
        ".rule",
        "is never due",
    ),
    "rrule that steps over its hour": (
        {"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", "dtstart": "2026-01-01T04:00:00"},
        ".rule",
        "is never due",
    ),
    "rrule that may meet its hour": ({"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5"}, "", ""),
    "rrule that ends before it begins": (
        {"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20260101T000000Z", "dtstart": "2026-02-01T04:00:00Z"},
        ".rule",
        "its UNTIL is before",
    ),
    "rrule of no steps": ({"kind": "rrule", "rule": "FREQ=DAILY;INTERVAL=0"}, ".rule", "INTERVAL must be a number"),
    "rrule of a great count": ({"kind": "rrule", "rule": "FREQ=DAILY;COUNT=10001"}, ".rule", "from 1 to 10,000; for"),
    "rrule from long ago": (
        {"kind": "rrule", "rule": "FREQ=DAILY", "dtstart": "1066-10-14T09:00:00"},
        ".dtstart",
        "a year from 1970",
    ),
    "rrule with words": ({"kind": "rrule", "rule": "FREQ=DAILY;INTERVAL=X"}, ".rule", "cannot be read"),
    "rrule with a weekday that is none": ({"kind": "rrule", "rule": "FREQ=WEEKLY;BYDAY=XX"}, ".rule", "cannot be read"),
    "rrule in no zone": ({"kind": "rrule", "rule": "FREQ=DAILY", "timezone": "UTC+2"}, ".timezone", "no time zone"),
    "rrule from no time": ({"kind": "rrule", "rule": "FREQ=DAILY", "dtstart": "2026-13-01"}, ".dtstart", "is no time"),
}
DATASETS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a count of nothing": ({"rowCount": {}}, ".rowCount", "needs min or max"),
    "a count that is crossed": ({"rowCount": {"min": 5, "max": 4}}, ".rowCount.max", "not be less than min"),
    "a key twice": ({"uniqueness": [{"fields": ["a", "a"]}]}, ".uniqueness[0].fields[1]", "a stands there twice"),
    "a column twice": (
        {"schemaMatch": {"columns": [{"name": "a"}, {"name": "a", "type": "date"}]}},
        ".schemaMatch.columns[1].name",
        "a stands there twice",
    ),
    "a rate twice": (
        {"nullRate": [{"field": "a", "max": 0}, {"field": "a", "max": 1}]},
        ".nullRate[1].field",
        "a stands there twice",
    ),
    "an age twice": (
        {"freshness": [{"field": "a", "maxAgeMinutes": 1}] * 2},
        ".freshness[1].field",
        "a stands there twice",
    ),
}


def expect(document: dict[str, Any], at: str, below: str, words: str) -> None:
    """Assert that a document is right, or that one thing is wrong there."""
    problems = problems_of(document)

    assert list(problems) == ([f"{at}{below}"] if words else [])
    assert words in problems.get(f"{at}{below}", "")


@pytest.mark.parametrize("name", OPS, ids=str)
def test_an_operation_is_judged(name: str) -> None:
    op, below, words = OPS[name]

    expect(ops_ir(op), "nodes[1].ops[0]", below, words)


@pytest.mark.parametrize("name", SOURCES, ids=str)
def test_a_source_is_judged(name: str) -> None:
    changes, below, words = SOURCES[name]
    document = small_ir()
    document["nodes"][0]["config"].update(changes)

    expect(document, "nodes[0].config", below, words)


@pytest.mark.parametrize("name", TARGETS, ids=str)
def test_a_target_is_judged(name: str) -> None:
    changes, below, words = TARGETS[name]
    document = small_ir()
    document["nodes"][1].update(changes)

    expect(document, "nodes[1]", below, words)


@pytest.mark.parametrize("name", SCHEDULES, ids=str)
def test_a_schedule_is_judged(name: str) -> None:
    schedule, below, words = SCHEDULES[name]

    expect(small_ir(schedule=schedule), "schedule", below, words)


@pytest.mark.parametrize("name", DATASETS, ids=str)
def test_a_validator_is_judged(name: str) -> None:
    level, below, words = DATASETS[name]

    document = small_ir({"id": "v", "kind": "validate", "input": "src", "datasetLevel": level})

    expect(document, "nodes[1].datasetLevel", below, words)


@pytest.mark.parametrize("place", ["ops", "rowLevel"], ids=["operations", "rules"])
def test_an_id_stands_once_in_a_node(place: str) -> None:
    document = full_ir()
    node = document["nodes"][2 if place == "ops" else 3]
    node[place][1]["id"] = node[place][0]["id"]

    assert problems_of(document) == {
        f"nodes[{2 if place == 'ops' else 3}].{place}[1].id": f"{node[place][0]['id']} stands there twice"
    }


@pytest.mark.parametrize(
    ("connector", "path", "is_right"),
    [
        ("http_pull", "https://example.com/a.csv", True),
        ("http_pull", "ftp://example.com/a.csv", False),
        ("http_pull", "inbox/", False),
        ("s3", "s3://bucket/inbox/", True),
        ("ftp", "/inbox", True),
        ("kafka_consumer", "topic", True),
    ],
    ids=["https", "another scheme", "a folder", "s3", "ftp, refused when it runs", "streaming, refused when it runs"],
)  # fmt: skip
def test_the_path_of_a_download_is_an_address(connector: str, path: str, is_right: bool) -> None:
    document = small_ir()
    document["nodes"][0]["connector"] = connector
    document["nodes"][0]["config"]["path"] = path

    assert (problems_of(document) == {}) is is_right
