"""`length:1..20`."""

import ibis
import ibis.expr.types as ir

from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule


def is_long_enough(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a value's text has so many characters."""
    length = subject.text.length()
    passes = ibis.literal(value=True)
    if rule.least is not None:
        passes = passes & (length >= rule.least)
    return passes if rule.most is None else passes & (length <= rule.most)
