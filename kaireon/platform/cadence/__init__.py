"""Cadence: when a cron expression is due in a time zone. Pure: the moment to look from is an argument.

Doors: `read_cadence`, `Cadence` with `next`, `latest`, `upcoming` and `shortest_gap`, `CadenceError`.

**Daylight saving.** An expression with a fixed hour is due exactly once on each local day it names: in the repeated
hour at the first pass, in the skipped hour later by the width of the gap (02:30 becomes 03:30). An expression whose
hour field starts with `*` follows elapsed time: it is due at every real instant whose local clock matches. Occurrences
that a gap moves onto one instant are one.
"""

from kaireon.platform.cadence.cron import CadenceError, Cron, parse_cron
from kaireon.platform.cadence.occurrences import Cadence, Occurrence, read_cadence
from kaireon.platform.cadence.zones import load_zone

__all__ = ["Cadence", "CadenceError", "Cron", "Occurrence", "load_zone", "parse_cron", "read_cadence"]
