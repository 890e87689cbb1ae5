"""The form of a report template, without its sections: details, formats, words, and who gets a run by hand."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

from django import forms

from kaireon.platform.forms import plain_lines, plain_text
from reports.decisions.definition import NarrativeWish, narrative_json, read_definition
from reports.models import MAX_NAME, ReportTemplate
from reports.renderers import RENDERERS

MAX_DESCRIPTION: Final = 2000
MAX_PROMPT: Final = 4000
# Where a wire path of a refusal stands on the page.
FIELDS_OF_PATHS: Final = {
    "name": "name",
    "description": "description",
    "formats": "formats",
    "narrative.prompt": "narrative_prompt",
    "narrative.modelOverride": "narrative_model",
    "narrative": "narrative_enabled",
    "filters": "destinations",
    "enabled": "enabled",
}
DEFAULTS: Final[dict[str, Any]] = {
    "name": "", "description": "", "enabled": True, "formats": ["pdf"], "narrative_enabled": True,
    "narrative_prompt": "", "narrative_model": "", "destinations": [],
}  # fmt: skip


class TemplateForm(forms.Form):
    """Make or change a template."""

    name = forms.CharField(
        label="Name", max_length=MAX_NAME, validators=[plain_text], help_text="The title and the subject of its mail"
    )
    description = forms.CharField(
        label="Description", required=False, max_length=MAX_DESCRIPTION, validators=[plain_lines],
        widget=forms.Textarea(attrs={"rows": 2}), help_text="Stands below the title",
    )  # fmt: skip
    enabled = forms.BooleanField(
        label="Switched on", required=False, help_text="The schedules of a report that is off wait"
    )
    formats = forms.MultipleChoiceField(label="Formats", widget=forms.CheckboxSelectMultiple)
    narrative_enabled = forms.BooleanField(
        label="Enable AI narrative",
        required=False,
        help_text="A summary in words. Without a language model the text is written from the data itself.",
    )
    narrative_prompt = forms.CharField(
        label="Prompt addendum", required=False, max_length=MAX_PROMPT, validators=[plain_lines],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Added to the prompt, such as: Write for the board, two sentences a section",
    )  # fmt: skip
    narrative_model = forms.CharField(
        label="Model", required=False, max_length=100, validators=[plain_text],
        help_text="Instead of the model that is set up, such as gemini-2.5-flash",
    )  # fmt: skip
    destinations = forms.TypedMultipleChoiceField(
        label="Who gets it when it is run by hand", required=False, coerce=uuid.UUID,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(
        self, data: Mapping[str, Any] | None, *, destination_ids: Collection[uuid.UUID],
        template: ReportTemplate | None = None,
    ) -> None:  # fmt: skip
        """Offer every format and the tenant's destinations; a template keeps the ones it names already."""
        super().__init__(data, initial=_kept(template), auto_id="report_%s")
        formats: Any = self.fields["formats"]
        formats.choices = self.format_choices()
        destinations: Any = self.fields["destinations"]
        offered = dict.fromkeys([*destination_ids, *(template.destination_ids if template else ())])
        destinations.choices = [(str(each), str(each)) for each in offered]

    def format_choices(self) -> list[tuple[str, str]]:
        """Return the formats there are, with their labels."""
        return [(each.format, each.label) for each in RENDERERS.values()]

    def chosen(self, name: str) -> set[str]:
        """Return what is ticked now in a field of several: typed ones first, else the template's."""
        return {str(value) for value in self[name].value() or []}

    def values(self) -> dict[str, Any]:
        """Return what a template keeps, in the services' names; a field that is wrong has nothing."""
        self.full_clean()
        data = getattr(self, "cleaned_data", {})
        return {
            "name": data.get("name", ""),
            "description": data.get("description", "").replace("\r\n", "\n"),
            "formats": data.get("formats", []),
            "narrative": narrative_json(
                NarrativeWish(
                    is_enabled=data.get("narrative_enabled", False),
                    prompt=data.get("narrative_prompt", "").replace("\r\n", "\n"),
                    model=data.get("narrative_model", ""),
                )
            ),
            "destination_ids": data.get("destinations", []),
            "enabled": data.get("enabled", False),
        }


def _kept(template: ReportTemplate | None) -> dict[str, Any]:
    if template is None:
        return DEFAULTS
    narrative = read_definition({"name": template.name, "narrative": template.narrative}).narrative
    return {
        "name": template.name, "description": template.description, "enabled": template.enabled,
        "formats": template.formats, "narrative_enabled": narrative.is_enabled, "narrative_prompt": narrative.prompt,
        "narrative_model": narrative.model, "destinations": template.destination_ids,
    }  # fmt: skip
