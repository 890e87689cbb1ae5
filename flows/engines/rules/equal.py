"""`eq:`."""

import ibis
import ibis.expr.types as ir

from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule


def is_equal(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether a value is the argument: as a number where the column has numbers, else as it is written."""
    if rule.number is not None and subject.family in {"whole", "fraction"}:
        return subject.value == ibis.literal(rule.number)
    value, argument = subject.beside(rule.argument)
    return value == argument
