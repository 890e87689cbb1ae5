"""Who acts: a person, an API key, or the system itself. Passed to services and written to the audit log."""

import uuid
from dataclasses import dataclass

from kaireon.platform.tenancy.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The one on whose behalf a service runs; `kind` is `user`, `api_key` or `system`; no scopes are all."""

    kind: str
    name: str
    role: Role
    user_id: uuid.UUID | None = None
    api_key_id: uuid.UUID | None = None
    scopes: tuple[str, ...] = ()


SYSTEM = Actor(kind="system", name="system", role=Role.ADMIN)
