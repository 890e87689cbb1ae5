"""Refuse masks that overlap: one file would fire two pipelines, and neither says so (settled 33).

Compared are the live pipelines of one tenant that watch one folder of one store, through whatever connector; paused
ones too, for a resume shall surprise nobody.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import connection

from flows.decisions.connector_types import Errors
from flows.ir.pipeline import PipelineIR
from flows.selectors.live import LivePipeline
from flows.services.placing import Place, place_of
from flows.storage.base import StorageError
from flows.storage.patterns import AnyPattern, PatternRefused
from kaireon.platform.budget import Budget
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.masks import Comparison, Meeting, compare_masks
from triggers.decisions.vocabulary import TriggerState
from triggers.models import FileTrigger
from triggers.services.matching import read_pattern

WITH_EXAMPLE: Final = "The mask overlaps with that of the pipeline {name}: both take {example}."
SAME: Final = "The pipeline {name} watches the same folder with the same mask."
TOO_HARD: Final = "The masks of all who watch the folder take too long to compare with this one; make it simpler."
HOW: Final = " Make them disjoint, or set trigger.allowOverlap, and each fires once for such a file."
DOUBT: Final = "Whether the mask overlaps with that of the pipeline {name} cannot be decided; such a file fires both."
OWN: Final = "The source's own files fit this mask too, such as {example}: one would fire the run and not be loaded."
MOST_DOUBTS: Final = 20
# A thousand pairs of sensible masks take this long; five hundred stars in each of them take longer.
LONGEST_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Mask:
    """A mask that an IR would watch with, where, and as whose."""

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID | None
    pattern: AnyPattern
    place: Place


def check_masks(
    tenant: Tenant, ir: PipelineIR, *, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> Errors:
    """Return that the mask of an IR's trigger overlaps with another pipeline's, with a name that both match.

    Within a transaction, the folder's masks stay as they are until it ends: of two saves at once one sees the other.
    """
    if ir.trigger is None or ir.trigger.allow_overlap:
        return {}
    mask = _mask_of(tenant, ir, pipeline_id, connector_id)
    if mask is None:
        return {}
    if connection.in_atomic_block:
        xact_lock(lock_key("triggers.masks", tenant.pk, mask.place.store, mask.place.folder))
    budget = Budget(LONGEST_SECONDS)
    for name, compared in _meetings(mask, budget):
        if compared.meeting is Meeting.OVERLAP:
            text = WITH_EXAMPLE if compared.example else SAME
            return {_path(ir): [text.format(name=name, example=compared.example) + HOW]}
    return {_path(ir): [TOO_HARD]} if budget.is_spent else {}


def warn_of_masks(
    tenant: Tenant, ir: PipelineIR, *, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> Errors:
    """Return whose masks may overlap with that of an IR's trigger, and that its sentinel fits its own data files."""
    mask = _mask_of(tenant, ir, pipeline_id, connector_id)
    if mask is None:
        return {}
    met = _meetings(mask, Budget(LONGEST_SECONDS))
    doubts = [name for name, compared in met if compared.meeting is Meeting.UNKNOWN]
    texts = [DOUBT.format(name=name) for name in doubts[:MOST_DOUBTS]] + list(_own_doubt(ir))
    return {_path(ir): texts} if texts else {}


def _mask_of(
    tenant: Tenant, ir: PipelineIR, pipeline_id: uuid.UUID | None, connector_id: uuid.UUID | None
) -> _Mask | None:
    # As if it were saved already: where a source lies hangs on no time.
    live = LivePipeline(
        tenant_id=tenant.pk, pipeline_id=pipeline_id or new_id(), name="", created_at=tenant.created_at,
        last_run_at=None, paused_at=None, connector_id=connector_id, version=None, ir=ir,
    )  # fmt: skip
    if live.trigger is None or live.watched is None:
        return None
    try:
        place = place_of(live)
    except StorageError:
        # Refused with its own words, or parked: then it watches nothing.
        return None
    pattern = live.trigger.control_file_pattern or live.watched.config.pattern
    return _Mask(tenant.pk, pipeline_id, pattern, place)


def _meetings(mask: _Mask, budget: Budget) -> Iterator[tuple[str, Comparison]]:
    """Yield the pipelines whose masks of the same folder overlap or may, oldest first, while there is time."""
    rows = FileTrigger.objects.for_tenant(mask.tenant_id).filter(
        folder__tenant_id=mask.tenant_id, folder__store=mask.place.store, folder__folder=mask.place.folder
    )
    watching = list(rows.exclude(state=TriggerState.OFF).select_related("pipeline").order_by("created_at", "pk"))
    own = next((row for row in watching if row.pipeline_id == mask.pipeline_id), None)
    for row in watching:
        pattern = _pattern_of(row)
        if row is own or pattern is None or _is_settled(own, row, mask):
            continue
        if budget.is_spent:
            return
        compared = compare_masks(mask.pattern, pattern)
        if compared.meeting is not Meeting.APART:
            yield row.pipeline.name, compared


def _is_settled(own: FileTrigger | None, other: FileTrigger, mask: _Mask) -> bool:
    """Tell whether the other came later and insisted: then this one, unchanged, is saved as before."""
    return own is not None and other.allow_overlap and _pattern_of(own) == mask.pattern


def _pattern_of(row: FileTrigger) -> AnyPattern | None:
    """Return a trigger's mask; None for what cannot be read, which matches nothing."""
    try:
        return read_pattern(row.pattern)
    except PatternRefused:
        return None


def _own_doubt(ir: PipelineIR) -> Iterator[str]:
    trigger = ir.trigger
    source = next((node for node in ir.nodes if trigger is not None and node.id == trigger.source_id), None)
    data = getattr(getattr(source, "config", None), "pattern", None)
    if trigger is None or trigger.control_file_pattern is None or data is None:
        return
    compared = compare_masks(trigger.control_file_pattern, data)
    if compared.meeting is Meeting.OVERLAP:
        yield OWN.format(example=compared.example or "any")


def _path(ir: PipelineIR) -> str:
    is_control = ir.trigger is not None and ir.trigger.control_file_pattern is not None
    return "trigger.controlFilePattern" if is_control else "trigger"
