"""A pipeline in words: where rows come from and go to, when it runs, what each node does. Takes any JSON."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flows.decisions.schedule_words import say_schedule
from kaireon.platform.cadence import CadenceError, Grid, load_zone, read_cadence, read_recurrence

MOST_WORDS: Final = 4
KINDS: Final = {
    "source": ("Source", "input"),
    "transform": ("Transform", "tune"),
    "validate": ("Validate", "verified"),
    "enrich": ("Enrich", "auto_awesome"),
    "branch": ("Branch", "call_split"),
    "join": ("Join", "call_merge"),
    "target": ("Target", "database"),
    "archive": ("Archive", "inventory_2"),
}
MODES: Final = {
    "append": "append rows",
    "truncate": "replace all rows",
    "upsert": "insert or update",
    "blue_green": "swap a new table in",
    "incremental_watermark": "only what is new",
    "cdc_mirror": "mirror changes",
}
# Operations in words; the others are called by their name and field.
_OPS: Final = {
    "cast": "cast {field} to {to}",
    "rename": "rename {from} to {to}",
    "filter": "keep rows where {expr}",
    "expression": "{field} = {expr}",
    "deduplicate": "one row of each {keys}",
    "drop": "drop {fields}",
    "aggregate": "group by {groupBy}",
    "lookup_join": "look up {fields} in {table}",
    "split": "split {field} into {into}",
    "merge": "merge {fields} into {into}",
}


@dataclass(frozen=True, slots=True)
class Ends:
    """Where rows come from and where they go, in words."""

    sources: list[str]
    targets: list[str]


def nodes_of(ir: Any) -> list[Mapping[str, Any]]:
    """Return the nodes of an IR or of a draft that may be anything."""
    nodes = ir.get("nodes") if isinstance(ir, Mapping) else None
    return [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []


def part(value: Any, *path: str) -> Any:
    """Return what stands under a path of names, None where there is no such thing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any, *path: str) -> str:
    """Return the text under a path; empty where there is none."""
    found = part(value, *path) if path else value
    return found if isinstance(found, str) else ""


def ends_of(ir: Any) -> Ends:
    """Return the sources and targets of a pipeline."""
    nodes = nodes_of(ir)
    return Ends(
        [_source_place(node) for node in nodes if node.get("kind") == "source"],
        [text_of(node, "schema") or "no table yet" for node in nodes if node.get("kind") == "target"],
    )


def _source_place(node: Mapping[str, Any]) -> str:
    path, pattern = text_of(node, "config", "path"), text_of(node, "config", "pattern", "value")
    place = f"{path.rstrip('/')}/{pattern}" if path and pattern else path or pattern or "no path yet"
    return f"{text_of(node, 'connector') or 'source'}: {place}"


def trigger_words(ir: Any) -> str:
    """Say when a pipeline runs by itself; empty when it does not."""
    found = [words for words in (say_schedule(part(ir, "schedule")), _arrival_words(part(ir, "trigger"))) if words]
    return "; ".join(found)


def _arrival_words(trigger: Any) -> str:
    if not isinstance(trigger, Mapping):
        return ""
    mask = text_of(trigger, "controlFilePattern", "value")
    return f"When {mask} arrives" if mask else "When a file arrives"


def next_run_at(
    ir: Any, now: datetime, *, last_run_at: datetime | None = None, created_at: datetime | None = None
) -> datetime | None:  # fmt: skip
    """Return when a schedule is due next; None for what has no fixed time, has ended or cannot be read.

    The times are the pipeline's: an interval without an anchor counts from its last run, a rule without `dtstart`
    begins with it.
    """
    schedule = part(ir, "schedule")
    if not isinstance(schedule, Mapping) or schedule.get("enabled") is False:
        return None
    try:
        return _next(schedule, now, last_run_at, created_at)
    except (CadenceError, LookupError, ValueError, TypeError, OverflowError):
        return None


