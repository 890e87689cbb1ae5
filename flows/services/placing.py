"""Where a live pipeline's watched source lies, and its store, opened.

What needs the database (connectors, the vault) and what needs the network stand apart: listings run in threads that
have no business with the database, and never inside a transaction.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flows.ir.sources import Atomicity, StoreKind
from flows.models import Pipeline
from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.connecting import Access, Reader, access_through, connectors_of, path_through
from flows.storage.base import StorageError
from flows.storage.opening import OpenedStore, open_store, refusal_of
from flows.storage.places import find_place
from kaireon.platform.tenancy.models import Tenant

NOTHING_WATCHED = "The pipeline has no live version whose trigger names a source."


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a store: `store` as the store names itself, `folder` as in the keys of its files."""

    kind: str
    store: str
    folder: str
    connector_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class WatchAccess:
    """What opens the store of a watched source: all that the database knows of it."""

    access: Access
    tenant: str
    atomicity: Atomicity


def place_of(live: LivePipeline) -> Place:
    """Return where the source lies that the trigger of a pipeline watches; no network. Raises StorageError."""
    source = live.watched
    if source is None:
        raise StorageError(live.problem or NOTHING_WATCHED)
    if refusal := refusal_of(source.connector):
        raise StorageError(refusal)
    (connector,) = connectors_of([Reader(live.tenant_id, source, live.connector_id)])
    if isinstance(connector, StorageError):
        raise connector
    path, config = path_through(connector, source)
    slug = _slugs({live.tenant_id}).get(live.tenant_id, "")
    found = find_place(kind=source.connector, path=path, config=config, tenant=slug)
    return Place(source.connector, found.store, found.folder, None if connector is None else connector.pk)


def access_to_watched(pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, WatchAccess | StorageError]:
    """Return by pipeline what opens the store of its watched source, or why nothing does; from the database only.

    Pipelines that are gone are left out.
    """
    lives = live_pipelines(pipeline_ids)
    slugs = _slugs({live.tenant_id for live in lives})
    watched = [(live, live.watched) for live in lives]
    found: dict[uuid.UUID, WatchAccess | StorageError] = {
        live.pipeline_id: StorageError(live.problem or NOTHING_WATCHED) for live, source in watched if source is None
    }
    readers = {
        live.pipeline_id: Reader(live.tenant_id, source, live.connector_id) for live, source in watched if source
    }
    for (pipeline_id, reader), connector in zip(readers.items(), connectors_of([*readers.values()]), strict=True):
        try:
            if isinstance(connector, StorageError):
                raise connector
            access = access_through(connector, reader.source)
            found[pipeline_id] = WatchAccess(access, slugs[reader.tenant_id], reader.source.config.atomicity)
        except StorageError as error:
            found[pipeline_id] = error
    return found


@contextmanager
def opened_watched(watch: WatchAccess) -> Iterator[OpenedStore]:
    """Open a store for the length of a block, over the network and without the database. Raises StorageError."""
    access = watch.access
    opened = open_store(
        kind=cast("StoreKind", access.kind), path=access.path, config=access.config, secret=access.secret,
        tenant=watch.tenant,
    )  # fmt: skip
    try:
        yield opened
    finally:
        opened.store.close()


@contextmanager
def open_watched(pipeline_id: uuid.UUID) -> Iterator[OpenedStore]:
    """Open the store of a pipeline's watched source for the length of a block. Raises StorageError."""
    watch = access_to_watched([pipeline_id]).get(pipeline_id, StorageError(NOTHING_WATCHED))
    if isinstance(watch, StorageError):
        raise watch
    with opened_watched(watch) as opened:
        yield opened


def lock_pipelines(pipeline_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Lock pipelines, in the order of their ids, until the caller's transaction ends; return those that are there.

    Whoever saves a pipeline locks it first, and then what follows from it. Who starts runs from what follows takes
    the same order with this, or the two would wait for each other.
    """
    rows = Pipeline.objects.across_tenants().filter(pk__in=pipeline_ids)
    return set(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def _slugs(tenant_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    return dict(Tenant.objects.filter(pk__in=tenant_ids).values_list("pk", "slug"))
