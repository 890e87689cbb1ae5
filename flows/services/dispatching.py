"""The one way in which a run comes to be: by hand, by the API, by a schedule, by a file, or as a retry."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction

from flows.decisions.runs import NotBegun, time_limit_of
from flows.decisions.vocabulary import Overlap, TriggerSource
from flows.executors import hand_on
from flows.models import Pipeline, PipelineRun
from flows.services.dispatch_rows import (
    STANDS_ALONE,
    Renewed,
    insert_runs,
    lock_pipelines,
    lock_waiting,
    note_begun,
    read_tries,
    read_unfinished,
    renew_waiting,
)
from kaireon.platform.errors import Conflict, DomainError, NotFound
from kaireon.platform.ids import new_id

LONGEST_NAME: Final = 254
# A schedule and a trigger stand still while the pipeline is paused; a person may run it all the same.
STAND_STILL: Final = frozenset({TriggerSource.SCHEDULE, TriggerSource.FILE_ARRIVAL})
NOT_PUBLISHED: Final = "The pipeline has no live version yet; publish one first."


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The run that begins, or stands for what was asked; None and the reason when none does.

    `problem` is the code of what refused it, such as `NOT_PUBLISHED`; empty where no run was to begin.
    """

    run_id: uuid.UUID | None
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that is asked for; see `dispatch_run`. One that does not coalesce keeps a run of its own."""

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    trigger_source: TriggerSource
    requested_by: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    overlap: Overlap = Overlap.QUEUE
    coalesces: bool = True
    version: int | None = None
    not_before: datetime | None = None
    retry_of: PipelineRun | None = None

    @property
    def may_coalesce(self) -> bool:
        """Tell whether a scheduled run that waits stands for this one too."""
        is_scheduled = self.trigger_source is TriggerSource.SCHEDULE
        return self.coalesces and is_scheduled and self.overlap is Overlap.QUEUE


def dispatch_run(
    *, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, trigger_source: TriggerSource | str, requested_by: str,
    now: datetime, parameters: Mapping[str, Any] | None = None, version: int | None = None,
    retry_of: PipelineRun | None = None, overlap: Overlap | str = Overlap.QUEUE, not_before: datetime | None = None,
) -> Dispatched:  # fmt: skip
    """Write a pending run with the caller's transaction; a worker takes it after the commit.

    It locks the pipeline's row, so a caller with several pipelines uses `dispatch_runs`. `version` defaults to the
    live one. `parameters` are what the trigger knew: `occurrenceAt`, `controlFile {nodeId, key}`. With overlap `skip`
    no run begins while another waits or is under way; with `queue` scheduled runs that wait are one. Raises NotFound,
    Conflict without a live version, RuntimeError outside a transaction.
    """
    request = RunRequest(
        tenant_id=tenant_id, pipeline_id=pipeline_id, trigger_source=TriggerSource(trigger_source),
        requested_by=requested_by, parameters=dict(parameters or {}), overlap=Overlap(overlap), version=version,
        not_before=not_before, retry_of=retry_of,
    )  # fmt: skip
    (answer,) = _dispatch([request], now)
    if isinstance(answer, DomainError):
        raise answer
    return answer


def dispatch_runs(
    requests: Sequence[RunRequest], *, now: datetime, locked: Mapping[uuid.UUID, Pipeline] | None = None
) -> list[Dispatched]:
    """Write a pending run for each request, in their order, as `dispatch_run` does; return what became of each.

    The number of statements does not depend on the number of requests. Pipelines are locked by the order of their
    ids, unless the caller hands over all of them `locked`, by id, as they were read under their locks. A request that
    cannot be has a `problem`, and keeps no other from its run. Raises RuntimeError outside a transaction.
    """
    answers = _dispatch(requests, now, locked)
    return [
        Dispatched(None, answer.message, answer.code) if isinstance(answer, DomainError) else answer
        for answer in answers
    ]


def _dispatch(
    requests: Sequence[RunRequest], now: datetime, locked: Mapping[uuid.UUID, Pipeline] | None = None
) -> list[Dispatched | DomainError]:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a run is dispatched in the transaction of what asked for it")
    if not requests:
        return []
    asked_of = [(each.tenant_id, each.pipeline_id) for each in requests]
    batch = _Batch(requests, lock_pipelines(asked_of) if locked is None else locked)
    # Runs of one moment are claimed by their ids: in the order in which they were asked for.
    ids = sorted(new_id() for _ in requests)
    answers = [batch.answer(request, run_id, now) for request, run_id in zip(requests, ids, strict=True)]
    batch.write(now)
    return answers


class _Batch:
    """What the requests find, each with what those before it have changed; written at the end."""

    def __init__(self, requests: Sequence[RunRequest], pipelines: Mapping[uuid.UUID, Pipeline]) -> None:
        self.pipelines = pipelines
        # Each a statement of its own after the lock: under READ COMMITTED it sees what the lock's last holder wrote.
        numbers = {(each.pipeline_id, number) for each in requests if (number := self._number_of(each)) is not None}
        self.tries = read_tries(numbers)
        self.unfinished = read_unfinished({each.pipeline_id for each in requests if each.overlap is Overlap.SKIP})
        self.waiting = lock_waiting({each.pipeline_id for each in requests if each.may_coalesce})
        self.new: dict[uuid.UUID, PipelineRun] = {}
        self.renewed: dict[uuid.UUID, Renewed] = {}

    def answer(self, request: RunRequest, run_id: uuid.UUID, now: datetime) -> Dispatched | DomainError:
        """Decide what becomes of a request; a run that begins has this id."""
        pipeline = self._pipeline_of(request)
        if pipeline is None:
            return NotFound(f"There is no pipeline {request.pipeline_id}.")
        if pipeline.paused_at is not None and request.trigger_source in STAND_STILL:
            return Dispatched(None, NotBegun.PAUSED)
        number = self._number_of(request)
        if number is None:
            return Conflict(NOT_PUBLISHED, code="NOT_PUBLISHED")
        if (request.pipeline_id, number) not in self.tries:
            return NotFound(f"The pipeline has no version {number}.")
        if (instead := self._instead(request, number)) is not None:
            return instead
        self._begin(request, run_id, pipeline, number, now)
        return Dispatched(run_id)

    def write(self, now: datetime) -> None:
        """Write the new runs and what waiting ones do now instead."""
        renew_waiting(self.renewed)
        insert_runs(self.new.values())
        # A backfill is of the past: it does not move what the due rule counts from.
        counting = {run.pipeline_id for run in self.new.values() if run.trigger_source != TriggerSource.BACKFILL}
        note_begun({run.pipeline_id for run in self.new.values()}, counting=counting, now=now)
        for run_id in self.new:
            transaction.on_commit(partial(hand_on, run_id), robust=True)

    def _pipeline_of(self, request: RunRequest) -> Pipeline | None:
        pipeline = self.pipelines.get(request.pipeline_id)
        return pipeline if pipeline is not None and pipeline.tenant_id == request.tenant_id else None

    def _number_of(self, request: RunRequest) -> int | None:
        pipeline = self._pipeline_of(request)
        return pipeline.live_version if pipeline is not None and request.version is None else request.version

    def _instead(self, request: RunRequest, number: int) -> Dispatched | None:
        """Return what stands for the run that was asked for, or None when it is to begin."""
        if request.overlap is Overlap.SKIP and request.pipeline_id in self.unfinished:
            return Dispatched(None, NotBegun.OVERLAP)
        waiting = self.waiting.get(request.pipeline_id) if request.may_coalesce else None
        if waiting is None:
            return None
        # It runs what is live now, for the latest occurrence.
        if (run := self.new.get(waiting)) is not None:
            _renew(run, request, number)
        elif (renewed := self.renewed.get(waiting)) is None or not _is_older(request.parameters, renewed.parameters):
            self.renewed[waiting] = Renewed(request.parameters, number)
        return Dispatched(waiting, NotBegun.COALESCED)

    def _begin(self, request: RunRequest, run_id: uuid.UUID, pipeline: Pipeline, number: int, now: datetime) -> None:
        stands_alone = {} if request.coalesces else {STANDS_ALONE: True}
        run = PipelineRun(
            id=run_id, tenant_id=pipeline.tenant_id, pipeline_id=pipeline.pk, ir_version=number,
            trigger_source=request.trigger_source, requested_by=request.requested_by[:LONGEST_NAME],
            parameters=dict(request.parameters), overlap=request.overlap, retry_of=request.retry_of, created_at=now,
            not_before=request.not_before or now, max_attempts=self.tries[pipeline.pk, number],
            time_limit_seconds=time_limit_of(pipeline.execution_config),
            metadata={"irVersion": number, **stands_alone},
        )  # fmt: skip
        self.new[run.pk] = run
        self.unfinished.add(pipeline.pk)
        if request.may_coalesce:
            self.waiting[pipeline.pk] = run.pk


def _renew(run: PipelineRun, request: RunRequest, number: int) -> None:
    if not _is_older(request.parameters, run.parameters):
        run.parameters, run.ir_version, run.metadata["irVersion"] = dict(request.parameters), number, number


def _is_older(parameters: Mapping[str, Any], than: Mapping[str, Any]) -> bool:
    # Both are UTC in one form, so their texts sort as they do.
    return str(parameters.get("occurrenceAt", "")) < str(than.get("occurrenceAt", ""))
