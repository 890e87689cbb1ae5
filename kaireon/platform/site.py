"""The settings site: Django's admin in the Unfold theme, for members of a tenant, mounted at /settings/."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite


class SettingsSite(UnfoldAdminSite):  # type: ignore[misc]
    """Admit members of a tenant; what they may do is decided by their role in each model's admin."""

    site_url = "/"
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Admit whoever is signed in and a member of some tenant."""
        return bool(request.user.is_active and getattr(request, "tenant", None))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead from /settings/ to the overview; the navigation lists every settings page."""
        return HttpResponseRedirect(reverse("overview"))


site = SettingsSite(name="admin")
