"""Roles of a member or key: viewer < editor < admin."""

from enum import StrEnum


class Role(StrEnum):
    """What a member or key may do; each role includes the ones before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Return 0 for viewer, 1 for editor, 2 for admin."""
        return list(Role).index(self)

    def allows(self, required: "Role") -> bool:
        """Tell whether this role may do what `required` is needed for."""
        return self.rank >= required.rank


ROLE_CHOICES = [(role.value, role.value.capitalize()) for role in Role]
