"""Let a scheduler in: the permission of every `/api/v1/cron/*` route."""

from typing import Any, Final

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kaireon.platform.cron_secrets import is_cron_secret
from kaireon.platform.errors import Unauthenticated

HEADER: Final = "X-Cron-Secret"
REFUSAL: Final = "Send a configured CRON_SECRET as `Authorization: Bearer …` or as `x-cron-secret`."


class CronSecretPermission(BasePermission):
    """Let in whoever sends a secret of CRON_SECRET; with none configured, nobody (401)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check both headers in constant time; one that is right is enough."""
        # Both are compared, whichever was sent: the time does not tell which header was right.
        offered = [request.headers.get(HEADER, ""), _bearer(request)]
        matches = [is_cron_secret(secret, settings.CRON_SECRET) for secret in offered]
        if not any(matches):
            raise Unauthenticated(REFUSAL)
        return True


def _bearer(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""
