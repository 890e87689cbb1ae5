"""Forms of flows."""
