"""Say what a schedule does before it is saved; nothing is kept."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from flows.ir.parsing import IrInvalid, IrProblem, parse_schedule
from kaireon.platform.errors import BadRequest, Unprocessable
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.due import LOOK_BACK
from triggers.decisions.forecast import Forecast, simulate
from triggers.decisions.timetable import TimetableError, read_timetable

CODE: Final = "INVALID_SCHEDULE"
_MAX_TEXT: Final = 1_000


def preview_schedule(
    *, schedule: Mapping[str, Any], now: datetime, count: int, last_run_at: datetime | None = None,
    tenant: Tenant | None = None,
) -> Forecast:  # fmt: skip
    """Return what a schedule, as the IR has it, fires at `now` and so many times after it.

    With `tenant` a schedule that its guardrail would refuse at save is warned of. Raises BadRequest for one that cannot
    be read and Unprocessable for one that cannot be; all problems at once, each as `schedule.…`.
    """
    try:
        parse_schedule(schedule)
        forecast = simulate(
            schedule, last_run_at=last_run_at, decided_until=last_run_at or now - LOOK_BACK, now=now, count=count,
            tick=timedelta(milliseconds=settings.FLOW_SCHEDULER_INTERVAL_MS),
        )  # fmt: skip
    except IrInvalid as invalid:
        raise _refused(invalid.problems, is_unreadable=invalid.is_unreadable) from None
    except TimetableError as error:
        raise _refused([IrProblem(f"schedule.{error.field}", error.message)], is_unreadable=False) from None
    if tenant is None or not (refusal := _guardrail_refusal(schedule, tenant, now)):
        return forecast
    return replace(forecast, warnings=[refusal, *forecast.warnings])


def _guardrail_refusal(schedule: Mapping[str, Any], tenant: Tenant, now: datetime) -> str:
    limit = guardrails_of(tenant).min_cadence_minutes
    gap = read_timetable(schedule, created_at=now).shortest_gap()
    if gap is None or gap >= timedelta(minutes=limit) or schedule.get("enabled") is False:
        return ""
    return f"It cannot be saved: two runs would be less than {limit} min apart (guardrails.minCadenceMinutes)."


def _refused(problems: tuple[IrProblem, ...] | list[IrProblem], *, is_unreadable: bool) -> BadRequest | Unprocessable:
    fields: dict[str, list[str]] = {}
    for problem in problems:
        fields.setdefault(problem.path[:_MAX_TEXT], []).append(problem.message[:_MAX_TEXT])
    first = problems[0]
    error = BadRequest if is_unreadable else Unprocessable
    return error(f"{first.path}: {first.message}", code=CODE, fields=fields)
