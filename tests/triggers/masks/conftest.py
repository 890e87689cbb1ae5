"""Fixtures of mask tests: the inbox of this machine."""

from tests.flows.runs.world import inbox

__all__ = ["inbox"]
