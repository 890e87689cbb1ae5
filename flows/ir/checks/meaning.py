"""Every check of a piece by itself, by the kind of the piece."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from flows.ir.base import IrModel
from flows.ir.checks import ops, sources, targets, timing
from flows.ir.checks.found import Check, Found
from flows.ir.pipeline import Metadata
from flows.ir.problems import Location


def _metadata(metadata: Metadata) -> Found:
    if not metadata.name.strip():
        yield ("name",), "must not be blank"


_CHECKS: Final[Mapping[type, Check]] = {
    Metadata: _metadata, **ops.CHECKS, **sources.CHECKS, **targets.CHECKS, **timing.CHECKS,
}  # fmt: skip


def problems_of_meaning(pieces: Iterable[tuple[Location, IrModel]]) -> Iterator[tuple[Location, str]]:
    """Yield where and what is wrong in each piece that reads well."""
    for at, piece in pieces:
        if check := _CHECKS.get(type(piece)):
            for location, message in check(piece):
                yield (*at, *location), message
