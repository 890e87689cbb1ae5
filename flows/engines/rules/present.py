"""`not_null`."""

import ibis.expr.types as ir

from flows.engines.rules.subject import Subject
from flows.ir.rules import Rule


def is_present(rule: Rule, subject: Subject) -> ir.BooleanValue:
    """Return whether there is a value."""
    return subject.value.notnull()
