"""Read the artifacts that travel in a message's extra payload: `{format, filename, contentType, base64}`."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_ARTIFACTS: Final = 20
_CONTENT_TYPE: Final = re.compile(r"([a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100})(; ?charset=[a-z0-9-]{1,40})?")


class ArtifactError(ValueError):
    """An artifact that cannot be attached; `path` says which and where."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file with its bytes; the type is without its charset, for the bytes say what they are."""

    filename: str
    content_type: str
    content: bytes


def artifacts_of(extra_payload: Mapping[str, Any]) -> list[Artifact]:
    """Return the artifacts that carry their bytes; those that only carry an address are left out.

    Raises ArtifactError for anything that is no artifact: the payload may come from a caller of the API.
    """
    entries = extra_payload.get("artifacts", [])
    if not isinstance(entries, list) or len(entries) > MAX_ARTIFACTS:
        raise ArtifactError("artifacts", f"Must be a list of at most {MAX_ARTIFACTS} artifacts.")
    return [_read(entry, f"artifacts[{index}]") for index, entry in enumerate(entries) if _has_content(entry, index)]


def _has_content(entry: Any, index: int) -> bool:
    if not isinstance(entry, Mapping):
        raise ArtifactError(f"artifacts[{index}]", "Must be an object.")
    return "base64" in entry or "url" not in entry


def _read(entry: Mapping[str, Any], path: str) -> Artifact:
    texts = {name: entry.get(name) for name in ("filename", "contentType", "base64")}
    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            raise ArtifactError(f"{path}.{name}", "Must be a string that is not empty.")
    media_type = _CONTENT_TYPE.fullmatch(str(texts["contentType"]).lower())
    if media_type is None:
        raise ArtifactError(f"{path}.contentType", "Must be a media type such as text/csv.")
    try:
        content = base64.b64decode(str(texts["base64"]), validate=True)
    except (binascii.Error, ValueError):
        raise ArtifactError(f"{path}.base64", "Must be base64.") from None
    return Artifact(str(texts["filename"]), media_type[1], content)


def linked_of(extra_payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and address of the artifacts that only carry an address."""
    entries = extra_payload.get("artifacts", [])
    found = [entry for entry in entries if isinstance(entry, Mapping) and "url" in entry and "base64" not in entry]
    return [(str(entry.get("filename", "")), str(entry["url"])) for entry in found]
