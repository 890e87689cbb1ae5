"""Fixtures of the composition root's tests."""

from tests.alerts.conftest import pager

__all__ = ["pager"]
