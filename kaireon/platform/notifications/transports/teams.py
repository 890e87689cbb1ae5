"""Microsoft Teams: an adaptive card with a colour band, for Workflows addresses and the older connectors."""

import re
from typing import Any, ClassVar, Final

from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports.base import (
    Dispatch,
    Receipt,
    TransportConfig,
    TransportError,
    WebAddress,
    facts_of,
    host_of,
    post_json,
    web_link,
)

STYLES: Final = {"critical": "attention", "error": "attention", "warning": "warning", "info": "accent"}
# Teams refuses cards beyond 28 KB.
MAX_TEXT: Final = 8000
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]~])")
_LINE_START: Final = re.compile(r"^(\s*)([#>+\-]|\d+(?=[.)]))", re.MULTILINE)
_CONNECTOR_ERROR: Final = re.compile(rb"HTTP error (\d{3})")


class TeamsConfig(TransportConfig):
    """`{webhookUrl}`."""

    webhookUrl: WebAddress  # noqa: N815 - the wire's name


class TeamsTransport:
    """Post an adaptive card to a channel or chat."""

    kind: ClassVar[str] = "teams"
    display_name: ClassVar[str] = "Microsoft Teams"
    config_model: ClassVar[type[TransportConfig]] = TeamsConfig

    def summary(self, config: TeamsConfig) -> str:
        """Return the host."""
        return host_of(config.webhookUrl)

    def send(self, config: TeamsConfig, message: Message, dispatch: Dispatch) -> Receipt:
        """Post the card. A connector answers 200 with "HTTP error 429" in its text: that is no delivery."""
        answer = post_json(dispatch, config.webhookUrl, teams_payload(message))
        if match := _CONNECTOR_ERROR.search(answer.body):
            status = int(match.group(1))
            is_transient = status == 429 or status >= 500
            text = f"Teams took the request but reported HTTP error {status} for the message."
            raise TransportError(text, is_permanent=not is_transient, is_sent=True, status_code=status)
        return Receipt(answer.status)


def escape_card_markdown(text: str) -> str:
    """Escape the markdown that a card's text understands, so that a name stays a name and no link is forged."""
    text = _MARKDOWN.sub(r"\\\1", text)
    return _LINE_START.sub(_escape_start, text)


def teams_payload(message: Message) -> dict[str, Any]:
    """Return the message with its card (Adaptive Cards 1.4, the newest that Teams shows everywhere)."""
    title = message.title
    body: list[dict[str, Any]] = [
        {
            "type": "Container",
            "style": STYLES.get(message.severity, "default"),
            "bleed": True,
            "items": [_text(title, weight="Bolder", size="Medium")],
        }
    ]
    body += [_text(paragraph) for paragraph in message.message[:MAX_TEXT].split("\n") if paragraph.strip()]
    if facts := facts_of(message):
        entries = [{"title": escape_card_markdown(name), "value": escape_card_markdown(value)} for name, value in facts]
        body.append({"type": "FactSet", "facts": entries})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": escape_card_markdown(title),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if link := web_link(message.link):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Kaireon", "url": link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escape_card_markdown(text), "wrap": True, **style}


def _escape_start(match: re.Match[str]) -> str:
    indent, mark = match.groups()
    return f"{indent}{mark}\u200b" if mark.isdigit() else f"{indent}\\{mark}"
