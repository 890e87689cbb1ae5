"""Tests of flows: api."""
