"""What a report tells each kind of destination: words for people, files for mail and machines.

The deep link leads to the run's page: whoever presses it in a chat wants to read, not JSON. The documented path of the
API stands beside it in `data`, as the full address `apiUrl`; a signed-in browser gets an answer from it as well.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kaireon.platform.notifications.decisions import Message
from reports.decisions.document import Document, Narrative, Section

EVENT_TYPE: Final = "report.completed"
# Kinds that get files: as attachments, or in the body.
KINDS_WITH_ARTIFACTS: Final = frozenset({"ops_email", "webhook"})
# Chats show a few thousand characters; a paragraph for each of many sections would push the takeaways out of sight.
MAX_PARAGRAPHS: Final = 5
MAX_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A finished report as its messages tell of it; `artifacts` name the files, without their bytes."""

    run_id: uuid.UUID
    template_id: uuid.UUID | None
    schedule_id: uuid.UUID | None
    triggered_by: str
    occurrence_at: datetime | None
    document: Document
    artifacts: Sequence[Mapping[str, Any]]
    public_url: str
    at: datetime


def page_link(public_url: str, run_id: uuid.UUID) -> str:
    """Return the address of a run's page."""
    return f"{public_url}/settings/reports/runs/{run_id}"


def api_link(public_url: str, run_id: uuid.UUID) -> str:
    """Return the address of a run in the API."""
    return f"{public_url}/api/v1/reports/runs/{run_id}"


def dedupe_key(run_id: uuid.UUID, provider_id: uuid.UUID) -> str:
    """Return the unique key of a delivery: one for each run and destination, whoever makes the run."""
    return f"report:{run_id}:{provider_id}"


def compose(told: Told, kind: str) -> Message:
    """Return the message for one kind of destination.

    Mail has the summary and the takeaways, with the files; chats have the paragraphs as well, and no files; webhooks
    have everything, the files under `extraPayload.artifacts`.
    """
    document = told.document
    with_paragraphs = kind != "ops_email"
    files = [dict(each) for each in told.artifacts] if kind in KINDS_WITH_ARTIFACTS else []
    return Message(
        event_type=EVENT_TYPE,
        subject=f"[Report] {document.title}: {document.period}" if document.period else f"[Report] {document.title}",
        message=_words(document, with_paragraphs=with_paragraphs),
        timestamp=told.at,
        link=page_link(told.public_url, told.run_id),
        data=_data(told),
        extra_payload={"artifacts": files} if files else {},
    )


def _words(document: Document, *, with_paragraphs: bool) -> str:
    narrative = document.narrative
    if narrative is None:
        return "\n".join(_line_of(section) for section in document.sections[:MAX_LISTED])
    parts = [narrative.executive_summary]
    if with_paragraphs:
        parts += [f"{title}: {text}" for title, text in _paragraphs(document, narrative)]
    parts.append("\n".join(f"• {takeaway}" for takeaway in narrative.takeaways))
    return "\n\n".join(part for part in parts if part.strip())


def _paragraphs(document: Document, narrative: Narrative) -> list[tuple[str, str]]:
    titles = {section.id: section.title for section in document.sections}
    told = [(titles[key], text) for key, text in narrative.paragraphs.items() if key in titles and text.strip()]
    return told[:MAX_PARAGRAPHS]


def _line_of(section: Section) -> str:
    if section.error:
        return f"• {section.title}: {section.error}"
    count = len(section.rows)
    return f"• {section.title}: {count:,} row{'' if count == 1 else 's'}"


def _data(told: Told) -> dict[str, Any]:
    """Return what a machine needs; texts among it are also shown to people, ids are not."""
    data: dict[str, Any] = {
        "runId": str(told.run_id),
        "templateId": told.template_id and str(told.template_id),
        "scheduleId": told.schedule_id and str(told.schedule_id),
        "name": told.document.title,
        "period": told.document.period,
        "triggeredBy": told.triggered_by,
        "apiUrl": api_link(told.public_url, told.run_id),
    }
    if told.occurrence_at is not None:
        at = told.occurrence_at.astimezone(UTC)
        data["occurrenceAt"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return data
