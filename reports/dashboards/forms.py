"""The form of Save as Report: what a dashboard does not say itself."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django import forms

from kaireon.platform.forms import plain_text
from reports.dashboards.declaration import Dashboard
from reports.dashboards.filters import Filters
from reports.decisions.vocabulary import Format
from reports.models import MAX_NAME

CUSTOM: Final = "custom"
CADENCES: Final = (
    ("0 8 * * *", "Every day at 08:00"),
    ("0 8 * * 1-5", "Weekdays at 08:00"),
    ("0 8 * * 1", "Mondays at 08:00"),
    ("0 8 1 * *", "The first of the month at 08:00"),
    (CUSTOM, "A cron expression of my own"),
)
FORMATS: Final = (
    (Format.PDF, "PDF"),
    (Format.CSV, "CSV"),
    (Format.MARKDOWN, "Markdown"),
    (Format.HTML, "HTML"),
)
# Which control stands for a path that a service refuses.
FIELDS_OF_PATHS: Final = {
    "name": "name",
    "formats": "formats",
    "cronExpression": "cron_expression",
    "guardrails.minCadenceMinutes": "cadence",
    "timezone": "timezone",
    "destinations": "destinations",
    "filters.destinations": "destinations",
}


class SaveForm(forms.Form):
    """Name, formats, destinations and cadence of a report that shows what a dashboard shows."""

    name = forms.CharField(
        label="Name", max_length=MAX_NAME, validators=[plain_text], help_text="What the report and its mail are called"
    )
    formats = forms.MultipleChoiceField(label="Formats", choices=FORMATS, widget=forms.CheckboxSelectMultiple)
    destinations = forms.TypedMultipleChoiceField(
        label="Destinations", required=False, coerce=uuid.UUID, widget=forms.CheckboxSelectMultiple
    )
    cadence = forms.ChoiceField(label="Goes out", choices=CADENCES)
    cron_expression = forms.CharField(
        label="Cron expression", max_length=120, required=False, validators=[plain_text],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "0 8 * * *"}),
        help_text="minute · hour · day of month · month · day of week",
    )  # fmt: skip
    timezone = forms.CharField(
        label="Timezone", max_length=64, validators=[plain_text],
        widget=forms.TextInput(attrs={"list": "save_zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Such as Europe/Berlin: its clock decides when it goes out and when a day begins",
    )  # fmt: skip

    def __init__(
        self, data: Mapping[str, Any] | None, *, initial: Mapping[str, Any], destination_ids: Collection[uuid.UUID]
    ) -> None:
        """Offer the tenant's destinations."""
        super().__init__(data, initial=dict(initial), auto_id="save_%s")
        destinations: Any = self.fields["destinations"]
        destinations.choices = [(str(each), str(each)) for each in destination_ids]
        # Needed whenever it is shown, so that no "(optional)" stands beside it.
        cron: Any = self.fields["cron_expression"]
        cron.is_needed = True

    def clean(self) -> dict[str, Any]:
        """Take the expression of the chosen cadence, or the one that was typed."""
        cleaned = dict(super().clean() or {})
        if cleaned.get("cadence") != CUSTOM:
            cleaned["cron_expression"] = cleaned.get("cadence", "")
        elif not cleaned.get("cron_expression") and "cron_expression" not in self.errors:
            self.add_error("cron_expression", "Type an expression, such as 0 8 * * * for every day at 08:00.")
        return cleaned

    def chosen(self, name: str) -> set[str]:
        """Return what is ticked now."""
        return {str(value) for value in self[name].value() or []}

    def refuse(self, fields: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """Return where each refused path is shown: a cadence from the list has no field for its expression."""
        is_custom = self.data.get("cadence") == CUSTOM
        return FIELDS_OF_PATHS if is_custom else {**FIELDS_OF_PATHS, "cronExpression": "cadence"}


def initial_of(dashboard: Dashboard, filters: Filters, zone: str) -> dict[str, Any]:
    """Return what the form begins with: named after the dashboard, its period and what it is narrowed to."""
    words = [f"{dashboard.title}, {filters.period.words}", filters.channel_id, filters.segment_id]
    return {
        "name": ", ".join(word for word in words if word)[:MAX_NAME],
        "formats": [Format.PDF],
        "destinations": [],
        "cadence": CADENCES[0][0],
        "timezone": zone,
    }
