"""Find runs whose worker is dead, or whose wait for a store is over, and bring them to a truthful end.

Before the commit: the files go back, and the run begins again; after too many deaths it fails. After the commit: the
files are archived and the run completes. Where it was going when its worker died, there it goes on.
"""

from datetime import datetime, timedelta
from typing import Final

from flows.decisions.runs import DIED, MAX_DEATHS, Ending, cancelled_by
from flows.decisions.vocabulary import LogLevel, RunStatus, Stage
from flows.metrics import RECOVERED
from flows.models import PipelineRun
from flows.services.claims import Claim, LeaseLost, Scope, mine, take_over
from flows.services.finishing import set_ending, settle
from flows.services.holding import end_load
from flows.services.isolating import isolated
from flows.services.progressing import Progress, log_line
from flows.services.pulse import Pulse
from flows.services.work_folders import remove_work_folders
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services.dispatch import Clock, running_clock

# Runs that take workers down with them shall not do so at once again.
PAUSE_AFTER_DEATH: Final = timedelta(seconds=5)
LONGEST_CLEARING_SECONDS: Final = 3_600
STILL_HELD: Final = "The worker before still held the tables; its transaction was ended."


def recover_runs(*, now: datetime, scope: Scope, budget: Budget) -> list[Claim]:
    """Recover every run that nobody has any more; return them. Not inside a transaction."""
    clock = running_clock(now)
    found: list[Claim] = []
    while not budget.is_spent:
        claim = take_over(now=clock(), scope=scope, not_these=[each.run_id for each in found])
        if claim is None:
            break
        found.append(claim)
        with isolated("flows.not_recovered", claim):
            recover_run(claim=claim, clock=clock)
    return found


def recover_run(*, claim: Claim, clock: Clock) -> RunStatus | None:
    """Bring one run that was taken over to its end, or back to the queue. Raises LeaseLost."""
    run = mine(claim).select_related("tenant", "pipeline").first()
    if run is None:
        raise LeaseLost
    if end_load(run):
        log_line(run, Stage(run.stage), STILL_HELD, now=clock(), level=LogLevel.WARNING)
    remove_work_folders(run)
    if run.committed_at is None and not run.ending:
        _decide(claim, run, clock())
    with Pulse(claim, Progress(run, clock), clock, seconds=LONGEST_CLEARING_SECONDS) as pulse:
        pulse.let_end()
        status = settle(claim=claim, clock=clock)
    RECOVERED.labels("again" if status is None else status.value).inc()
    return status


def _decide(claim: Claim, run: PipelineRun, now: datetime) -> None:
    """Write where a run goes that died before its commit."""
    stage = f"The worker {run.worker or 'that had it'} stopped"
    if run.cancel_requested_at is not None:
        set_ending(claim, Ending.CANCELLED, error=cancelled_by(run.cancelled_by))
    elif run.deaths >= MAX_DEATHS:
        set_ending(claim, Ending.FAILED, error=DIED)
    else:
        log_line(
            run, Stage(run.stage), f"{stage} while {run.stage}; the run begins again.", now=now, level=LogLevel.WARNING
        )
        set_ending(claim, Ending.AGAIN, not_before=now + PAUSE_AFTER_DEATH * (run.deaths - 1))
