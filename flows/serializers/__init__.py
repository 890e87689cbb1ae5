"""Wire shapes of flows."""
