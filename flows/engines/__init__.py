"""Engines: the IR compiled to one Ibis expression, run by DuckDB in the process or by Spark."""
