"""Who acts: a person, an API key, or the system itself. Passed to services and written to the audit log."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from kaireon.platform.tenancy.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The one on whose behalf a service runs; `kind` is `user`, `api_key` or `system`; no scopes are all.

    `expires_at` is when the key ends that acts, None for people and for keys that last.
    """

    kind: str
    name: str
    role: Role
    user_id: uuid.UUID | None = None
    api_key_id: uuid.UUID | None = None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def may_write(self, area: str, *, role: Role) -> bool:
        """Tell whether the actor has the role, and with a restricted key the scope, to write in an area."""
        return self.role.allows(role) and (not self.scopes or f"{area}:write" in self.scopes)


SYSTEM = Actor(kind="system", name="system", role=Role.ADMIN)
