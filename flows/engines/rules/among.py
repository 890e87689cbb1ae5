"""`in:a,b`."""

from dataclasses import replace

import ibis.expr.types as ir

from flows.engines.rules.equal import is_equal
from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule, read_rule


def is_among(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a value is one of the arguments."""
    if subject.family not in {"whole", "fraction", "date", "timestamp", "time"}:
        return subject.text.isin(list(rule.values))
    first, *others = (
        is_equal(replace(read_rule(f"eq:{value or ' '}"), argument=value), subject) for value in rule.values
    )
    for other in others:
        first = first | other
    return first
