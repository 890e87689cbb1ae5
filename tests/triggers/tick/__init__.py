"""Tests of the tick."""
