"""What saving a draft does: what fires at once and what is next, before anything is saved."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from pydantic import TypeAdapter, ValidationError

from flows.ir.timing import FileArrivalTrigger, Schedule
from flows.selectors.live import LivePipeline, live_pipelines
from flows.selectors.pipelines import find_pipeline
from flows.selectors.showing import ends_of, nodes_of, trigger_words
from kaireon.platform.api import parse_id
from kaireon.platform.cadence import load_zone
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from triggers.decisions.forecast import simulate
from triggers.decisions.timetable import TimetableError
from triggers.models import PipelineSchedule
from triggers.selectors.attention import schedule_of
from triggers.selectors.ticks import tick_interval
from triggers.services.mirroring_schedules import timing_of, window_start

TIMES: Final = 10
MOST_BYTES: Final = 2_000_000
_SCHEDULE: Final[TypeAdapter[Any]] = TypeAdapter(Schedule)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def foretell_schedule(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Say what the schedule of a draft fires once it is live: now, and the next ten times."""
    assert request.tenant is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    (live,) = live_pipelines([pipeline.pk])
    spec, now = _part(request, "schedule"), timezone.now()
    context: dict[str, Any] = {"live": live, "spec": spec, "words": trigger_words({"schedule": spec})}
    if spec is not None:
        context |= _foretold(spec, live, schedule_of(request.tenant, pipeline.pk), now)
    return render(request, "triggers/_foretold_schedule.html", page_context(request, title="", **context))


def _foretold(
    typed: Mapping[str, Any], live: LivePipeline, kept: PipelineSchedule | None, now: datetime
) -> dict[str, Any]:
    try:
        spec = _SCHEDULE.dump_python(
            _SCHEDULE.validate_python(dict(typed)), mode="json", by_alias=True, exclude_none=True
        )  # fmt: skip
        is_same = kept is not None and timing_of(kept.spec) == timing_of(spec)
        found = simulate(
            spec, last_run_at=live.last_run_at, now=now, count=TIMES, created_at=live.created_at, tick=tick_interval(),
            decided_until=window_start(kept, spec, live=live, now=now),
            active_since=kept.active_since if kept and is_same else now,
        )  # fmt: skip
    except (ValidationError, TimetableError, LookupError) as error:
        return {"refusal": error.message if isinstance(error, TimetableError) else "Correct it on the left first."}
    zone = _zone(spec)
    times = [each.at for each in found.occurrences[:1]]
    return {
        "forecast": found, "is_off": spec.get("enabled") is False, "zone": zone.key,
        "times": [(f"{each.local:%a %-d %b %Y, %H:%M %Z}", each.at, each.note) for each in found.occurrences],
        "because": _because(found.due_now, live, zone, now) if found.due_now else _nothing(times, zone, now),
    }  # fmt: skip


def _zone(spec: Mapping[str, Any]) -> ZoneInfo:
    named = spec.get("timezone")
    return load_zone(named if isinstance(named, str) else "UTC")


def _because(due: datetime, live: LivePipeline, zone: ZoneInfo, now: datetime) -> str:
    """Say why a run begins at once: a time has passed that no run stands for."""
    passed = f"Its time of {_told(due, zone, now)} has passed"
    if live.last_run_at is None:
        return f"{passed}, and it has never run: a schedule that is new looks back 24 hours."
    return f"{passed}, and its last run began before that, {_told(live.last_run_at, zone, now)}."


def _nothing(times: Sequence[datetime], zone: ZoneInfo, now: datetime) -> str:
    return f"The next run begins {_told(times[0], zone, now)}." if times else ""


def _told(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Write a time as people say it: `09:00 today`, `09:00 on Mon 23 Nov`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = {0: "today", 1: "tomorrow", -1: "yesterday"}
    day = days.get((local.date() - today).days, f"on {local:%a %-d %b %Y}")
    return f"{local:%H:%M} {day}"


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def foretell_trigger(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Say in words what the file trigger of a draft waits for, and where."""
    assert request.tenant is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    spec = _part(request, "trigger")
    context: dict[str, Any] = {"pipeline": pipeline, "spec": spec}
    if spec is not None:
        try:
            trigger = FileArrivalTrigger.model_validate(dict(spec))
        except ValidationError:
            context["refusal"] = "Correct it on the left first."
        else:
            context |= _waits_for(trigger, _draft(request))
    return render(request, "triggers/_foretold_trigger.html", page_context(request, title="", **context))


def _waits_for(trigger: FileArrivalTrigger, draft: Any) -> dict[str, Any]:
    nodes = [node for node in nodes_of(draft) if node.get("id") == trigger.source_id]
    places = ends_of({"nodes": nodes}).sources
    control = trigger.control_file_pattern
    return {
        "trigger": trigger, "place": places[0] if places else "", "mask": control.value if control else "",
        "stable": _stable(trigger, nodes), "deadline": trigger.deadline,
    }  # fmt: skip


def _stable(trigger: FileArrivalTrigger, nodes: list[Mapping[str, Any]]) -> int:
    """Return how long a file must stand still: what is said, else 5 seconds where files grow in place (settled 32)."""
    if trigger.stable_seconds is not None:
        return trigger.stable_seconds
    grows = any(node.get("connector") in {"local_fs", "sftp"} for node in nodes)
    return 5 if grows and trigger.control_file_pattern is None else 0


def _part(request: TenantRequest, name: str) -> dict[str, Any] | None:
    draft = _draft(request)
    part = draft.get(name) if isinstance(draft, dict) else None
    return part if isinstance(part, dict) else None


def _draft(request: TenantRequest) -> Any:
    text = request.POST.get("draft", "")
    try:
        return json.loads(text) if len(text) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
