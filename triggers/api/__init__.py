"""REST interfaces of triggers."""
