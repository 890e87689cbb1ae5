"""Data that benchmarks and plan tests read."""
