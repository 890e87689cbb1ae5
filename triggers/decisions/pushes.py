"""What a push says: which object of which bucket, or which file for which pipeline. Pure."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NativePush:
    """A producer that names the pipeline; `key` may leave out the front of the path."""

    pipeline_id: uuid.UUID
    tenant_id: uuid.UUID
    key: str


@dataclass(frozen=True, slots=True)
class PushedObject:
    """An object of a bucket, as S3 tells of it through EventBridge."""

    bucket: str
    key: str

    @property
    def store(self) -> str:
        """Return the bucket as a store names itself."""
        return f"s3://{self.bucket}"


@dataclass(frozen=True, slots=True)
class ObjectsPush:
    """Objects that were written; whoever watches their folders is looked up."""

    objects: tuple[PushedObject, ...]


Push = NativePush | ObjectsPush


def key_within(store: str, folder: str, said: str) -> str | None:
    """Return the key of the file in a watched folder that a producer means, or None when it is not in there.

    What was said may be the whole key, or leave out parts at its front, down to the bare name: the folder is known.
    """
    parts = [part for part in said.removeprefix(f"{store}/").split("/") if part]
    own = [part for part in folder.split("/") if part]
    if not parts or said.endswith("/"):
        return None
    before = parts[:-1]
    if before and own[-len(before) :] != before:
        return None
    start = "/" if folder.startswith("/") else ""
    return start + "/".join([*own, parts[-1]])
