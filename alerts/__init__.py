"""Alert rules: thresholds over business metrics, their incidents, and who was told.

Doors: `alerts.services` (do), `alerts.selectors` (ask), `alerts.decisions` (words and rules, pure).
"""
