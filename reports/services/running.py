"""Make runs: claim, build outside of any transaction, hand over. One report's failure stops no other's."""

import logging
import uuid
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from kaireon.platform.budget import Budget
from kaireon.platform.env import ConfigurationError
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.services import deliver_due
from kaireon.platform.notifications.services.dispatch import Clock, running_clock
from reports.decisions.definition import ReportDefinition, read_definition
from reports.decisions.document import Document, Narrative, Section
from reports.decisions.emptiness import is_empty
from reports.decisions.messages import page_link
from reports.decisions.runs import MAX_ATTEMPTS, NARRATION_SECONDS
from reports.decisions.vocabulary import Stage
from reports.metrics import RUN_SECONDS
from reports.models import ReportRun
from reports.narration import Wish, narrate, narrate_plainly, read_settings
from reports.services.artifacts import render_to_file
from reports.services.claims import Claim, Heart, LeaseLost, OutOfTime, claim_run, release
from reports.services.delivering import Made, RunRefused, end_empty, end_failed, hand_over, require_origin
from reports.services.isolating import in_one_line, isolated
from reports.services.pulse import Pulse
from reports.services.recovering import recover_runs
from reports.services.settling import settle_runs
from reports.services.usage import NarrationLedger, caps_of
from reports.sources import Spool, build_document

logger = logging.getLogger(__name__)

