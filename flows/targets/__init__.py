"""Targets: rows into the tenant's own tables, in the run's own transaction, all or none."""
