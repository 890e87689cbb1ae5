"""Answer the probes and the scrape: plain views, for machines that have no credentials of ours."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from kaireon.platform.envelope import json_error
from kaireon.platform.telemetry.metrics import exposition
from kaireon.platform.telemetry.probes import check_readiness
from kaireon.platform.telemetry.scraping import may_scrape


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """Tell that the process answers; the database is none of this probe's business, or its outage would restart us."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Tell whether requests can be served, with every check by name: 200, or 503 when one fails."""
    checks = check_readiness()
    is_ready = all(check.is_ok for check in checks)
    answers = {
        check.name: {"status": "ok"} if check.is_ok else {"status": "failed", "reason": check.reason}
        for check in checks
    }
    body = {"status": "ok" if is_ready else "unavailable", "checks": answers}
    return JsonResponse(body, status=200 if is_ready else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the scrape; with METRICS_TOKEN set, only to `Authorization: Bearer <token>`."""
    if not may_scrape(request.headers.get("Authorization", ""), settings.METRICS_TOKEN):
        response: HttpResponse = json_error(request, 401, "This route needs the metrics token.")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
