"""The list of data sources: a source is its params, a label and a reader; others register theirs through wiring."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reports.decisions.document import Chart, Column, Figure, Rows
from reports.decisions.periods import Stretch
from reports.sources.params import Params, defaults_of
from reports.sources.spool import Spool


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom and until when a source reads: `now` ends the period, days are calendar days of `zone`.

    A source reads inside one transaction and hands its rows to the spool before it ends.
    """

    tenant_id: uuid.UUID
    now: datetime
    zone: str
    spool: Spool


@dataclass(frozen=True, slots=True)
class Table:
    """What a source answers with: a section without its title. `covers` is the stretch of time that it tells of."""

    columns: tuple[Column, ...]
    rows: Rows
    figures: tuple[Figure, ...] = ()
    chart: Chart | None = None
    note: str = ""
    covers: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A data source. `read` gets params that have been checked."""

    key: str
    label: str
    description: str
    params: type[Params]
    read: Callable[[Any, Scope], Table]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A source as an editor shows it; `defaults` lacks the params that must be given."""

    key: str
    label: str
    description: str
    params_schema: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


_registry: dict[str, Source] = {}


def register(source: Source) -> None:
    """Add a source to the list; raise ValueError when another one has the key. The same one again changes nothing."""
    if _registry.get(source.key, source) != source:
        raise ValueError(f"A data source {source.key!r} is registered already.")
    _registry[source.key] = source


def find_source(key: str) -> Source | None:
    """Return the source of this key, or None."""
    return _registry.get(key)


def source_list() -> list[SourceInfo]:
    """Return every source, in the order of registration."""
    return [
        SourceInfo(
            each.key, each.label, each.description, each.params.model_json_schema(), defaults_of(each.params)
        )
        for each in _registry.values()
    ]  # fmt: skip
