"""DuckDB, embedded: the engine that is always there."""
