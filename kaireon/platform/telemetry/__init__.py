"""What the process says about itself: JSON logs, request and error ids, Prometheus metrics, the two probes.

Doors: `services` (error ids, request ids), `selectors` (the current request id), `decisions` (what may be written
down), `metrics` (where every area defines its counters and gauges).
"""
