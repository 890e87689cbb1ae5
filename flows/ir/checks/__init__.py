"""What the shape of a document cannot say: whether expressions, rules, cadences, patterns and formats can be."""

from flows.ir.checks.meaning import problems_of_meaning
from flows.ir.checks.wiring import problems_of_wiring

__all__ = ["problems_of_meaning", "problems_of_wiring"]
