"""The crash test: real publishers killed at every boundary, on the operator's own database and back end."""
