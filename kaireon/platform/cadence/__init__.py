"""Cadence: when a cron expression, a recurrence rule or a fixed interval is due. Pure: the moment is an argument.

Doors: `read_cadence`, `read_recurrence` and `Grid`, each with `next`, `latest`, `upcoming`, `count`, `forecast` and
`shortest_gap`; `CadenceError`.

**Daylight saving.** An expression with a fixed hour, and a recurrence rule, is due exactly once at each local time it
names: in the repeated hour at the first pass, in the skipped hour later by the width of the gap (02:30 becomes 03:30).
An expression whose hour field starts with `*` follows elapsed time: it is due at every real instant whose local clock
matches. Occurrences that a gap moves onto one instant are one. A grid knows no clocks.
"""

from kaireon.platform.cadence.cron import CadenceError, Cron, parse_cron
from kaireon.platform.cadence.grid import Grid
from kaireon.platform.cadence.occurrences import Cadence, Occurrence, read_cadence
from kaireon.platform.cadence.recurrence import Recurrence, never_due, read_recurrence
from kaireon.platform.cadence.rule_words import say_rule
from kaireon.platform.cadence.rules import Rule, parse_rule
from kaireon.platform.cadence.zones import load_zone

__all__ = [
    "Cadence",
    "CadenceError",
    "Cron",
    "Grid",
    "Occurrence",
    "Recurrence",
    "Rule",
    "load_zone",
    "never_due",
    "parse_cron",
    "parse_rule",
    "read_cadence",
    "read_recurrence",
    "say_rule",
]