def _next(
    schedule: Mapping[str, Any], now: datetime, last_run_at: datetime | None, created_at: datetime | None
) -> datetime | None:  # fmt: skip
    timezone, minutes = text_of(schedule, "timezone") or "UTC", schedule.get("minutes")
    match schedule.get("kind"):
        case "cron":
            return read_cadence(text_of(schedule, "expression"), timezone).next(now)
        case "rrule":
            start = text_of(schedule, "dtstart")
            begins = datetime.fromisoformat(start) if start else (created_at or now).replace(second=0)
            return read_recurrence(text_of(schedule, "rule"), dtstart=begins, zone=load_zone(timezone)).next(now)
        case "interval" if isinstance(minutes, int) and minutes > 0:
            step, anchor = timedelta(minutes=minutes), text_of(schedule, "anchor")
            if anchor:
                return Grid(datetime.fromisoformat(anchor), step).next(now)
            return None if last_run_at is None else max(now, last_run_at + step)
    return None


def node_words(node: Mapping[str, Any]) -> list[str]:
    """Return what a node does, a line each; at most a few."""
    lines = [line for line in _WORDS.get(text_of(node, "kind"), _no_words)(node) if line]
    more = len(lines) - MOST_WORDS
    return [*lines[:MOST_WORDS], f"and {more} more"] if more > 1 else lines


def _no_words(node: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


def _source_words(node: Mapping[str, Any]) -> Iterator[str]:
    yield _source_place(node)
    yield f"{text_of(node, 'config', 'format')} files, {text_of(node, 'config', 'pattern', 'type') or 'no pattern'}"


def _transform_words(node: Mapping[str, Any]) -> Iterator[str]:
    for op in _list(node.get("ops")):
        yield op_words(op)


def op_words(op: Mapping[str, Any]) -> str:
    """Say what an operation does, such as `cast amount to decimal`."""
    name = text_of(op, "op")
    pattern = _OPS.get(name)
    if pattern is None:
        return f"{name.replace('_', ' ') or 'operation'} {text_of(op, 'field') or _names(op.get('fields'))}".strip()
    words = {key: each if isinstance(each, str) else _names(each) for key, each in op.items()}
    return pattern.format_map(defaultdict(str, words))


def _validate_words(node: Mapping[str, Any]) -> Iterator[str]:
    level = part(node, "datasetLevel")
    for name in level if isinstance(level, Mapping) else ():
        yield f"data set: {_spaced(name)}"
    for rule in _list(node.get("rowLevel")):
        yield f"{text_of(rule, 'field')} {text_of(rule, 'rule')}, else {text_of(rule, 'onFail') or 'quarantine'}"
    if table := text_of(node, "quarantine", "table"):
        yield f"rejects go to {table}"


def _branch_words(node: Mapping[str, Any]) -> Iterator[str]:
    for case in _list(node.get("cases")):
        yield f"{text_of(case, 'id')}: {text_of(case, 'when')}"
    yield f"else {text_of(node, 'default')}" if text_of(node, "default") else "else dropped, and counted"


def _join_words(node: Mapping[str, Any]) -> Iterator[str]:
    yield f"{text_of(node, 'how') or 'inner'} join of {text_of(node, 'left')} and {text_of(node, 'right')}"
    for key in _list(node.get("on")):
        yield f"on {text_of(key, 'left')} = {text_of(key, 'right')}"


def _enrich_words(node: Mapping[str, Any]) -> Iterator[str]:
    yield f"{text_of(node, 'into')} from {text_of(node, 'field')} by {text_of(node, 'provider')}"


def _target_words(node: Mapping[str, Any]) -> Iterator[str]:
    mode = text_of(node, "loadMode")
    yield text_of(node, "schema") or "no table yet"
    yield f"{mode}: {MODES[mode]}" if mode in MODES else mode
    key = node.get("upsertKey")
    yield f"key {key if isinstance(key, str) else _names(key)}" if key else ""


_WORDS: Final = {
    "source": _source_words, "transform": _transform_words, "validate": _validate_words, "branch": _branch_words,
    "join": _join_words, "enrich": _enrich_words, "target": _target_words,
}  # fmt: skip


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _names(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, Sequence) and not isinstance(value, str) else ""


def _spaced(name: Any) -> str:
    return "".join(f" {each.lower()}" if each.isupper() else each for each in str(name))
