"""Keep failures apart: one trigger's, folder's or file's stops no other's, unless the database is gone."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from django.db import connection

logger = logging.getLogger(__name__)

# What failed gives way to all others for so long, else it would stand first for ever.
PUT_OFF: Final = timedelta(minutes=1)
WORDS: Final = "it failed ({error}) and is tried again; the log says more"

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Isolated:
    """What became of a block: the kind of the error that ended it, or nothing."""

    error: str = ""

    @property
    def words(self) -> str:
        """Return the failure for whoever waits for it; what the error says is for the log."""
        return WORDS.format(error=self.error)


@contextmanager
def isolated(event: str, **whose: object) -> Iterator[Isolated]:
    """Log what fails in the block and go on after it; raise when it is the database itself that is gone.

    Not inside a transaction: the block's own have to be rolled back when it ends.
    """
    block = Isolated()
    try:
        yield block
    except Exception as error:
        if not connection.is_usable():
            raise
        fields = {"event": event, **{name: str(value) for name, value in whose.items()}}
        logger.exception("one of many failed", extra=fields)
        block.error = type(error).__name__


def all_or_each(
    event: str, items: Sequence[_Item], work: Callable[[Sequence[_Item]], _Result]
) -> tuple[list[_Result], list[_Item]]:
    """Do a work for all at once, or for each by itself if that fails; return what came of it, and those who failed."""
    with isolated(event, many=len(items)):
        return [work(items)], []
    results: list[_Result] = []
    failed = list(items) if len(items) == 1 else []
    for item in items if len(items) > 1 else []:
        with isolated(event) as block:
            results.append(work([item]))
        if block.error:
            failed.append(item)
    return results, failed
