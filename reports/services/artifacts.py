"""Files of a run: written outside of any transaction, kept in chunks, fetched with a link that expires."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Any, Final

from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from kaireon.platform.ids import new_id
from reports.decisions.document import Document
from reports.models import ReportArtifact, ReportArtifactChunk, ReportRun
from reports.renderers import RENDERERS, artifact_name, render

CHUNK_BYTES: Final = 256 * 1024
CHUNKS_AT_ONCE: Final = 8
# What a file may have before it goes to the disk.
IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
LINK_LASTS: Final = timedelta(hours=24)
_SALT: Final = "reports.artifact"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file that is ready to be kept; it is closed by whoever opened the stack it was made on."""

    format: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    file: IO[bytes]


class _Counting:
    """A file that knows its size and its sum as soon as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.sum = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.size += len(content)
        self.sum.update(content)
        return self._file.write(content)


def render_to_file(document: Document, fmt: str, files: ExitStack) -> Rendered:
    """Write the document in a format to a temporary file that lives as long as `files`; raises what a renderer does."""
    file = files.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115
    counting: Any = _Counting(file)
    render(document, fmt, counting)
    return Rendered(
        fmt, artifact_name(document, fmt), RENDERERS[fmt].content_type, counting.size, counting.sum.hexdigest(), file
    )


def keep_artifacts(run: ReportRun, rendered: Sequence[Rendered], *, now: datetime) -> list[ReportArtifact]:
    """Write the files' rows and chunks, in the caller's transaction, a few chunks at a time; return the rows."""
    kept = []
    for each in rendered:
        artifact = ReportArtifact.objects.create(
            id=new_id(), tenant_id=run.tenant_id, run=run, format=each.format, filename=each.filename,
            content_type=each.content_type, size_bytes=each.size_bytes, sha256=each.sha256, created_at=now,
        )  # fmt: skip
        chunks = (
            ReportArtifactChunk(tenant_id=run.tenant_id, artifact=artifact, number=number, content=content)
            for number, content in enumerate(_pieces(each.file))
        )
        while some := list(islice(chunks, CHUNKS_AT_ONCE)):
            ReportArtifactChunk.objects.bulk_create(some)
        kept.append(artifact)
    return kept


def reference_of(artifact: ReportArtifact) -> dict[str, Any]:
    """Return how a message names a file: everything but its bytes, which are read when it is sent."""
    return {
        "format": artifact.format,
        "filename": artifact.filename,
        "contentType": artifact.content_type,
        "sizeBytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "artifactId": str(artifact.pk),
    }


def signed_link(artifact: ReportArtifact, *, now: datetime) -> str:
    """Return an address from which anybody may fetch the file for 24 hours."""
    expires = int((now + LINK_LASTS).timestamp())
    token = _signature(artifact.run_id, artifact.format, expires)
    path = f"/api/v1/reports/runs/{artifact.run_id}/artifacts/{artifact.format}"
    return f"{settings.PUBLIC_URL}{path}?expires={expires}&token={token}"


def is_signed(run_id: uuid.UUID, fmt: str, expires: str, token: str) -> bool:
    """Tell whether a link's token is ours, for exactly this file and end; it may have expired."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and token.isascii()):
        return False
    return constant_time_compare(_signature(run_id, fmt, int(expires)), token)


def _signature(run_id: uuid.UUID, fmt: str, expires: int) -> str:
    return Signer(salt=_SALT).signature(f"{run_id}:{fmt}:{expires}")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(CHUNK_BYTES):
        yield piece
