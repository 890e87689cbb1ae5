"""The frame of every page: Unfold's settings and the side navigation."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(url_name)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Kaireon",
    "SITE_HEADER": "Kaireon",
    "SITE_SYMBOL": "notifications_active",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": True,
    "STYLES": [lambda request: static("kaireon.css")],
    "SCRIPTS": [lambda request: static("kaireon.js")],
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
            {"items": [_item("Overview", "home", "overview")]},
        ],
    },
}
