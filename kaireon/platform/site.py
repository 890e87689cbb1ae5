"""The settings site: Django's admin in the Unfold theme, for members of a tenant, mounted at /settings/."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, reverse
from unfold.sites import UnfoldAdminSite


class SettingsSite(UnfoldAdminSite):  # type: ignore[misc]
    """Admit members of a tenant; what they may do is decided by their role in each model's admin."""

    site_url = "/"
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Admit whoever is signed in and a member of some tenant."""
        return bool(request.user.is_active and getattr(request, "tenant", None))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Leave out `r/<type>/<id>/`: it finds any object of any tenant."""
        return [route for route in super().get_urls() if getattr(route, "name", "") != "view_on_site"]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer 404: Unfold caches what it finds by user, not by tenant. Each list has a search of its own."""
        raise Http404

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead from /settings/ to the overview; the navigation lists every settings page."""
        return HttpResponseRedirect(reverse("overview"))


site = SettingsSite(name="admin")
