"""Tests of flows: connectors."""
