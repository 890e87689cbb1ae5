"""Make runs: claim, attempt, settle. One run's failure stops no other's."""

import logging
import os
import socket
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from flows.decisions.retries import is_tried_again, wait_before
from flows.decisions.runs import DEADLINE_MISSED, OUT_OF_TIME, Ending, cancelled_by
from flows.decisions.vocabulary import LogLevel
from flows.metrics import RUN_SECONDS
from flows.models import PipelineRun, PipelineVersion
from flows.services.announcing import announce_missed
from flows.services.attempting import Attempt, Missed
from flows.services.claims import Claim, LeaseLost, Scope, claim_run, mine
from flows.services.dispatch_rows import retry_of_ir
from flows.services.failures import Failure, failure_of, log_failure
from flows.services.finishing import set_ending, settle
from flows.services.isolating import isolated
from flows.services.progressing import Progress
from flows.services.pulse import Pulse, Why
from flows.services.recovering import recover_runs
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services.dispatch import Clock, running_clock

logger = logging.getLogger(__name__)

WORKER: Final = f"{socket.gethostname()[:80]}:{os.getpid()}"
IsEnding = Callable[[], bool]


def _never() -> bool:
    return False


@dataclass(slots=True)
class WorkPass:
    """One pass over waiting runs: fair among tenants, until the budget is spent or none may begin."""

    budget: Budget
    clock: Clock
    scope: Scope
    is_ending: IsEnding = _never
    _served: list[uuid.UUID] = field(default_factory=list)
    _begun: list[uuid.UUID] = field(default_factory=list)
    _tried: list[uuid.UUID] = field(default_factory=list)

    def execute(self) -> int:
        """Make runs; return how many were taken up."""
        while not self.budget.is_spent and not self.is_ending() and (claim := self._claim()):
            self._served = [*(each for each in self._served if each != claim.tenant_id), claim.tenant_id]
            self._begun = [*(each for each in self._begun if each != claim.pipeline_id), claim.pipeline_id]
            self._tried.append(claim.run_id)
            with isolated("flows.run_not_settled", claim):
                make_run(claim=claim, clock=self.clock, is_ending=self.is_ending)
        return len(self._tried)

    def _claim(self) -> Claim | None:
        return claim_run(
            now=self.clock(), scope=self.scope, served=self._served, begun=self._begun, not_these=self._tried
        )


def work_off_flows(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None,
    run_ids: Collection[uuid.UUID] | None = None, is_ending: IsEnding = _never,
) -> int:  # fmt: skip
    """Make waiting runs, of everybody, of one tenant or of these ids; return how many were touched.

    Runs whose worker died are recovered first. Past the budget nothing new is begun; a run under way goes on to its
    own time limit, or until `is_ending` says that this worker ends: then it goes back to the queue. Not inside a
    transaction.
    """
    clock, scope = running_clock(now), Scope(tenant_id, run_ids, WORKER)
    recovered = recover_runs(now=now, scope=scope, budget=budget)
    return len(recovered) + WorkPass(budget, clock, scope, is_ending).execute()


def make_run(*, claim: Claim, clock: Clock, is_ending: IsEnding = _never) -> None:
    """Attempt a run that was claimed, and bring it to its end or back to the queue. Raises LeaseLost."""
    run = mine(claim).select_related("tenant", "pipeline").first()
    if run is None:
        raise LeaseLost
    started = clock()
    progress = Progress(run, clock)
    with Pulse(claim, progress, clock, seconds=run.time_limit_seconds, is_ending=is_ending) as pulse:
        attempt = Attempt(claim, run, progress, pulse, clock)
        try:
            attempt.execute()
        except LeaseLost:
            raise
        except Missed as missed:
            _miss(claim, run, progress, missed, clock())
        except Exception as error:
            if not connection.is_usable():
                # Whether it was committed is known when the database is back: its lease runs out, and it is found.
                raise
            if attempt.is_committed:
                _log_rest(run, error)
            else:
                _fail(claim, run, progress, _cause(pulse, error), error, node_id=attempt.node_id, now=clock())
        else:
            RUN_SECONDS.observe((clock() - started).total_seconds())
        pulse.let_end()
        _write(claim, progress)
        settle(claim=claim, clock=clock)


