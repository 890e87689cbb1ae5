"""Give a message its files when it is sent: the ledger's row only names them, so their bytes are kept once.

Whoever keeps files registers as the keeper, through `kaireon/wiring.py`. A file is part of the message as long as all
of them together fit the medium; a larger one becomes a link that expires.
"""

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

from django.conf import settings

from kaireon.platform.notifications.decisions import Message

REFERENCE: Final = "artifactId"
# Mail servers refuse mails of more than 25 MB or so, and base64 adds a third.
MAIL_MAX_BYTES: Final = 18 * 1024 * 1024


class ArtifactKeeper(Protocol):
    """Keeps the files that messages name; asked only for those of the delivery's own tenant."""

    def read(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID) -> bytes | None:
        """Return a file's bytes, or None when it is not there any more."""

    def link(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID, now: datetime) -> str | None:
        """Return an address from which anybody may fetch the file for a day, or None when it is not there any more."""


class ArtifactGone(Exception):
    """A file that the message names is not kept any more."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"Its file {filename} is not kept any more.")


_LIMITS: Final[Mapping[str, Callable[[], int]]] = {
    "webhook": lambda: int(settings.WEBHOOK_ARTIFACT_MAX_BYTES),
    "ops_email": lambda: MAIL_MAX_BYTES,
}
_keepers: list[ArtifactKeeper] = []


def keep_artifacts_with(keeper: ArtifactKeeper) -> None:
    """Register who keeps the files of messages; there is one, the same one again changes nothing."""
    _keepers[:] = [keeper]


def carried(message: Message, *, tenant_id: uuid.UUID, kind: str, now: datetime) -> Message:
    """Return the message with the bytes of its files, or links to those that do not fit; raise ArtifactGone."""
    entries = message.extra_payload.get("artifacts")
    if not isinstance(entries, list) or not any(_is_reference(entry) for entry in entries):
        return message
    room = _LIMITS.get(kind, lambda: 0)()
    loaded: list[Any] = []
    for entry in entries:
        if not _is_reference(entry):
            loaded.append(entry)
        elif entry["sizeBytes"] <= room:
            room -= entry["sizeBytes"]
            loaded.append(_with_bytes(entry, tenant_id))
        else:
            loaded.append(_with_link(entry, tenant_id, now))
    return replace(message, extra_payload={**message.extra_payload, "artifacts": loaded})


def weight_of(message: Message) -> int:
    """Return how many bytes of files a message carries, as it holds them."""
    entries = message.extra_payload.get("artifacts")
    files = entries if isinstance(entries, list) else []
    return sum(
        len(each["base64"]) for each in files if isinstance(each, Mapping) and isinstance(each.get("base64"), str)
    )


def _is_reference(entry: Any) -> bool:
    return isinstance(entry, Mapping) and REFERENCE in entry and "base64" not in entry and "url" not in entry


def _with_bytes(entry: Mapping[str, Any], tenant_id: uuid.UUID) -> dict[str, Any]:
    content = _keepers[0].read(tenant_id, uuid.UUID(entry[REFERENCE])) if _keepers else None
    if content is None:
        raise ArtifactGone(entry["filename"])
    kept = {name: entry[name] for name in ("format", "filename", "contentType")}
    return {**kept, "base64": base64.b64encode(content).decode()}


def _with_link(entry: Mapping[str, Any], tenant_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    link = _keepers[0].link(tenant_id, uuid.UUID(entry[REFERENCE]), now) if _keepers else None
    if link is None:
        raise ArtifactGone(entry["filename"])
    kept = {name: entry[name] for name in ("format", "filename", "contentType", "sizeBytes", "sha256")}
    return {**kept, "url": link}
