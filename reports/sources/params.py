"""Params of sources: strict, bounded, camelCase; nothing that is not named is taken."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reports.decisions.periods import Period, last_days, last_hours

MAX_DAYS: Final = 365
MAX_HOURS: Final = 168
MAX_LIMIT: Final = 100_000
MAX_ID: Final = 255


def _check_text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    return value


TextId = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_check_text)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Hours = Annotated[int, Field(ge=1, le=MAX_HOURS)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Params(BaseModel):
    """What every source's params have in common."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, allow_inf_nan=False, title="Params"
    )


class PeriodParams(Params):
    """The last so many calendar days of the report's zone; the last of them ends where the report does."""

    days: Days = Field(7, description="Calendar days, the last of them up to the report's end.")

    def period(self, until: datetime, zone: str) -> Period:
        """Return the days up to `until`, and as many before them."""
        return last_days(until, self.days, zone)


class PipelineParams(PeriodParams):
    """The last days, or the last hours where those are given."""

    window_hours: Hours | None = Field(None, description="Real hours instead of calendar days.")

    def period(self, until: datetime, zone: str) -> Period:
        """Return the hours up to `until` where they are given, else the days."""
        return (
            last_days(until, self.days, zone)
            if self.window_hours is None
            else last_hours(until, self.window_hours, zone)
        )


class InteractionFilters(PeriodParams):
    """Narrow what customers did; each filter that is given must hold."""

    channel_id: TextId | None = Field(None, description="Only this channel.")
    offer_id: TextId | None = Field(None, description="Only this offer.")
    category_id: TextId | None = Field(None, description="Only offers of this category of the catalogue.")
    segment_id: TextId | None = Field(
        None, description="Only this segment: what the recording says in context.segmentId, else attributes.segmentId."
    )


def defaults_of(params: type[Params]) -> dict[str, Any]:
    """Return the params with their defaults as they are sent; those that must be given are left out."""
    fields = params.model_fields.values()
    named = {
        str(field.alias): field.get_default(call_default_factory=False) for field in fields if not field.is_required()
    }
    return {name: value for name, value in named.items() if value is not None}
