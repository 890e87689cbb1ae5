"""Tenants, their members and API keys; request authentication; row scoping that fails closed.

Doors: `services` (create tenants, users, keys), `selectors`, `scoping` (the query set of every tenant row).
"""
