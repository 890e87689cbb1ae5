"""Give messages the files of runs: what notifications ask for through `kaireon/wiring.py`."""

import uuid
from datetime import datetime

from reports.selectors.artifacts import artifact_bytes, find_artifact
from reports.services.artifacts import signed_link


class RunArtifacts:
    """Implements `kaireon.platform.notifications.services.ArtifactKeeper`."""

    def read(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID) -> bytes | None:
        """Return the file's bytes, or None when its run was deleted."""
        artifact = find_artifact(tenant_id, artifact_id)
        return None if artifact is None else b"".join(artifact_bytes(artifact))

    def link(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID, now: datetime) -> str | None:
        """Return a link that is good for 24 hours, or None when the file's run was deleted."""
        artifact = find_artifact(tenant_id, artifact_id)
        return None if artifact is None else signed_link(artifact, now=now)
