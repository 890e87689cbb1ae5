"""Renderers: a document written to a file as PDF, CSV, Markdown or HTML.

`render(document, "pdf", file)`; `RENDERERS["pdf"].content_type`; `artifact_name(document, "pdf")`.
The same document gives the same bytes. A file is anything with `write(bytes)`; it is neither read nor closed.
"""

from reports.renderers.registry import (
    RENDERERS,
    Renderer,
    UnknownFormat,
    UnknownSection,
    artifact_name,
    render,
    render_section,
)

__all__ = ["RENDERERS", "Renderer", "UnknownFormat", "UnknownSection", "artifact_name", "render", "render_section"]
