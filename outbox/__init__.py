"""The outbox: events that commit with what they tell about, and the tier that publishes them.

It owns the tables `outbox_*`, the publisher tier, its back ends, the reaper and the dead letters.
Doors: `outbox.services` (do), `outbox.selectors` (ask), `outbox.decisions` (words and rules, pure).
"""
