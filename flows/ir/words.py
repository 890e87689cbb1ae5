"""Nodes, operations, schedules and triggers in words, for pages, logs and differences."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from flows.ir import ops
from flows.ir.flowing import ArchiveNode, BranchNode, EnrichNode, JoinNode, TransformNode
from flows.ir.graph import AnyNode
from flows.ir.sources import DateTemplatePattern, Pattern, RegexPattern, SourceNode
from flows.ir.targets import TargetNode
from flows.ir.timing import CronSchedule, FileArrivalTrigger, IntervalSchedule, Schedule
from flows.ir.validation import ValidateNode, as_list
from reports.decisions.cadence_words import say_kept

_UNITS: Final = ((1_440, "day"), (60, "hour"))
_MODES: Final[Mapping[str, str]] = {
    "append": "append to", "truncate": "replace all of", "upsert": "insert into or update", "blue_green": "swap in for",
    "incremental_watermark": "append what is new to", "cdc_mirror": "mirror into",
}  # fmt: skip
_MASKS: Final[Mapping[str, str]] = {
    "full": "hide {0}", "last4": "hide {0} but its last four", "email": "hide the name in {0}",
    "initial": "hide {0} but its first letter", "null": "empty {0}",
}  # fmt: skip
_ASKED: Final[Mapping[str, str]] = {
    "summarize": "summarise {0}", "vector_embed": "embed {0}", "geo_resolve": "locate {0}",
    "sentiment_score": "score the sentiment of {0}", "language_detect": "detect the language of {0}",
}  # fmt: skip


def schedule_in_words(schedule: Schedule | None) -> str:
    """Say when a schedule fires: `At 09:00, Monday through Friday (Europe/Berlin)`; `No schedule` without one."""
    if schedule is None:
        return "No schedule"
    if isinstance(schedule, CronSchedule):
        said = f"{say_kept(schedule.expression)} ({schedule.timezone})"
    elif isinstance(schedule, IntervalSchedule):
        said = f"Every {_span(schedule.minutes)}" + (f", from {schedule.anchor}" if schedule.anchor else "")
    else:
        said = f"{schedule.rule} ({schedule.timezone})"
    return said if schedule.enabled else f"Off: {said}"


def trigger_in_words(trigger: FileArrivalTrigger | None) -> str:
    """Say which file starts a pipeline: `When _ready.json arrives at src`; `No trigger` without one."""
    if trigger is None:
        return "No trigger"
    what = "a file" if trigger.control_file_pattern is None else pattern_in_words(trigger.control_file_pattern)
    late = (
        ""
        if trigger.deadline is None
        else f"; {trigger.deadline.on_miss} after {_span(trigger.deadline.window_minutes, one='1 ')}"
    )
    return f"When {what} arrives at {trigger.source_id}{late}"


def pattern_in_words(pattern: Pattern) -> str:
    """Say which names a pattern means."""
    if isinstance(pattern, RegexPattern):
        return f"a name like /{pattern.value}/"
    return f"{pattern.value} ({pattern.timezone})" if isinstance(pattern, DateTemplatePattern) else pattern.value


def node_in_words(node: AnyNode) -> str:
    """Say in a line what a node does."""
    return _NODES[type(node)](node)


def op_in_words(op: ops.Op) -> str:
    """Say in a line what an operation does."""
    return _OPS[type(op)](op)


def _span(minutes: int, *, one: str = "") -> str:
    size, unit = next(((size, unit) for size, unit in _UNITS if minutes % size == 0), (1, "minute"))
    return f"{one}{unit}" if minutes == size else _many(minutes // size, unit)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _source(node: SourceNode) -> str:
    config = node.config
    return f"Read {config.format} from {node.connector}: {pattern_in_words(config.pattern)} in {config.path}"


def _transform(node: TransformNode) -> str:
    said = _few([op_in_words(op) for op in node.ops])
    return said[:1].upper() + said[1:]


def _target(node: TargetNode) -> str:
    keys = f" by {_few(list(node.upsert_keys))}" if node.load_mode == "upsert" else ""
    said = f"{_MODES[node.load_mode]} {node.table}{keys}"
    return said[:1].upper() + said[1:]


def _validate(node: ValidateNode) -> str:
    level = node.dataset_level
    alone = [rule for rule in (level.row_count, level.schema_match) if rule is not None]
    several = (len(as_list(level.null_rate)), len(as_list(level.uniqueness)), len(as_list(level.freshness)))
    count = len(alone) + sum(several)
    return f"Check {count} of the data set, {len(node.row_level)} of each row"


def _branch(node: BranchNode) -> str:
    ways = [case.id for case in node.cases]
    return f"Part into {_few(ways)}" + ("" if node.default is None else f", else {node.default}")


def _join(node: JoinNode) -> str:
    keys = _few([f"{key.left} = {key.right}" for key in node.on])
    return f"Join {node.left} and {node.right} ({node.how}) where {keys}"


def _cast(op: ops.Cast) -> str:
    size = "" if op.precision is None else f"({op.precision}, {op.scale or 0})"
    return f"turn {op.field} into {op.to}{size}"


def _deduplicate(op: ops.Deduplicate) -> str:
    order = f" by {_few([f'{key.field} {key.direction}' for key in op.order_by])}" if op.order_by else ""
    return f"keep the {op.keep} of each {_few(op.keys)}{order}"


def _measure(measure: ops.Measure) -> str:
    return f"{measure.fn}({measure.field or '*'})"


def _aggregate(op: ops.Aggregate) -> str:
    groups = f" for each {_few(op.group_by)}" if op.group_by else ""
    return f"compute {_few([_measure(measure) for measure in op.measures])}{groups}"


def _external(op: ops.ExternalOp) -> str:
    return f"{_ASKED[getattr(op, 'op', '')].format(op.field)} into {op.into}"


_NODES: Final[Mapping[type, Callable[[Any], str]]] = {
    SourceNode: _source,
    TransformNode: _transform,
    ValidateNode: _validate,
    TargetNode: _target,
    BranchNode: _branch,
    JoinNode: _join,
    EnrichNode: lambda node: f"Ask {node.provider} about {node.field} into {node.into}",
    ArchiveNode: lambda _: "Let rows through; files are archived by their source",
}
_OPS: Final[Mapping[type[ops.Op], Callable[[Any], str]]] = {
    ops.Cast: _cast,
    ops.ExpressionOp: lambda op: f"compute {op.field} = {op.expr}",
    ops.Rename: lambda op: f"rename {op.from_} to {op.to}",
    ops.Drop: lambda op: f"drop {_few(op.fields)}",
    ops.AddField: lambda op: f"add {op.field} = {json.dumps(op.value, ensure_ascii=False)}",
    ops.Hash: lambda op: f"hash {op.field} ({op.algorithm})",
    ops.MaskPii: lambda op: _MASKS[op.strategy].format(op.field),
    ops.MapValues: lambda op: f"replace {_many(len(op.mapping), 'value')} of {op.field}",
    ops.Split: lambda op: f"split {op.field} at {json.dumps(op.separator)} into {_few(op.into)}",
    ops.Merge: lambda op: f"merge {_few(op.fields)} into {op.into}",
    ops.Filter: lambda op: f"keep rows where {op.expr}",
    ops.Deduplicate: _deduplicate,
    ops.Aggregate: _aggregate,
    ops.LookupJoin: lambda op: f"look up {_few(op.fields)} in {op.table}",
    ops.Summarize: _external, ops.VectorEmbed: _external, ops.GeoResolve: _external, ops.SentimentScore: _external,
    ops.LanguageDetect: _external,
}  # fmt: skip
