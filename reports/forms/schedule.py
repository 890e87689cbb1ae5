"""The form of a schedule: when a report goes out and to whom."""

import uuid
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms

from kaireon.platform.forms import plain_text
from reports.decisions.vocabulary import MissedPolicy
from reports.models import MAX_NAME, ReportSchedule

FIELDS_OF_PATHS: Final = {
    "name": "name",
    "cronExpression": "cron_expression",
    "timezone": "timezone",
    "destinations": "destinations",
    "missedPolicy": "missed_policy",
    "skipIfEmpty": "skip_if_empty",
}
MISSED: Final = [
    (MissedPolicy.ONCE, "Send the latest once, late"),
    (MissedPolicy.SKIP, "Send nothing and wait for the next"),
]
# What the page offers to fill in.
EXAMPLES: Final = (
    ("Daily at 08:00", "0 8 * * *"),
    ("Weekdays at 09:00", "0 9 * * 1-5"),
    ("Mondays at 07:30", "30 7 * * 1"),
    ("First of the month", "0 9 1 * *"),
    ("Every 5 minutes", "*/5 * * * *"),
)
_OLD_NAMES: Final = ("posix/", "right/", "Etc/", "SystemV/", "US/")


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names to choose from: places and UTC; others that the time-zone database knows can be typed."""
    names = (name for name in available_timezones() if "/" in name and not name.startswith(_OLD_NAMES))
    return ("UTC", *sorted(names))


class ScheduleForm(forms.Form):
    """Make or change a schedule; whether its cadence can be read is decided by the service."""

    name = forms.CharField(
        label="Schedule name", max_length=MAX_NAME, validators=[plain_text], help_text="Such as Monday board mail"
    )
    timezone = forms.CharField(
        label="Timezone", max_length=64, validators=[plain_text],
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Type a city to find its zone",
    )  # fmt: skip
    cron_expression = forms.CharField(
        label="Cron expression", max_length=120, validators=[plain_text],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "0 8 * * *"}),
        help_text="minute · hour · day of month · month · day of week",
    )  # fmt: skip
    missed_policy = forms.ChoiceField(label="When nobody ticked at that time", choices=MISSED)
    skip_if_empty = forms.BooleanField(
        label="Skip it when there is no data", required=False, help_text="Nothing is sent; the history says so"
    )
    destinations = forms.TypedMultipleChoiceField(
        label="Destinations", required=False, coerce=uuid.UUID, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, destination_ids: Collection[uuid.UUID],
        schedule: ReportSchedule | None = None, zone: str = "UTC",
    ) -> None:  # fmt: skip
        """Offer the tenant's destinations; a schedule keeps the ones it names already."""
        self.schedule = schedule
        super().__init__(data, initial=_kept(schedule, zone), auto_id="schedule_%s")
        destinations: Any = self.fields["destinations"]
        offered = dict.fromkeys([*destination_ids, *(schedule.destination_ids if schedule else ())])
        destinations.choices = [(str(each), str(each)) for each in offered]

    def chosen(self, name: str) -> set[str]:
        """Return what is ticked now."""
        return {str(value) for value in self[name].value() or []}

    def values(self) -> dict[str, Any]:
        """Return what the services take, in the model's names."""
        data = {name: self.cleaned_data[name] for name in FIELDS_OF_PATHS.values() if name != "destinations"}
        return {**data, "destination_ids": self.cleaned_data["destinations"]}


def _kept(schedule: ReportSchedule | None, zone: str) -> dict[str, Any]:
    if schedule is None:
        return {"timezone": zone, "missed_policy": MissedPolicy.ONCE, "destinations": []}
    return {
        "name": schedule.name, "timezone": schedule.timezone, "cron_expression": schedule.cron_expression,
        "missed_policy": schedule.missed_policy, "skip_if_empty": schedule.skip_if_empty,
        "destinations": schedule.destination_ids,
    }  # fmt: skip
