"""How files are read: each format into a relation of a DuckDB session, unreadable rows apart with their lines."""
