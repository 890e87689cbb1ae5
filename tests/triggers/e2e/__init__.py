"""Triggers end to end: real stores, whole ticks."""