def _log_rest(run: PipelineRun, error: Exception) -> None:
    """Log what failed after the commit: the rows are there, and the run ends well."""
    fields = {"event": "flows.failed_after_commit", "runId": str(run.pk), "tenantId": str(run.tenant_id)}
    logger.warning("run failed after its commit", exc_info=error, extra=fields)


def _cause(pulse: Pulse, error: Exception) -> Why | None:
    """Return why the run was stopped, which is then what its error means."""
    return getattr(error, "why", None) or pulse.why


def _fail(
    claim: Claim, run: PipelineRun, progress: Progress, why: Why | None, error: Exception, *, node_id: str,
    now: datetime,
) -> None:  # fmt: skip
    if why is Why.LOST:
        raise LeaseLost from error
    if why is Why.CANCELLED:
        name = mine(claim).values_list("cancelled_by", flat=True).first() or ""
        set_ending(claim, Ending.CANCELLED, error=cancelled_by(name))
    elif why is Why.ENDING:
        progress.say("This worker ends; another one begins the run again.", level=LogLevel.WARNING)
        set_ending(claim, Ending.AGAIN, not_before=now)
    elif why is Why.OUT_OF_TIME:
        _end_failed(claim, run, progress, Failure(OUT_OF_TIME.format(seconds=run.time_limit_seconds), node_id), now)
    else:
        failure = failure_of(error, node_id=node_id)
        log_failure(run, failure, error)
        _end_failed(claim, run, progress, failure, now)


def _end_failed(claim: Claim, run: PipelineRun, progress: Progress, failure: Failure, now: datetime) -> None:
    """Let the run begin again after a wait when that may help and it has tries left; else it fails."""
    failures = run.attempt + 1
    words = {"error": failure.message, "error_id": failure.error_id, "error_node": failure.node_id[:63]}
    if is_tried_again(is_transient=failure.is_transient, failures=failures, max_attempts=run.max_attempts):
        wait = wait_before(retry_of_ir(_saved_ir(run)), failures=failures)
        text = f"{failure.message} Tried again in {wait}: attempt {failures + 1} of {run.max_attempts}."
        progress.say(text, level=LogLevel.WARNING)
        set_ending(claim, Ending.AGAIN, attempt=failures, not_before=now + wait, **words)
    else:
        set_ending(claim, Ending.FAILED, attempt=failures, **words)


def _miss(claim: Claim, run: PipelineRun, progress: Progress, missed: Missed, now: datetime) -> None:
    """Wait for the files, or do what the wait policy says: alert, skip or fail."""
    policies = [miss.policy for miss in missed.misses]
    if run.looks < max(policy.max_retries for policy in policies):
        wait = timedelta(minutes=min(policy.interval_minutes for policy in policies))
        progress.say(f"{missed}; looking again in {wait}.")
        set_ending(claim, Ending.AGAIN, looks=run.looks + 1, not_before=now + wait)
        return
    actions = {policy.on_miss_action: miss for policy, miss in zip(policies, missed.misses, strict=True)}
    if "fail" in actions:
        failure = Failure(f"{DEADLINE_MISSED}: no file matches {actions['fail'].where}", actions["fail"].node_id)
        log_failure(run, failure, missed)
        _end_failed(claim, run, progress, failure, now)
        return
    if "alert" in actions:
        announce_missed(run, actions["alert"].node_id, f"No file matches {actions['alert'].where}.", now=now)
    progress.say(str(missed), level=LogLevel.WARNING if "alert" in actions else LogLevel.INFO)
    set_ending(claim, Ending.NOTHING, error="", error_id=None, error_node="")


def _write(claim: Claim, progress: Progress) -> None:
    """Write what the pulse has not written yet."""
    progress.write_lines()
    changes = progress.finished()
    if not mine(claim).update(**changes):
        raise LeaseLost


def _saved_ir(run: PipelineRun) -> object:
    rows = PipelineVersion.objects.for_tenant(run.tenant_id).filter(pipeline_id=run.pipeline_id)
    return rows.filter(version=run.ir_version).values_list("ir", flat=True).first()
