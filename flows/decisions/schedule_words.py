"""When a schedule runs, in words. Takes any JSON: what was saved long ago, or is being typed."""

from collections.abc import Mapping
from typing import Any

from kaireon.platform.cadence import say_rule
from reports.decisions.cadence_words import say_kept


def say_schedule(schedule: Any) -> str:
    """Say when a schedule runs, such as `At 09:00, Monday through Friday Europe/Berlin`; empty when it does not."""
    if not isinstance(schedule, Mapping) or schedule.get("enabled") is False:
        return ""
    zone = _text(schedule, "timezone") or "UTC"
    match schedule.get("kind"):
        case "cron":
            return f"{say_kept(_text(schedule, 'expression'))} {zone}"
        case "interval":
            return _every(schedule.get("minutes"))
        case "rrule":
            return f"{say_rule(_text(schedule, 'rule'))} ({zone})"
    return ""


def _text(schedule: Mapping[str, Any], name: str) -> str:
    found = schedule.get(name)
    return found if isinstance(found, str) else ""


def _every(minutes: Any) -> str:
    if not isinstance(minutes, int) or minutes < 1:
        return ""
    if minutes % 1_440 == 0:
        return "Every day" if minutes == 1_440 else f"Every {minutes // 1_440} days"
    if minutes % 60 == 0:
        return "Every hour" if minutes == 60 else f"Every {minutes // 60} hours"
    return "Every minute" if minutes == 1 else f"Every {minutes} minutes"
