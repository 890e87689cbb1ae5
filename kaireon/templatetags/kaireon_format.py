"""How pages write numbers, times and states; loaded in every template."""

import json
from datetime import UTC, datetime
from typing import Any

from django import forms, template
from django.utils import timezone
from django.utils.html import format_html

from kaireon.platform.badges import Badge, badge_of
from kaireon.platform.pictures import CHART_HEIGHT, CHART_WIDTH, Point, Sparkline, Tick

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
def words(name: Any) -> str:
    """Write a name of the API (`alert_rule`) as words."""
    return str(name).replace("_", " ")


@register.filter
def as_json(value: Any) -> str:
    """Write a value of the audit log: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def took(attempt: Any) -> str:
    """Write how long something with a start and an end took, in milliseconds below a second."""
    if attempt.finished_at is None:
        return "–"
    return short_duration((attempt.finished_at - attempt.started_at).total_seconds())


@register.filter
def short_duration(seconds: Any) -> str:
    """Write seconds as `duration` does, in milliseconds below one."""
    return f"{seconds * 1000:.0f} ms" if seconds is not None and 0 <= seconds < 1 else duration(seconds)


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
def pace(per_second: float | None) -> str:
    """Write a rate: whole above 10 a second, else two significant digits, for it is an average over a minute."""
    if per_second is None:
        return "–"
    return f"{per_second:,.0f} /s" if per_second >= 10 else f"{per_second:.2g} /s"


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


@register.filter
def soonest(at: datetime | None) -> str:
    """Write a time that may have come already: `at once` instead of one that has passed."""
    if at is None or at <= timezone.now():
        return "at once"
    return moment(at)


@register.filter
def clock_time(at: datetime | None) -> str:
    """Write the instant itself, in UTC; the browser rewrites it in the viewer's zone."""
    if at is None:
        return "–"
    exact = at.astimezone(UTC)
    return format_html('<time data-clock datetime="{}">{} UTC</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M}")


UNITS = {"milliseconds": "ms", "seconds": "s"}


@register.filter
def with_unit(value: Any, unit: str) -> str:
    """Write a number with its unit; a ratio stays the fraction that thresholds are typed in."""
    text = figure(value)
    return f"{text} {UNITS[unit]}" if unit in UNITS and value is not None else text


@register.filter
def tone_of(state: str) -> Badge:
    """Return the colour and shape of a state, for marks that stand beside its words."""
    return badge_of(state)


@register.filter
def left_percent(place: Point | Tick) -> str:
    """Write how far to the right something stands in a chart, in percent."""
    return f"{100 * place.x / CHART_WIDTH:.1f}"


@register.filter
def top_percent(place: Point) -> str:
    """Write how far down something stands in a chart, in percent."""
    return f"{100 * place.y / CHART_HEIGHT:.1f}"


@register.inclusion_tag("kaireon/_badge.html")
def badge(state: str, label: str = "") -> dict[str, Any]:
    """Show a state as text, colour and shape."""
    known = badge_of(state)
    return {"badge": known, "label": label or known.label}


@register.inclusion_tag("kaireon/_spark.html")
def spark(picture: Sparkline, words: str) -> dict[str, Any]:
    """Show a sparkline; `words` say what it shows to those who do not see it."""
    return {"picture": picture, "words": words}


@register.inclusion_tag("kaireon/_field.html")
def field(bound: forms.BoundField, suffix: str = "") -> dict[str, Any]:
    """Show one field of a form: label, control, help, its errors; `suffix` is the unit beside the control."""
    widget = bound.field.widget
    is_checkbox = isinstance(widget, forms.CheckboxInput)
    attrs: dict[str, str | bool] = (
        {} if is_checkbox else {"class": "k-input k-input-number" if _is_number(widget) else "k-input"}
    )
    return {"field": bound, "control": bound.as_widget(attrs=attrs), "is_checkbox": is_checkbox, "suffix": suffix}


@register.inclusion_tag("kaireon/_errors.html")
def form_errors(form: forms.Form) -> dict[str, Any]:
    """Show a summary of a form's errors that links to each field."""
    return {"form": form, "wrong": [bound for bound in form if bound.errors]}


def _is_number(widget: forms.Widget) -> bool:
    return isinstance(widget, forms.NumberInput)
