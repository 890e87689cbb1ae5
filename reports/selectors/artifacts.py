"""Files of runs: which there are, and their bytes a chunk at a time."""

import uuid
from collections.abc import Iterator

from kaireon.platform.errors import NotFound
from reports.models import ReportArtifact, ReportArtifactChunk, ReportRun


def artifact_of(run: ReportRun, fmt: str) -> ReportArtifact:
    """Return the run's file in a format; raise NotFound."""
    artifact = ReportArtifact.objects.for_tenant(run.tenant_id).filter(run=run, format=fmt).first()
    if artifact is None:
        raise NotFound(f"This run has no {fmt[:20]} file.")
    return artifact


def find_artifact(tenant_id: uuid.UUID, artifact_id: uuid.UUID) -> ReportArtifact | None:
    """Return a file of the tenant, or None."""
    return ReportArtifact.objects.for_tenant(tenant_id).filter(pk=artifact_id).first()


def artifact_bytes(artifact: ReportArtifact) -> Iterator[bytes]:
    """Yield the file's bytes, one chunk in memory at a time: no cursor is held between two of them."""
    chunks = ReportArtifactChunk.objects.for_tenant(artifact.tenant_id).filter(artifact=artifact)
    number, left = 0, artifact.size_bytes
    while left > 0:
        # A chunk that is not there is a file that was deleted while it was read.
        content = bytes(chunks.values_list("content", flat=True).get(number=number))
        yield content
        number, left = number + 1, left - len(content)
