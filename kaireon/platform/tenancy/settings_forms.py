"""The guardrails form."""

from typing import Any

from django import forms
from pydantic.alias_generators import to_camel

from kaireon.platform.tenancy.guardrails import Guardrails


class GuardrailsForm(forms.Form):
    """One field per guardrail, bounded as the model says; an empty field resets to the default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        properties = Guardrails.model_json_schema()["properties"]
        for name, field in Guardrails.model_fields.items():
            bounds = properties[to_camel(name)]
            kind = forms.FloatField if field.annotation is float else forms.IntegerField
            self.fields[to_camel(name)] = kind(
                label=field.description or name,
                min_value=bounds["minimum"],
                max_value=bounds["maximum"],
                required=False,
                help_text=f"{field.default:,} by default",
            )

    def patch(self) -> dict[str, Any]:
        """Return what was typed as a settings patch."""
        return {"guardrails": dict(self.cleaned_data)}
