"""Every area's URLs; each declares full public paths without a trailing slash, and the slash form works too."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from kaireon import pages
from kaireon.cron import CronTickView
from kaireon.platform.site import site

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because addresses are tried in this order: respond is called a thousand times for each other route.
    path("", include("interactions.urls")),
    path("", pages.overview, name="overview"),
    path("tenant/switch", pages.switch, name="tenant-switch"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema", http_method_names=["get", "head"]), name="docs"),
    path("", include("kaireon.platform.telemetry.urls")),
    path("", include("kaireon.platform.tenancy.urls")),
    path("", include("kaireon.platform.tenancy.settings_urls")),
    path("", include("kaireon.platform.audit.urls")),
    path("", include("kaireon.platform.health.urls")),
    path("", include("kaireon.platform.notifications.urls")),
    path("", include("outbox.urls")),
    path("", include("alerts.urls")),
    path("", include("reports.urls")),
    path("", include("reports.page_urls")),
    path("", include("reports.dashboards.urls")),
    path("", include("flows.urls")),
    path("", include("flows.page_urls")),
    path("", include("triggers.urls")),
    path("", include("triggers.page_urls")),
    path("api/cron/tick", CronTickView.as_view(), name="cron-tick"),
    path("settings/", site.urls),
]
handler400 = "kaireon.platform.pages.bad_request"
handler403 = "kaireon.platform.pages.forbidden"
handler404 = "kaireon.platform.pages.not_found"
handler500 = "kaireon.platform.pages.server_error"
