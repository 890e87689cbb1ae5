"""Fixtures of tick tests: a folder that a file trigger watches."""

from tests.flows.runs.world import inbox

__all__ = ["inbox"]
