"""The frame of every page: Unfold's settings and the side navigation.

Addresses are written out: they are the documented ones, and the platform knows no subsystem by its code.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

from kaireon.platform.tenancy.roles import Role


def _asset(name: str) -> Callable[[HttpRequest], str]:
    # Addressed when a page is made: the manifest of production is not there yet when settings are read.
    return lambda _: static(name)


def _is_at(path: str) -> Callable[[HttpRequest], bool]:
    def is_active(request: HttpRequest) -> bool:
        return request.path == path or (path != "/" and request.path.startswith(f"{path.rstrip('/')}/"))

    return is_active


def _for_role(role: Role) -> Callable[[HttpRequest], bool]:
    def is_allowed(request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return actor is not None and actor.role.allows(role)

    return is_allowed


def _item(title: str, icon: str, path: str, role: Role = Role.VIEWER) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": path, "active": _is_at(path), "permission": _for_role(role)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Kaireon",
    "SITE_HEADER": "Kaireon",
    "SITE_SYMBOL": "notifications_active",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _asset("kaireon.svg")},
    ],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": True,
    "STYLES": [_asset("kaireon.css")],
    "SCRIPTS": [_asset("kaireon.js")],
    "COLORS": {
        "primary": {
            "50": "239 250 249",
            "100": "215 243 240",
            "200": "178 230 226",
            "300": "127 210 206",
            "400": "73 182 179",
            "500": "33 152 151",
            "600": "16 122 125",
            "700": "15 98 101",
            "800": "17 79 82",
            "900": "18 65 68",
            "950": "5 39 42",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    _item("Overview", "home", "/"),
                    _item("Alerts", "notifications", "/settings/alerts"),
                    _item("Reports", "lab_profile", "/settings/reports"),
                    _item("Integrations", "hub", "/settings/integrations"),
                    _item("Outbox", "outbox", "/settings/outbox"),
                    _item("System health", "monitor_heart", "/system-health"),
                ]
            },
            {
                "title": "Data",
                "items": [
                    _item("Pipelines", "account_tree", "/data/flow-pipelines"),
                    _item("Runs", "play_circle", "/data/flow-runs"),
                    _item("Scheduler", "schedule", "/data/scheduler"),
                    _item("Connectors", "cable", "/data/connectors"),
                    _item("Schemas", "table", "/data/schemas"),
                ],
            },
            {
                "title": "Dashboards",
                "items": [
                    _item("Executive", "monitoring", "/dashboards/executive"),
                    _item("Business", "storefront", "/dashboards/business"),
                    _item("Operations", "manufacturing", "/dashboards/operations"),
                    _item("Model health", "neurology", "/dashboards/model-health"),
                    _item("Data health", "database", "/dashboards/data-health"),
                    _item("Attribution", "conversion_path", "/dashboards/attribution"),
                    _item("Decision health", "rule", "/dashboards/decision-health"),
                ],
            },
            {
                "title": "Administration",
                "items": [
                    _item("API keys", "key", "/settings/api-keys", Role.ADMIN),
                    _item("Members", "group", "/settings/tenancy/membership/", Role.ADMIN),
                    _item("Guardrails", "speed", "/settings/guardrails"),
                    _item("Audit log", "history", "/settings/audit", Role.ADMIN),
                ],
            },
            {
                "title": "Catalogue",
                "items": [
                    _item("Outcome types", "sell", "/settings/interactions/outcometype/"),
                    _item("API reference", "api", "/api/docs"),
                ],
            },
        ],
    },
}
