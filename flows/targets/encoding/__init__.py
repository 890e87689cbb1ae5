"""Arrow into what PostgreSQL's COPY takes: binary where the types meet, CSV where PostgreSQL itself must read a text.

Doors: `families` (which column fits which), `plans` (how one feed goes into one table).
"""
