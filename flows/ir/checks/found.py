"""What a check finds: a place below the piece it looks at, and what is wrong there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flows.ir.problems import Location
from kaireon.platform.cadence import CadenceError, load_zone

Found = Iterator[tuple[Location, str]]
Check = Callable[[Any], Found]


def twice(names: Sequence[str], *, at: Location, key: str | None = None) -> Found:
    """Yield each name of a list that stands there before; `key` is the field of an item that holds it."""
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in first:
            yield (*at, number, *([key] if key else [])), f"{name} stands there twice"
        first.setdefault(name, number)


def zone(name: str | None, *at: str | int) -> Found:
    """Yield a time zone that is none."""
    if name is not None:
        try:
            load_zone(name)
        except CadenceError as error:
            yield at, error.message
