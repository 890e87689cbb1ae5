"""What happened: interactions, decision traces, the catalogue they refer to, and the business metrics over them.

Doors: `selectors.read_metrics` and `selectors.read_series` answer metrics, `metrics.register` adds one,
`services` import and generate history.
"""
