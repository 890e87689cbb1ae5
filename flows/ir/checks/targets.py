"""Whether targets and validators mean something: what a load mode needs, hooks, rules."""

import re
from collections.abc import Mapping
from typing import Final

from flows.ir.checks.found import Check, Found, twice
from flows.ir.rules import RuleRefused, read_rule
from flows.ir.targets import TargetNode, WebhookHook
from flows.ir.validation import DatasetLevel, RowCount, RowRule, SchemaMatch, Uniqueness, ValidateNode


def _target(node: TargetNode) -> Found:
    if node.load_mode == "upsert" and not node.upsert_keys:
        yield ("upsertKey",), "is missing: upsert needs the columns that name a row"
    if node.load_mode == "incremental_watermark" and node.watermark_column is None:
        yield ("watermarkColumn",), "is missing: incremental_watermark needs the column that grows"
    if isinstance(node.pre_hook, WebhookHook):
        yield ("preHook", "type"), "must not be webhook: it tells what has been done, so it can only be the postHook"
    if isinstance(node.upsert_key, list):
        yield from twice(node.upsert_key, at=("upsertKey",))


def _webhook(hook: WebhookHook) -> Found:
    if not re.fullmatch(r"https?://[^\s/?#@]+([/?#]\S*)?", hook.url):
        yield ("url",), "must be an address that begins with https://, without spaces or a user name"


def _row_count(rule: RowCount) -> Found:
    if rule.min is None and rule.max is None:
        yield (), "needs min or max"
    elif rule.min is not None and rule.max is not None and rule.max < rule.min:
        yield ("max",), "must not be less than min"


def _uniqueness(rule: Uniqueness) -> Found:
    yield from twice(rule.fields, at=("fields",))


def _schema_match(rule: SchemaMatch) -> Found:
    yield from twice([column.name for column in rule.columns], at=("columns",), key="name")


def _dataset(level: DatasetLevel) -> Found:
    for key, given in (("nullRate", level.null_rate), ("freshness", level.freshness)):
        if isinstance(given, list):
            yield from twice([item.field for item in given], at=(key,), key="field")


def _row_rule(rule: RowRule) -> Found:
    try:
        read_rule(rule.rule)
    except RuleRefused as error:
        yield ("rule",), error.message


def _validate(node: ValidateNode) -> Found:
    yield from twice([rule.id for rule in node.row_level], at=("rowLevel",), key="id")


CHECKS: Final[Mapping[type, Check]] = {
    TargetNode: _target, WebhookHook: _webhook, RowCount: _row_count, Uniqueness: _uniqueness,
    SchemaMatch: _schema_match, DatasetLevel: _dataset, RowRule: _row_rule, ValidateNode: _validate,
}  # fmt: skip
