"""Preview a definition: the same document and files as a run's, of which nothing is kept and nobody is told.

No model is asked: it costs tokens, and what they cost would have to be kept.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition
from reports.decisions.document import Document
from reports.decisions.section_json import sections_data
from reports.narration import narrate_plainly
from reports.services.artifacts import Rendered, render_to_file
from reports.sources import Spool, build_document
from reports.turns import TURNS

PREVIEW: Final = "Previews and exports ask no language model; a run does, where one is set up."


@dataclass(frozen=True, slots=True)
class PreviewFile:
    """A file with its bytes."""

    format: str
    filename: str
    content_type: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would show now. The document's large tables are gone with its spool; `sections` has first rows."""

    document: Document
    sections: list[dict[str, Any]]
    artifacts: tuple[PreviewFile, ...]


def preview_definition(*, tenant: Tenant, definition: ReportDefinition, now: datetime, zone: str) -> Preview:
    """Return the report as its data stands now. Raises Busy.

    Not inside a transaction: each section takes one of its own.
    """
    with TURNS.take(tenant.pk), Spool() as spool, ExitStack() as files:
        document = plain_document(tenant=tenant, definition=definition, now=now, zone=zone, spool=spool)
        rendered = [render_to_file(document, fmt, files) for fmt in definition.formats]
        return Preview(document, sections_data(document), tuple(_read(each) for each in rendered))


def plain_document(*, tenant: Tenant, definition: ReportDefinition, now: datetime, zone: str, spool: Spool) -> Document:
    """Return the document with the words that need no model, if words are wanted; good as long as the spool is open."""
    document = build_document(definition, tenant=tenant, data_until=now, generated_at=now, zone=zone, spool=spool)
    if not definition.narrative.is_enabled:
        return document
    return replace(document, narrative=narrate_plainly(document, reason=PREVIEW))


def _read(rendered: Rendered) -> PreviewFile:
    rendered.file.seek(0)
    content = rendered.file.read()
    return PreviewFile(rendered.format, rendered.filename, rendered.content_type, rendered.sha256, content)
