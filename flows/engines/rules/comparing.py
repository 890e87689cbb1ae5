"""`gt:`, `gte:`, `lt:`, `lte:`: a number with a number, else a date, a time or a text with its like."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule, RuleKind

_OPERATORS: Final[Mapping[RuleKind, Callable[[Any, Any], Any]]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip


def compares(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a value stands so to the argument; text that is no number does not stand to one at all."""
    if rule.number is not None and subject.family in {"text", "whole", "fraction", "boolean"}:
        return _OPERATORS[rule.kind](subject.number, ibis.literal(rule.number))
    value, argument = subject.beside(rule.argument)
    return _OPERATORS[rule.kind](value, argument)
