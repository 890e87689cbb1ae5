"""What became of files in the hands of runs: asked by who started them."""

import uuid
from collections.abc import Collection, Mapping

from django.db.models import Q

from flows.decisions.vocabulary import FileState, RunStatus, TriggerSource
from flows.models import RunFile

OPEN = [state for state in FileState if state.is_open]
UNFINISHED = (RunStatus.PENDING, RunStatus.RUNNING)
# Whose files have been fired for: put back, they are no news.
OF_ARRIVALS = (TriggerSource.FILE_ARRIVAL, TriggerSource.RETRY)


def runs_that_took(pipeline_id: uuid.UUID, identities: Collection[str]) -> Mapping[str, uuid.UUID]:
    """Return by identity the latest run of a pipeline that had that version of a file in its hands."""
    rows = RunFile.objects.across_tenants().filter(pipeline_id=pipeline_id, identity__in=identities)
    return dict(rows.order_by("created_at", "pk").values_list("identity", "run_id"))


def runs_that_put_back(pipeline_id: uuid.UUID, identities: Collection[str]) -> Mapping[str, uuid.UUID]:
    """Return by identity the run of a pipeline that took a file and put it back, as it lies there now.

    Of runs that a file began, and of others as long as they are to begin again: what a person's run leaves behind for
    good is news for a trigger that has not seen it.
    """
    rows = RunFile.objects.across_tenants().filter(
        Q(run__trigger_source__in=OF_ARRIVALS) | Q(run__status__in=UNFINISHED),
        pipeline_id=pipeline_id, identity__in=identities, state=FileState.RESTORED,
    )  # fmt: skip
    return dict(rows.order_by("created_at", "pk").values_list("identity", "run_id"))


def keys_in_hand(pipeline_id: uuid.UUID) -> set[str]:
    """Return the places to which runs of a pipeline are moving files just now."""
    rows = RunFile.objects.across_tenants().filter(
        run__pipeline_id=pipeline_id, run__status__in=UNFINISHED, state__in=OPEN
    )  # fmt: skip
    return set(rows.exclude(final_key="").values_list("final_key", flat=True))
