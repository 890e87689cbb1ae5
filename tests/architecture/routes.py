"""Every route of the URLconf, the settings site's included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One pattern: its name with namespace, and its address with placeholders."""

    name: str
    template: str

    @property
    def parameters(self) -> list[str]:
        """Return the names of what the address takes."""
        return PARAMETER.findall(self.template)

    @property
    def is_api(self) -> bool:
        """Tell whether machines call it."""
        return self.template.startswith("/api/")

    def path(self, **values: str) -> str:
        """Return the address with its placeholders filled."""
        return PARAMETER.sub(lambda match: values[match[1]], self.template)

    def __str__(self) -> str:
        return f"{self.name or 'unnamed'} {self.template}"


def all_routes() -> list[Route]:
    """Return every route, in the order of the URLconf."""
    return list(_walk(get_resolver(), "/", ""))


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        template = prefix + _readable(entry)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, template, inner)
        else:
            yield Route(f"{namespace}{entry.name}" if entry.name else "", template)


def _readable(entry: URLPattern | URLResolver) -> str:
    # The settings site writes one route as a regular expression: ^(?P<app_label>tenancy|alerts)/$
    text = str(entry.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)
