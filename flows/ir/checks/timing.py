"""Whether a schedule means something: cron text, zones, recurrence rules, instants."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from flows.ir.checks.found import Check, Found, zone
from flows.ir.timing import CronSchedule, IntervalSchedule, RruleSchedule
from kaireon.platform.cadence import CadenceError, load_zone, never_due, parse_cron

FIRST_YEAR, LAST_YEAR = 1970, 8999


def rule_refusal(text: str, *, dtstart: datetime | None = None, timezone: str = "UTC") -> str:
    """Say why a text is no recurrence rule (RFC 5545) that can be followed to the minute; empty when it is one.

    One that never is due is none: without `dtstart`, one that is not whenever it starts.
    """
    try:
        return never_due(text, dtstart=dtstart, zone=load_zone(timezone))
    except CadenceError as error:
        return error.message


def _cron(schedule: CronSchedule) -> Found:
    try:
        parse_cron(schedule.expression)
    except CadenceError as error:
        yield ("expression",), error.message
    yield from zone(schedule.timezone, "timezone")


def _interval(schedule: IntervalSchedule) -> Found:
    yield from _instant(schedule.anchor, "anchor", needs_zone=True)


def _rrule(schedule: RruleSchedule) -> Found:
    unread = [*_instant(schedule.dtstart, "dtstart", needs_zone=False), *zone(schedule.timezone, "timezone")]
    yield from unread
    start = None if unread or schedule.dtstart is None else datetime.fromisoformat(schedule.dtstart)
    if refusal := rule_refusal(schedule.rule, dtstart=start, timezone="UTC" if unread else schedule.timezone):
        yield ("rule",), refusal


def _instant(text: str | None, key: str, *, needs_zone: bool) -> Found:
    """Yield a time that is none; one without an offset means the schedule's zone, where it has one."""
    if text is None:
        return
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        yield (key,), "is no time such as 2026-01-31T08:00:00Z"
        return
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        yield (key,), f"must be of a year from {FIRST_YEAR} to {LAST_YEAR}"
    elif needs_zone and moment.tzinfo is None:
        yield (key,), "needs an offset or Z, such as 2026-01-31T08:00:00Z"


CHECKS: Final[Mapping[type, Check]] = {CronSchedule: _cron, IntervalSchedule: _interval, RruleSchedule: _rrule}
