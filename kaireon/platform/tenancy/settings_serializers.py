"""The wire shape of tenant settings: a few known keys that are checked, and room for others."""

import json
import math
import zoneinfo
from collections.abc import Mapping
from typing import Any, Final

from kaireon.platform.characters import LONE_SURROGATE
from kaireon.platform.errors import BadRequest, TooLarge, Unprocessable
from kaireon.platform.fields import StrictIntegerField, StrictJSONField, StrictSerializer
from kaireon.platform.tenancy.guardrails import KEY as GUARDRAILS
from kaireon.platform.tenancy.guardrails import check_guardrails

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 8
MAX_KEYS: Final = 500
MAX_KEY_LENGTH: Final = 128
MAX_RETENTION_DAYS: Final = 3650


class TenantSettingsShape(StrictSerializer):
    """The settings; other keys are kept as they are."""

    timezone = StrictJSONField(required=False, allow_null=True, allow_any=True, help_text="An IANA zone")
    retentionDays = StrictIntegerField(  # noqa: N815
        required=False, allow_null=True, min_value=1, max_value=MAX_RETENTION_DAYS
    )
    guardrails = StrictJSONField(required=False, allow_null=True, help_text="Caps; null resets one to its default")


def check_patch(patch: Any) -> dict[str, Any]:
    """Return the patch when its form is sound. Raises BadRequest that names the path that is not."""
    if not isinstance(patch, Mapping):
        raise BadRequest("The body must be an object.", fields={"body": ["Must be an object."]})
    _walk(patch, "", 1)
    return dict(patch)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check the settings as they would stand after the merge, so that no sequence of patches passes the bounds.

    Raises BadRequest for a known key of the wrong type or range, Unprocessable for an unknown zone, TooLarge.
    """
    if len(json.dumps(settings).encode()) > MAX_BYTES:
        raise TooLarge(f"The settings would be larger than {MAX_BYTES:,} bytes.")
    if GUARDRAILS in settings:
        check_guardrails(settings[GUARDRAILS])
    if "timezone" in settings:
        _check_zone(settings["timezone"])
    if "retentionDays" in settings:
        _check_days(settings["retentionDays"])


def merge_settings(kept: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `kept` with `patch` merged in: objects key by key, null removes (RFC 7396), anything else replaces."""
    merged = dict(kept)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            old = merged.get(key)
            merged[key] = merge_settings(old if isinstance(old, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def _walk(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        _refuse(path, f"Must not nest deeper than {MAX_DEPTH} levels.")
    _check_scalar(value, path)
    if isinstance(value, Mapping):
        if len(value) > MAX_KEYS:
            _refuse(path, f"Must not have more than {MAX_KEYS} keys.")
        for key, inner in value.items():
            _check_key(key, path)
            _walk(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(inner, f"{path}[{index}]", depth + 1)


def _check_key(key: str, path: str) -> None:
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        _refuse(path, f"Keys have 1 to {MAX_KEY_LENGTH} printable characters.")


def _check_scalar(value: Any, path: str) -> None:
    if isinstance(value, str) and ("\0" in value or LONE_SURROGATE.search(value)):
        _refuse(path, "Must not contain NUL or lone surrogates.")
    if isinstance(value, float) and not math.isfinite(value):
        _refuse(path, "Must be a number that a double holds.")


def _check_zone(zone: Any) -> None:
    if not isinstance(zone, str):
        _refuse("timezone", "Must be a string.")
    if zone not in zoneinfo.available_timezones():
        text = "Unknown IANA zone."
        raise Unprocessable(f"There is no time zone {zone[:64]!r}.", fields={"timezone": [text]})


def _check_days(days: Any) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_RETENTION_DAYS:
        _refuse("retentionDays", f"Must be a whole number from 1 to {MAX_RETENTION_DAYS}.")


def _refuse(path: str, text: str) -> None:
    where = path[:200] or "body"
    raise BadRequest(f"{where}: {text}", fields={where: [text]})
