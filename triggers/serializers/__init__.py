"""Wire shapes of triggers."""
