"""Where it is written down what narratives cost."""

from datetime import datetime
from typing import Protocol

from reports.decisions.narrative.spending import Spending, Usage


class UsageLedger(Protocol):
    """A tenant's account of tokens and dollars. Each call to a model is recorded, refused texts too."""

    def used(self, now: datetime) -> Usage:
        """Return what is spent since midnight and since the first of the month, both UTC."""

    def record(self, spending: Spending, now: datetime) -> None:
        """Add what one call to a model has cost."""


class NoLedger:
    """Remembers nothing: the caps then hold for each narrative by itself."""

    def used(self, now: datetime) -> Usage:
        """Return nothing spent."""
        return Usage()

    def record(self, spending: Spending, now: datetime) -> None:
        """Forget it."""
