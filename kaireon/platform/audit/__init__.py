"""Who changed what: one chain of entries per tenant, in which a changed, removed or inserted entry shows.

Doors: `services` (record), `selectors` (list, verify, export), `decisions` (the arithmetic of the chain).
"""
