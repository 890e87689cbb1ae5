"""Tests of cadence: expressions, rules and grids."""
