"""Serializer fields that do not guess: "5" is no number, 1 is no boolean, and unknown fields are named."""

import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from kaireon.platform.characters import json_refusal, text_refusal


def check_text(text: str, *, multiline: bool = False) -> None:
    """Refuse control characters, lone surrogates and direction overrides, which no name or message needs."""
    if refusal := text_refusal(text, multiline=multiline):
        raise serializers.ValidationError(refusal)


class StrictCharField(serializers.CharField):
    """Accept a JSON string only; `multiline=True` allows line breaks and tabs."""

    def __init__(self, *, multiline: bool = False, **kwargs: Any) -> None:
        self.multiline = multiline
        kwargs.setdefault("max_length", 255)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the text; raise ValidationError for another type or a control character."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        if self.max_length is not None and len(data) > self.max_length:
            # Before anything looks at its characters: there may be a million.
            raise serializers.ValidationError(f"Must not be longer than {self.max_length} characters.")
        check_text(data, multiline=self.multiline)
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """Accept a JSON integer only; bounded to 32 bits unless bounds are given."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", -(2**31))
        kwargs.setdefault("max_value", 2**31 - 1)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the number; raise ValidationError for another type."""
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Must be an integer.")
        return data


class StrictFloatField(serializers.FloatField):
    """Accept a finite JSON number only."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number; raise ValidationError for another type, or one too large for a double."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Must be a number.")
        try:
            value = float(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise serializers.ValidationError("Must be a finite number.")
        return value


class StrictBooleanField(serializers.BooleanField):
    """Accept true or false only."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value; raise ValidationError for another type."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data


class StrictChoiceField(serializers.ChoiceField):
    """Accept one of the words; what was sent instead is not echoed, for it may be a megabyte."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the word; raise ValidationError that lists the words."""
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"Must be one of: {', '.join(map(str, self.choices))}.")
        return data


class StrictListField(serializers.ListField):
    """Accept a JSON list; too many items are refused before any of them is looked at."""

    def __init__(self, *, max_length: int = 1000, **kwargs: Any) -> None:
        self.most = max_length
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the items; raise ValidationError for another type or too many of them."""
        if not isinstance(data, list):
            raise serializers.ValidationError("Must be a list.")
        if len(data) > self.most:
            raise serializers.ValidationError(f"Must not hold more than {self.most} items.")
        return super().to_internal_value(data)


def read_uuid(text: Any) -> uuid.UUID | None:
    """Return the UUID whose 36-character form `text` is, or None: an id has one spelling, apart from its case."""
    try:
        value = uuid.UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    # uuid.UUID also takes braces, underscores and the digits of other scripts.
    return value if value is not None and str(value) == str(text).lower() else None


class StrictUUIDField(serializers.UUIDField):
    """Accept the 36-character form of a UUID only."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Return the id; raise ValidationError for anything else."""
        row_id = read_uuid(data)
        if row_id is None:
            raise serializers.ValidationError("Must be a UUID.")
        return row_id


class StrictDateTimeField(serializers.DateTimeField):
    """Accept an ISO 8601 time with an offset; write UTC with `Z`."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the aware time in UTC; raise ValidationError for another type, no offset or an impossible year."""
        try:
            value = datetime.fromisoformat(data) if isinstance(data, str) and len(data) <= 40 else None
            if value is None or value.tzinfo is None or not 1970 <= value.year <= 9000:
                raise ValueError
        except ValueError:
            raise serializers.ValidationError(
                "Must be an ISO 8601 time with an offset, such as 2026-01-31T08:00:00Z."
            ) from None
        return value.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        """Return UTC with milliseconds and `Z`."""
        return format_time(value)


class StrictJSONField(serializers.JSONField):
    """Accept a JSON object (or with `allow_any` any value) of bounded depth, free of NUL and lone surrogates."""

    def __init__(self, *, allow_any: bool = False, **kwargs: Any) -> None:
        self.allow_any = allow_any
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the value; raise ValidationError for another type, depth or character."""
        if not self.allow_any and not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        check_json(data)
        return data


def check_json(value: Any) -> None:
    """Refuse what PostgreSQL's jsonb cannot hold (1e400 reads as infinity), and nesting beyond MAX_JSON_DEPTH."""
    if refusal := json_refusal(value):
        raise serializers.ValidationError(refusal)


def format_time(value: datetime) -> str:
    """Return an ISO 8601 time in UTC with milliseconds and `Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know, each by its name."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate; raise ValidationError that names every unknown field beside every wrong one."""
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: ["Must be an object."]})
        unknown = {str(key): ["Unknown field."] for key in data if key not in self.fields}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value