# Deliveries go out after so many runs: many at once, and none waits for the last report.
ROUND: Final = 5


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of a run in this pass: made, or failed with an error; neither when it went back to the queue."""

    claim: Claim
    is_made: bool = False
    error: str = ""


@dataclass(slots=True)
class WorkPass:
    """One pass over waiting runs: round robin among tenants until the budget is spent or nothing waits."""

    budget: Budget
    clock: Clock
    tenant_id: uuid.UUID | None = None
    run_ids: Collection[uuid.UUID] | None = None
    # When whoever waits for these runs waits no longer: a run under way then goes back to the queue.
    ends_at: datetime | None = None
    worked: list[Worked] = field(default_factory=list)
    _served: list[uuid.UUID] = field(default_factory=list)
    _delivery_ids: list[uuid.UUID] = field(default_factory=list)

    def execute(self) -> list[Worked]:
        """Make runs and deliver them in rounds; return what became of each."""
        while not self.budget.is_spent and (claim := self._claim()):
            self._serve(claim)
            self.worked.append(self._make(claim))
            if len(self.worked) % ROUND == 0:
                self._deliver()
        self._deliver()
        return self.worked

    def _claim(self) -> Claim | None:
        returned = [each.claim.run_id for each in self.worked if not each.is_made and not each.error]
        return claim_run(
            now=self.clock(), tenant_id=self.tenant_id, run_ids=self.run_ids, served=self._served, not_these=returned
        )

    def _serve(self, claim: Claim) -> None:
        self._served = [*(each for each in self._served if each != claim.tenant_id), claim.tenant_id]

    def _make(self, claim: Claim) -> Worked:
        started = self.clock()
        try:
            self._delivery_ids += make_run(claim=claim, clock=self.clock, ends_at=self.ends_at)
        except OutOfTime:
            release(claim, is_fault=False)
            return Worked(claim)
        except LeaseLost:
            logger.warning("report run taken over", extra={"event": "reports.lease_lost", "runId": str(claim.run_id)})
            return Worked(claim)
        except (OperationalError, InterfaceError) as error:
            return self._interrupted(claim, error)
        except RunRefused as refusal:
            return self._failed(claim, str(refusal))
        except Exception as error:  # noqa: BLE001 - one report's failure, whatever it is, is that report's alone
            return self._failed(claim, in_one_line(error), error)
        RUN_SECONDS.observe((self.clock() - started).total_seconds())
        return Worked(claim, is_made=True)

    def _interrupted(self, claim: Claim, error: Exception) -> Worked:
        """Leave the run to its lease when the database is gone; else give it back, to be made once more, or end it."""
        if not connection.is_usable():
            raise error
        if claim.attempt >= MAX_ATTEMPTS:
            return self._failed(claim, in_one_line(error), error)
        logger.warning(
            "report run interrupted", exc_info=error,
            extra={"event": "reports.interrupted", "runId": str(claim.run_id), "tenantId": str(claim.tenant_id)},
        )  # fmt: skip
        release(claim, is_fault=True)
        return Worked(claim)

    def _failed(self, claim: Claim, reason: str, error: Exception | None = None) -> Worked:
        if error is not None:
            error_id = str(new_id())
            logger.error(
                "report run failed", exc_info=error,
                extra={
                    "event": "reports.run_failed", "errorId": error_id, "runId": str(claim.run_id),
                    "tenantId": str(claim.tenant_id),
                },
            )  # fmt: skip
        # Where not even that can be written, the lease runs out, and after the third time the run is found.
        with isolated("reports.not_ended", claim.tenant_id, claim.run_id):
            try:
                end_failed(claim=claim, reason=reason, now=self.clock())
            except LeaseLost:
                return Worked(claim)
        return Worked(claim, error=reason)

    def _deliver(self) -> None:
        if self._delivery_ids:
            deliver_due(now=self.clock(), budget=self.budget, delivery_ids=self._delivery_ids)
            self._delivery_ids = []
        if self.worked:
            settle_runs(now=self.clock(), run_ids=[each.claim.run_id for each in self.worked if each.is_made])


def work_off_runs(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None,
    run_ids: Collection[uuid.UUID] | None = None, ends_after: timedelta | None = None,
) -> int:  # fmt: skip
    """Make waiting runs, of everybody, of one tenant or of these ids, and deliver them; return how many were touched.

    Runs whose maker died three times end as failed first. Past the budget nothing new is begun; after `ends_after` even
    a run under way is given back. Not inside a transaction.
    """
    recovered = recover_runs(now=now, tenant_id=tenant_id)
    clock = running_clock(now)
    work = WorkPass(budget, clock, tenant_id, run_ids, ends_at=None if ends_after is None else now + ends_after)
    return len(work.execute()) + len(recovered)


def make_run(*, claim: Claim, clock: Clock, ends_at: datetime | None = None) -> list[uuid.UUID]:
    """Build a run that was claimed and hand it over; return its deliveries' ids.

    Raises LeaseLost, OutOfTime, RunRefused, and whatever a source or a renderer does.
    """
    run = ReportRun.objects.for_tenant(claim.tenant_id).select_related("tenant", "template").get(pk=claim.run_id)
    require_origin(run)
    definition = read_definition(run.definition)
    heart = Heart(claim, clock, ends_at)
    with Pulse(claim, clock), Spool() as spool, ExitStack() as files:
        document = _documented(run, definition, heart, spool)
        is_nothing = is_empty(document)
        if is_nothing and run.skip_if_empty:
            end_empty(claim=claim, document=document, now=clock())
            return []
        if definition.narrative.is_enabled:
            heart.beat(Stage.NARRATING)
            document = replace(document, narrative=_narrated(run, definition, document, clock()))
        rendered = []
        for fmt in definition.formats:
            heart.beat(Stage.RENDERING)
            rendered.append(render_to_file(document, fmt, files))
        heart.beat()
        return hand_over(claim=claim, made=Made(document, rendered, is_nothing), now=clock())


def _documented(run: ReportRun, definition: ReportDefinition, heart: Heart, spool: Spool) -> Document:
    def on_section(section: Section, number: int, count: int) -> None:
        heart.beat()

    return build_document(
        definition, tenant=run.tenant, data_until=run.data_until, generated_at=run.started_at, zone=run.zone,
        link=page_link(settings.PUBLIC_URL, run.pk), spool=spool, on_section=on_section,
    )  # fmt: skip


def _narrated(run: ReportRun, definition: ReportDefinition, document: Document, now: datetime) -> Narrative:
    try:
        ai = read_settings()
    except ConfigurationError as error:
        return narrate_plainly(document, reason=str(error))
    wish = Wish(definition.narrative.prompt, definition.narrative.model)
    ledger = NarrationLedger(run.tenant_id, run.pk)
    return narrate(
        document, ai=ai, ledger=ledger, now=now, wish=wish, caps=caps_of(run.tenant),
        seconds=NARRATION_SECONDS,
    )  # fmt: skip
