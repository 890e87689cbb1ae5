"""Fixtures of run tests."""

from tests.flows.runs.world import inbox

__all__ = ["inbox"]
