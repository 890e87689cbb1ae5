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
        if not has_cron_secret(request):
            raise Unauthenticated(REFUSAL)
        return True


def has_cron_secret(request: Request) -> bool:
    """Tell whether a request carries a configured CRON_SECRET, in either header."""
    # Both are compared, whichever was sent: the time does not tell which header was right.
    matches = [is_cron_secret(secret, settings.CRON_SECRET) for secret in sent_secrets(request)]
    return any(matches)


def sent_secrets(request: Request) -> list[str]:
    """Return what a request carries as a secret: `x-cron-secret`, then `Authorization: Bearer`; empty for neither."""
    return [request.headers.get(HEADER, ""), _bearer(request)]


def _bearer(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""
