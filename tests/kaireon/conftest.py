"""Fixtures of the composition root's tests."""

from tests.alerts.conftest import pager
from tests.notifications.conftest import receiver

__all__ = ["pager", "receiver"]
