"""How pages write numbers, times and states; loaded in every template."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def duration(seconds: Any) -> str:
    """Write seconds as `1 m 20 s`, `2 h 5 m` or `3 d 4 h`."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} m"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


@register.filter
def figure(value: Any) -> str:
    """Write a number with thousands separators and at most four significant decimals; nothing as a dash."""
    if value is None:
        return "–"
    number = float(value)
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.4g}" if abs(number) < 1000 else f"{number:,.1f}"


@register.filter
def moment(at: datetime | None) -> str:
    """Write a time relative to now, with the exact instant in UTC for hovering; the browser adds the local one."""
    if at is None:
        return "–"
    exact = at.astimezone(UTC)
    seconds = (timezone.now() - at).total_seconds()
    text = f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
    if 0 <= seconds < 5:
        text = "just now"
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S}", text
    )
