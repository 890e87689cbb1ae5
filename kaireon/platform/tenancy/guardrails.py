"""Guardrails: a tenant's caps, with their defaults, and where the house finds what they are used to.

Over a cap something is refused at save (422) or ends visibly as "capped" at run; never silently (contract §10).
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from kaireon.platform.errors import BadRequest
from kaireon.platform.tenancy.models import Tenant

KEY: Final = "guardrails"
Cap = Annotated[int, Field(ge=0, le=1_000_000)]


class Guardrails(BaseModel):
    """The caps of one tenant; a cap of 0 allows none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel, allow_inf_nan=False)

    max_alert_rules: Annotated[Cap, Field(description="Alert rules")] = 200
    max_report_schedules: Annotated[Cap, Field(description="Report schedules")] = 50
    max_pipelines: Annotated[Cap, Field(description="Pipelines")] = 500
    min_cadence_minutes: Annotated[int, Field(ge=1, le=1440, description="Minutes between two runs, at least")] = 1
    llm_daily_tokens: Annotated[int, Field(ge=0, le=1_000_000_000, description="Tokens for narratives a day")] = 200_000
    llm_monthly_usd: Annotated[float, Field(ge=0, le=1_000_000, description="US dollars for narratives a month")] = 50
    notifications_per_hour: Annotated[Cap, Field(description="Messages sent in an hour")] = 500


def guardrails_of(tenant: Tenant) -> Guardrails:
    """Return the tenant's caps. A kept value that is no longer valid counts as its default, so that no cap is lost."""
    kept = tenant.settings.get(KEY) if isinstance(tenant.settings, dict) else None
    if not isinstance(kept, Mapping):
        return Guardrails()
    try:
        return Guardrails.model_validate(dict(kept))
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
        return Guardrails.model_validate({name: value for name, value in kept.items() if name not in wrong})


def check_guardrails(values: Any) -> None:
    """Raise BadRequest that names every unknown, mistyped or out-of-range guardrail as `guardrails.<name>`."""
    if not isinstance(values, Mapping):
        raise BadRequest("guardrails: Must be an object.", fields={KEY: ["Must be an object."]})
    try:
        Guardrails.model_validate(dict(values))
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for detail in error.errors(include_input=False, include_url=False):
            path = ".".join([KEY, *(str(part)[:100] for part in detail["loc"])])
            text = "Unknown field." if detail["type"] == "extra_forbidden" else f"{detail['msg']}."
            fields.setdefault(path, []).append(text)
        first = next(iter(fields))
        raise BadRequest(f"{first}: {fields[first][0]}", fields=fields) from None


@dataclass(frozen=True, slots=True)
class Usage:
    """One cap beside what is used of it; `used` is None where the cap is no quantity that adds up."""

    name: str
    label: str
    cap: float
    default: float
    used: float | None

    @property
    def is_reached(self) -> bool:
        """Tell whether nothing more fits."""
        return self.used is not None and self.used >= self.cap

    @property
    def percent(self) -> int:
        """Return the used part in whole percent, at most 100."""
        if self.used is None:
            return 0
        return 100 if self.is_reached else int(100 * self.used / self.cap)


Counting = Callable[[uuid.UUID], float]
_counting: dict[str, Counting] = {}


def count_usage_with(name: str, count: Counting) -> None:
    """Register who knows how much of the cap `name` (such as `max_alert_rules`) a tenant uses; called by the wiring."""
    if name not in Guardrails.model_fields:
        raise ValueError(f"there is no guardrail {name}")
    _counting[name] = count


def usage_of(tenant: Tenant) -> list[Usage]:
    """Return every cap of the tenant with what is used of it: one query for each that has a counter."""
    caps, defaults = guardrails_of(tenant), Guardrails()
    return [
        Usage(
            name=to_camel(name),
            label=field.description or name,
            cap=getattr(caps, name),
            default=getattr(defaults, name),
            used=_counting[name](tenant.pk) if name in _counting else None,
        )
        for name, field in Guardrails.model_fields.items()
    ]
