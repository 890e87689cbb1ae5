"""The API of flows."""
