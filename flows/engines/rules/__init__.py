"""Row rules: one file for each kind, one line each in the registry.

A rule is a function of the rule as it was read and of a `Subject`: it returns whether a value passes. Null passes every
rule but `not_null`; that is seen to here.
"""

from collections.abc import Callable, Mapping
from typing import Final

import ibis.expr.types as ir

from flows.engines.rules.among import is_among
from flows.engines.rules.comparing import compares
from flows.engines.rules.equal import is_equal
from flows.engines.rules.length import is_long_enough
from flows.engines.rules.pattern import has_pattern
from flows.engines.rules.present import is_present
from flows.engines.rules.subject import Subject
from flows.engines.values import is_true
from flows.ir.rules import Rule, RuleKind

REGISTRY: Final[Mapping[RuleKind, Callable[[Rule, Subject], ir.BooleanValue]]] = {
    "not_null": is_present,
    "gt": compares,
    "gte": compares,
    "lt": compares,
    "lte": compares,
    "eq": is_equal,
    "in": is_among,
    "regex": has_pattern,
    "length": is_long_enough,
}


def fails(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a value breaks a rule; never null."""
    passes = REGISTRY[rule.kind](rule, subject)
    if rule.kind == "not_null":
        return ~passes
    return subject.value.notnull() & ~is_true(passes)
