"""Run one tick without HTTP: `manage.py tick --tenant acme --json`."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.cron import SUBSYSTEMS, tick
from kaireon.platform.budget import Budget
from kaireon.platform.commands import plain_errors, tenant_or_exit
from kaireon.platform.telemetry.services import bound_request_id

FOUND_PROBLEMS = 1


class Command(BaseCommand):
    """Do what POST /api/cron/tick does; exit 1 when something failed, 2 for a wrong call."""

    help = (
        "Evaluate alert rules and run due report schedules once, and deliver what they tell. "
        "Example: manage.py tick --tenant acme --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=SUBSYSTEMS, help="run this subsystem alone")
        parser.add_argument("--tenant", help="slug or id of the only tenant to tick")
        parser.add_argument("--json", action="store_true", help="print the documented answer as JSON")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_or_exit(options["tenant"]) if options["tenant"] else None
        with bound_request_id() as request_id:
            answer = tick(
                now=timezone.now(), budget=Budget(settings.CRON_TICK_BUDGET_SECONDS), request_id=request_id,
                tenant_id=tenant.pk if tenant else None, only=[options["only"]] if options["only"] else SUBSYSTEMS,
            )  # fmt: skip
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else _in_words(answer))
        if answer["errors"] or answer["reportErrors"]:
            raise SystemExit(FOUND_PROBLEMS)


def _in_words(answer: dict[str, Any]) -> str:
    summary = (
        f"{answer['alertsEvaluated']} rules evaluated in {answer['durationMs']} ms: {answer['alertsFired']} fired, "
        f"{answer['alertsInCooldown']} in cooldown, {answer['remaining']} left for later"
    )
    lines = [summary]
    lines += [f"  {each['status']:<18} {each['name']}  {_deliveries(each)}".rstrip() for each in answer["alerts"]]
    lines.append(f"{answer['reportsEvaluated']} report schedules due: {answer['reportsRan']} reports made")
    lines += [f"  failed {each['scheduleId']}: {each['error']}" for each in answer["reportErrors"]]
    lines += [f"  error  {each['tenantId']}: {each['error']}" for each in answer["errors"]]
    return "\n".join(lines)


def _deliveries(entry: dict[str, Any]) -> str:
    return ", ".join(f"{each['kind'] or 'gone'} {each['status']}" for each in entry["deliveries"])
