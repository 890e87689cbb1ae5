"""Valid documents by chance: any graph of any nodes, whose inputs stand before them."""

from typing import Any

from hypothesis import strategies as st

from flows.ir.expressions import FUNCTIONS

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
COLUMNS = st.one_of(
    st.sampled_from(["id", "amount", "name", "at", "Größe", "a b", 'we"ird']),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
).filter(lambda name: not name.lower().startswith("_kaireon_"))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10),
)  # fmt: skip
EXPRESSIONS = st.sampled_from(
    ["amount > 0", "true", "name is not null and amount / 2 > 1", *(one.example for one in FUNCTIONS.values())]
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])
TABLES = st.from_regex(r"(public\.)?ds_[a-z0-9_]{1,8}", fullmatch=True)
UNIQUE: dict[str, Any] = {"unique": True, "min_size": 1, "max_size": 3}


def some(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object that has the required fields and any of the optional ones."""
    given = {name: st.just(value) if isinstance(value, str) else value for name, value in required.items()}
    return st.fixed_dictionaries(given, optional=optional)


def columns(**bounds: Any) -> st.SearchStrategy[list[str]]:
    """Draw a list of columns, none twice."""
    return st.lists(COLUMNS, **{**UNIQUE, **bounds})


KEYS = st.lists(st.fixed_dictionaries({"left": COLUMNS, "right": COLUMNS}), min_size=1, max_size=1)
ON_ERROR = st.sampled_from(["null", "fail", "quarantine"])
MEASURES = st.lists(
    some({"as": COLUMNS, "fn": st.sampled_from(["count", "sum", "avg", "min"]), "field": COLUMNS}),
    min_size=1, max_size=2, unique_by=lambda measure: measure["as"],
)  # fmt: skip
ORDER = st.lists(
    some({"field": COLUMNS}, direction=st.sampled_from(["asc", "desc"])),
    max_size=2, unique_by=lambda key: key["field"],
)  # fmt: skip
OPS = st.one_of(
    some({"op": "cast", "field": COLUMNS, "to": st.sampled_from(["string", "json", "uuid"])}, onError=ON_ERROR),
    some({"op": "cast", "field": COLUMNS, "to": "timestamp"}, format=st.just("%Y-%m-%d"), timezone=ZONES),
    some({"op": "cast", "field": COLUMNS, "to": "decimal"}, precision=st.integers(9, 38), scale=st.integers(0, 9)),
    some({"op": "expression", "field": COLUMNS, "expr": EXPRESSIONS}),
    some({"op": "rename", "from": st.just("a"), "to": st.just("b")}),
    some({"op": "drop", "fields": columns()}),
    some({"op": "add_field", "field": COLUMNS, "value": SCALARS}),
    some({"op": "hash", "field": COLUMNS}, algorithm=st.sampled_from(["sha256", "md5"]), salt=st.just("s")),
    some({"op": "mask_pii", "field": COLUMNS, "strategy": st.sampled_from(["full", "last4", "email", "null"])}),
    some(
        {
            "op": "map_values",
            "field": COLUMNS,
            "mapping": st.dictionaries(st.text("ab.[", max_size=3), SCALARS, min_size=1),
        },
        default=SCALARS,
    ),
    some({"op": "split", "field": COLUMNS, "separator": st.sampled_from([",", " ", "||"]), "into": columns()}),
    some({"op": "merge", "fields": columns(), "separator": st.sampled_from(["", "-"]), "into": COLUMNS}),
    some({"op": "filter", "expr": EXPRESSIONS}),
    some({"op": "deduplicate", "keys": columns()}, orderBy=ORDER, keep=st.sampled_from(["first", "last"])),
    some({"op": "aggregate", "groupBy": st.just([]), "measures": MEASURES}),
    some({"op": "lookup_join", "table": TABLES, "on": KEYS, "fields": columns()}),
    some({"op": st.sampled_from(["summarize", "vector_embed", "geo_resolve"]), "field": COLUMNS, "into": COLUMNS}),
)
PATTERNS = st.one_of(
    some({"type": "glob", "value": st.sampled_from(["*.csv", "a?.json"])}),
    some({"type": "regex", "value": st.sampled_from([r"a\d+", "(x|y).*"])}),
    some({"type": "date_template", "value": st.sampled_from(["{YYYY}*", "a-{YYYY-MM-DD}"])}, timezone=ZONES),
)
CONFIGS = some(
    {"path": st.sampled_from(["in/", "s3://b/x"]), "pattern": PATTERNS, "format": st.sampled_from(["csv", "parquet"])},
    ordering=st.sampled_from(["latest_by_mtime", "fifo_by_name"]),
    waitPolicy=some({}, maxRetries=st.integers(0, 9), intervalMinutes=st.one_of(st.integers(1, 9), st.floats(0.5, 9))),
    atomicity=some({}, successFolder=st.just(".done/{YYYY}/")),
    formatOptions=some({}, header=st.booleans(), nullValues=st.lists(st.text("na", max_size=2), max_size=2)),
    maxFiles=st.integers(1, 9),
)
DATASETS = some(
    {},
    rowCount=some({"min": st.integers(0, 5)}, onFail=st.sampled_from(["abort", "warn"])),
    nullRate=st.one_of(*(form(some({"field": COLUMNS, "max": st.sampled_from([0, 1, 0.5])})) for form in (
        lambda one: one, lambda one: st.lists(one, min_size=1, max_size=1)))),
    uniqueness=some({"fields": columns()}),
    schemaMatch=some({"columns": st.lists(some({"name": COLUMNS}), min_size=1, max_size=1)}, strict=st.booleans()),
)  # fmt: skip
RULES = st.lists(
    some({"id": NAMES, "field": COLUMNS, "rule": st.sampled_from(["not_null", "gt:0", "in:a,b", "length:1.."])}),
    max_size=2, unique_by=lambda rule: rule["id"],
)  # fmt: skip
SCHEDULES = st.one_of(
    some({"kind": "cron", "expression": st.sampled_from(["0 8 * * *", "*/5 * * * MON"])}, timezone=ZONES),
    some({"kind": "interval", "minutes": st.integers(1, 99)}, anchor=st.just("2026-01-01T00:00:00Z")),
    some({"kind": "rrule", "rule": st.just("FREQ=WEEKLY;BYDAY=MO")}, enabled=st.booleans()),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a whole valid document: sources, nodes that read them, and targets for whatever nobody reads."""
    names = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    nodes = [{"id": names[0], "kind": "source", "connector": "local_fs", "config": draw(CONFIGS)}]
    open_ends, all_ends = [names[0]], [names[0]]
    for name in names[1:]:
        node, read, ends = draw(_nodes(name, open_ends, all_ends))
        nodes.append(node)
        open_ends = [end for end in open_ends if end not in read] + ends
        all_ends += ends
    for number, end in enumerate(open_ends):
        nodes.append(_target(f"out_{number}", end, number))
    optional = {"schedule": SCHEDULES, "metadata": some({"name": "x"}, tags=st.lists(st.text("ab", max_size=3)))}
    return {
        "kind": "pipeline", "version": "1.0", "id": "generated", "metadata": {"name": "Generated"},
        "nodes": nodes, "errorHandling": draw(some({}, dlq=some({}, enabled=st.booleans()))),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }  # fmt: skip


@st.composite
def _nodes(draw: st.DrawFn, name: str, open_ends: list[str], all_ends: list[str]) -> Any:
    """Draw a node that reads an open end first of all: return it, what it reads, and the ends it opens."""
    upstream = draw(st.sampled_from(open_ends or all_ends))
    kind = draw(st.sampled_from(["transform", "validate", "branch", "join", "enrich", "archive"]))
    if kind == "join":
        right = draw(st.sampled_from(all_ends))
        how = draw(some({"on": KEYS}, how=st.sampled_from(["inner", "left", "full", "semi"])))
        return {"id": name, "kind": kind, "left": upstream, "right": right, **how}, {upstream, right}, [name]
    if kind == "branch":
        node = {"id": name, "kind": kind, "input": upstream, "cases": [{"id": "yes", "when": draw(EXPRESSIONS)}]}
        default = draw(some({}, default=st.sampled_from(["no", "yes"])))
        ends = [f"{name}.yes", *([f"{name}.no"] if default.get("default") == "no" else [])]
        return {**node, **default}, {upstream}, ends
    fields = {
        "transform": some({"ops": st.lists(OPS, min_size=1, max_size=4)}),
        "validate": some({}, datasetLevel=DATASETS, rowLevel=RULES, quarantine=st.just({"table": "dlq.x"})),
        "enrich": some({"provider": "geocoder", "field": COLUMNS, "into": COLUMNS}),
        "archive": some({}, config=st.dictionaries(st.text("ab", max_size=3), SCALARS)),
    }
    return {"id": name, "kind": kind, "input": upstream, **draw(fields[kind])}, {upstream}, [name]


def _target(name: str, upstream: str, number: int) -> dict[str, Any]:
    return {"id": name, "kind": "target", "input": upstream, "schema": f"ds_t{number}", "loadMode": "append"}
