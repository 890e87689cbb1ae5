"""Tests of flows: pipelines."""
