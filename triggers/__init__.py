"""Triggers: when a pipeline runs. The Flow Scheduler, its ledger of occurrences, file arrival, deadlines.

Doors: `triggers.services` (tick, arrivals, backfill, secrets, deadlines), `triggers.selectors` (status, occurrences,
forecasts), `triggers.decisions` (due rules, masks, words). What runs is the flows area's; this one starts it.
"""
