"""Narration: the words of a report, by a language model where one is set up, else by the deterministic narrator.

Doors: `narrate`, `AiSettings` and `read_settings`, `Wish`, `Caps`, `UsageLedger`. A model writes sentences with slots,
and `reports.decisions.narrative` refuses every text that holds a figure of its own, so no number is ever a model's.
Whatever fails, a narrative comes back: the deterministic one, and `reason` says why.
"""

from reports.decisions.narrative.plain import narrate_plainly
from reports.decisions.narrative.spending import Caps, Spending, Usage
from reports.narration.ledger import NoLedger, UsageLedger
from reports.narration.narrating import Wish, narrate
from reports.narration.settings import AiSettings, read_settings

__all__ = [
    "AiSettings",
    "Caps",
    "NoLedger",
    "Spending",
    "Usage",
    "UsageLedger",
    "Wish",
    "narrate",
    "narrate_plainly",
    "read_settings",
]
