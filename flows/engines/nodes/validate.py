"""A validate node: the data set first, then each row."""

from collections.abc import Iterator, Sequence
from typing import Any

from flows.engines.base import Finding
from flows.engines.rows import Rows
from flows.engines.rules import fails
from flows.engines.rules.subject import Subject
from flows.engines.validators import REGISTRY
from flows.engines.work import Work
from flows.ir.rules import read_rule
from flows.ir.validation import RowRule, ValidateNode, as_list


def compile_validate(node: ValidateNode, inputs: Sequence[Rows], work: Work) -> Rows:
    """Compile the node: rules apply in their order, and one that rejected a row keeps it from those after."""
    (rows,) = inputs
    work.table = node.quarantine.table if node.quarantine else None
    rows = _look_at_all(node, rows, work)
    for rule in node.row_level:
        work.op_name = rule.id
        rows = _apply(rule, rows, work)
    work.op_name, work.table = "", None
    return rows


def _look_at_all(node: ValidateNode, rows: Rows, work: Work) -> Rows:
    """Look at the data set. Raises EngineError for the first validator that aborts."""
    for name, validator in () if work.is_dry else _validators(node):
        if not rows.is_kept or rows.rejections:
            rows = work.keep(work.settle(rows))
        work.op_name = name
        message = REGISTRY[name](validator, rows, work)
        if message is None:
            continue
        if validator.on_fail == "abort":
            raise work.error(message)
        work.findings.append(Finding(node.id, name, f"{work.place}: {message}"))
    return rows


def _validators(node: ValidateNode) -> Iterator[tuple[str, Any]]:
    for name in REGISTRY:
        for validator in as_list(getattr(node.dataset_level, name)):
            yield name, validator


def _apply(rule: RowRule, rows: Rows, work: Work) -> Rows:
    work.column(rows, rule.field)
    if rule.on_fail == "warn" and work.is_dry:
        return rows
    if rule.on_fail == "warn":
        return _warn(rule, work.keep(rows), work)
    rows = work.where(rows)
    bad = fails(read_rule(rule.rule), Subject(rows, rule.field, work))
    if rule.on_fail == "quarantine":
        return work.reject(rows, bad, column=rule.field, error=f"breaks {rule.rule}", rule_id=rule.id)
    return work.check_that(rows, ~bad, field=rule.field, what=f", which breaks {rule.rule}")


def _warn(rule: RowRule, rows: Rows, work: Work) -> Rows:
    bad = fails(read_rule(rule.rule), Subject(rows, rule.field, work)) & rows.is_accepted
    count = work.figures(rows, n=bad.sum())["n"]
    if count:
        message = f"{work.place}: {rule.field} breaks {rule.rule} in {count:,} rows"
        work.findings.append(Finding(work.node_id, rule.id, message, rows=int(count)))
    return rows
