"""`regex:`."""

import ibis.expr.types as ir

from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule


def has_pattern(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a pattern is found anywhere in a value's text."""
    return subject.text.re_search(rule.argument)
