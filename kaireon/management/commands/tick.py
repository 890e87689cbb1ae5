"""Run one tick without HTTP: `manage.py tick --tenant acme --json`."""

import json
import logging
import uuid
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from alerts.services import in_one_line
from kaireon.cron import SUBSYSTEMS, tick
from kaireon.platform.budget import Budget
from kaireon.platform.commands import plain_errors, tenant_or_exit
from kaireon.platform.telemetry.services import bound_request_id
from triggers.decisions.vocabulary import TickSource
from triggers.services.answering import tick_json
from triggers.services.ticker import ticker_name
from triggers.services.ticking import tick_scheduler

FOUND_PROBLEMS: Final = 1
logger = logging.getLogger(__name__)

FLOWS: Final = "flows"
EVERYTHING: Final = (*SUBSYSTEMS, FLOWS)
Answer = dict[str, Any]


class Command(BaseCommand):
    """Do what both cron routes that tick do; exit 1 when something failed, 2 for a wrong call."""

    help = (
        "Evaluate alert rules, run due report schedules and fire due pipelines once. "
        "Example: manage.py tick --tenant acme --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=EVERYTHING, help="run this subsystem alone")
        parser.add_argument("--tenant", help="slug or id of the only tenant to tick")
        parser.add_argument("--json", action="store_true", help="print the documented answers as JSON")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_or_exit(options["tenant"]) if options["tenant"] else None
        only = [options["only"]] if options["only"] else EVERYTHING
        now, tenant_id = timezone.now(), tenant.pk if tenant else None
        answer: Answer = {}
        with bound_request_id() as request_id:
            # First: what is due takes milliseconds, reports may take all the time there is.
            flows = _tick_flows(now, tenant_id, request_id) if FLOWS in only else {}
            if wanted := [each for each in SUBSYSTEMS if each in only]:
                answer = tick(
                    now=now, budget=Budget(settings.CRON_TICK_BUDGET_SECONDS), request_id=request_id,
                    tenant_id=tenant_id, only=wanted,
                )  # fmt: skip
        answer |= flows | {"errors": answer.get("errors", []) + flows.get("errors", [])}
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else _in_words(answer))
        if _has_problems(answer):
            raise SystemExit(FOUND_PROBLEMS)


def _tick_flows(now: datetime, tenant_id: uuid.UUID | None, request_id: str) -> Answer:
    """Tick the Flow Scheduler; its failure is listed and stops no other subsystem, unless the database is gone."""
    try:
        result = tick_scheduler(
            now=now, budget=Budget(settings.CRON_TICK_BUDGET_SECONDS), source=TickSource.COMMAND, tenant_id=tenant_id,
            ticker=ticker_name(),
        )  # fmt: skip
    except Exception as error:
        if not connection.is_usable():
            raise
        logger.exception("tick failed", extra={"event": "tick.failed", "subsystem": FLOWS})
        failure = {"tenantId": None, "subsystem": FLOWS, "error": in_one_line(error), "requestId": request_id}
        return {"errors": [failure]}
    return {FLOWS: tick_json(result)}


def _has_problems(answer: Answer) -> bool:
    return bool(answer["errors"] or answer.get("reportErrors") or answer.get(FLOWS, {}).get("failed"))


def _in_words(answer: Answer) -> str:
    lines = _documented_in_words(answer) if "tickAt" in answer else []
    if FLOWS in answer:
        lines += _flows_in_words(answer[FLOWS])
    lines += [f"  error  {each['tenantId']}: {each['error']}" for each in answer["errors"]]
    return "\n".join(lines)


def _documented_in_words(answer: Answer) -> list[str]:
    summary = (
        f"{answer['alertsEvaluated']} rules evaluated in {answer['durationMs']} ms: {answer['alertsFired']} fired, "
        f"{answer['alertsInCooldown']} in cooldown, {answer['remaining']} left for later"
    )
    lines = [summary]
    lines += [f"  {each['status']:<18} {each['name']}  {_deliveries(each)}".rstrip() for each in answer["alerts"]]
    lines.append(f"{answer['reportsEvaluated']} report schedules due: {answer['reportsRan']} reports made")
    return lines + [f"  failed {each['scheduleId']}: {each['error']}" for each in answer["reportErrors"]]


def _flows_in_words(flows: Answer) -> list[str]:
    if flows.get("skipped"):
        return ["another tick of the flow scheduler was deciding"]
    summary = (
        f"{flows['scheduled']} of {flows['totalPipelines']} pipelines scheduled, {flows['due']} due in "
        f"{flows['durationMs']} ms: {flows['dispatched']} runs begin, {flows['failed']} failed, "
        f"{flows['remaining']} left for later"
    )
    return [summary] + [f"  {each['pipelineId']}: {each['reason']}" for each in flows["results"] if not each["fired"]]


def _deliveries(entry: dict[str, Any]) -> str:
    return ", ".join(f"{each['kind'] or 'gone'} {each['status']}" for each in entry["deliveries"])
