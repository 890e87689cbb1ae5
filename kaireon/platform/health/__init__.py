"""System health: what needs a person now, for everyone in a tenant or for one of them.

Doors: `services` (raise_alert, raise_many, resolve), `selectors` (what is open, what somebody has not read),
`decisions` (severities and sources).
"""
