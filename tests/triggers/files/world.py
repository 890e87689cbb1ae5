"""The world of file arrival tests: pipelines whose triggers watch an inbox, and what the ledger says of them."""

import copy
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from flows.models import Pipeline, PipelineRun
from flows.services import create_pipeline
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import plain_ir
from triggers.decisions.vocabulary import OccurrenceKind
from triggers.models import FileTrigger, Occurrence, WatchedFolder
from triggers.services.polling import Polled, poll_folders
from triggers.services.releasing_files import release_files
from triggers.services.telling import TickLine

# Files of this machine have its own times, so the tests' clock is close to it.
NOW = datetime.now(UTC).replace(microsecond=0)
_TIMES = count(int(NOW.timestamp()) * 10**9, 1_000)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def trigger_ir(
    *, control: str | None = None, mask: str = "*.csv", config: Any = None, **trigger: Any
) -> dict[str, Any]:
    """Return a pipeline that runs when a file, or its sentinel, comes; nothing is waited for unless said."""
    ir = plain_ir()
    ir["nodes"][0]["config"] |= {"pattern": {"type": "glob", "value": mask}, **(config or {})}
    named = {} if control is None else {"controlFilePattern": {"type": "glob", "value": control}}
    ir["trigger"] = {
        "kind": "file_arrival", "sourceId": "src", "debounceSeconds": 0, "stableSeconds": 0, **named, **trigger,
    }  # fmt: skip
    return ir


def watching(tenant: Tenant, name: str = "Orders", ir: dict[str, Any] | None = None, **values: Any) -> Pipeline:
    """Make a pipeline with a live file-arrival trigger."""
    saved = copy.deepcopy(ir or trigger_ir()) | {"id": slugify(name)}
    return create_pipeline(tenant=tenant, values={"name": name, "ir": saved, **values}, actor=SYSTEM, now=NOW)


def trigger_of(pipeline: Pipeline) -> FileTrigger:
    """Return the trigger's row."""
    return FileTrigger.objects.across_tenants().select_related("folder").get(pipeline=pipeline)


def folders() -> list[tuple[str, str]]:
    """Return the watched folders as store and folder."""
    return sorted(WatchedFolder.objects.across_tenants().values_list("store", "folder"))


def poll(now: datetime = NOW, **values: Any) -> Polled:
    """Poll as a tick from outside does."""
    return poll_folders(now=now, budget=Budget(50), **({"is_eager": True} | values))


def release(now: datetime) -> list[TickLine]:
    """Release as a tick does."""
    return release_files(now=now, budget=Budget(50))


def ledger(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Return the files that the ledger knows, by time and name, with what became of each."""
    rows = Occurrence.objects.across_tenants().filter(pipeline=pipeline, kind=OccurrenceKind.FILE)
    found = rows.order_by("occurrence_at", "pk")
    return [(str(row.detail.get("key", "")).rpartition("/")[2], str(row.outcome)) for row in found]


def rows_of(pipeline: Pipeline) -> list[Occurrence]:
    """Return the rows of a pipeline's files, oldest first."""
    rows = Occurrence.objects.across_tenants().filter(pipeline=pipeline, kind=OccurrenceKind.FILE)
    return list(rows.order_by("occurrence_at", "pk"))


def runs_of(pipeline: Pipeline) -> list[PipelineRun]:
    """Return the runs of a pipeline, oldest first."""
    return list(PipelineRun.objects.across_tenants().filter(pipeline=pipeline).order_by("created_at", "pk"))


def drop(folder: Path, *names: str, text: str = "id,amount\n1,2\n") -> None:
    """Drop files into a folder, whole: written elsewhere and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        half = folder.parent / f"half-{uuid.uuid4().hex}"
        half.write_text(text)
        # Written at NOW, however long the suite has been running since.
        os.utime(half, ns=(next(_TIMES),) * 2)
        half.rename(folder / name)


def names_of(lines: Sequence[TickLine]) -> list[tuple[bool, int]]:
    """Return whether each line fired, with its status."""
    return [(line.fired, line.status) for line in lines]
