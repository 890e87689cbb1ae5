"""`/api/v1/cron/flow-scheduler-tick`: the one door through which a clock drives the Flow Scheduler."""

from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kaireon.platform.budget import Budget
from kaireon.platform.characters import text_refusal
from kaireon.platform.cron_permissions import REFUSAL, has_cron_secret
from kaireon.platform.cron_secrets import first_cron_secret
from kaireon.platform.errors import Unauthenticated
from kaireon.platform.tenancy.authentication import BrowserSessionAuthentication
from kaireon.platform.tenancy.permissions import HasTenantRole
from kaireon.platform.tenancy.roles import Role
from triggers.decisions.vocabulary import TickSource
from triggers.serializers.ticks import FlowTickShape
from triggers.services.answering import tick_json
from triggers.services.ticking import tick_scheduler

# Of the web server's own ticker, which says who it is; from anybody else it means nothing.
TICKER: Final = "X-Kaireon-Ticker"


class Clock(NamedTuple):
    """Who calls with the cron secret: no person."""

    ticker: str


class CronSecretOrSession(BaseAuthentication):
    """Accept a secret of CRON_SECRET; by POST also a browser session, CSRF enforced, while there is a secret at all."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the caller, or None for nobody; raise PermissionDenied for a session without its CSRF token."""
        if has_cron_secret(request):
            return None, Clock(request.headers.get(TICKER, ""))
        if request.method != "POST" or not first_cron_secret(settings.CRON_SECRET):
            return None
        return BrowserSessionAuthentication().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        """Make a missing credential a 401, not a 403."""
        return "Bearer"


class MayTick(BasePermission):
    """Let in a clock, and editors for their tenant; anybody else is 401, with no secret configured everybody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check in that order."""
        if isinstance(request.auth, Clock):
            return True
        if request.user is None:
            raise Unauthenticated(REFUSAL)
        return HasTenantRole().has_permission(request, view)


class FlowSchedulerTickView(APIView):
    """The tick over HTTP: for the server's own ticker, cron(8), Kubernetes, EventBridge and the page's button."""

    authentication_classes = (CronSecretOrSession,)
    permission_classes = (MayTick,)
    throttle_classes = ()
    scope = "pipelines"
    read_role = Role.EDITOR

    SCHEMA = extend_schema(
        request=None,
        responses={200: FlowTickShape},
        parameters=[OpenApiParameter("x-cron-secret", str, OpenApiParameter.HEADER, description="or as a Bearer")],
        auth=[],
    )

    def write_role_for(self, method: str | None) -> Role:
        """Return the role that a person needs."""
        return Role.EDITOR

    @SCHEMA
    def get(self, request: Request) -> Response:
        """Fire every pipeline that is due; safe to repeat. With the cron secret only."""
        return _tick(request)

    @SCHEMA
    def post(self, request: Request) -> Response:
        """Fire every pipeline that is due; safe to repeat. A browser session ticks, and is told of, its tenant only."""
        return _tick(request)


def _tick(request: Request) -> Response:
    source, ticker, tenant_id = TickSource.CRON, "", None
    if isinstance(request.auth, Clock):
        ticker = request.auth.ticker
        source = TickSource.TICKER if ticker else source
    else:
        source, tenant_id = TickSource.SESSION, request._request.tenant.pk  # type: ignore[attr-defined]
    result = tick_scheduler(
        now=timezone.now(), budget=Budget(settings.CRON_TICK_BUDGET_SECONDS), source=source, tenant_id=tenant_id,
        ticker="" if text_refusal(ticker) else ticker,
    )  # fmt: skip
    return Response(tick_json(result), headers={"Cache-Control": "no-store"})
