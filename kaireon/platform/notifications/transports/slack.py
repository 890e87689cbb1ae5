"""Slack: an incoming webhook, blocks, and a colour band for the severity."""

from typing import Any, ClassVar, Final

from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports.base import (
    Dispatch,
    Receipt,
    TransportConfig,
    WebAddress,
    facts_of,
    host_of,
    post_json,
    web_link,
)

# Slack's limits: https://docs.slack.dev/reference/block-kit/blocks
MAX_HEADER: Final = 150
MAX_TEXT: Final = 3000
COLOURS: Final = {"critical": "#B91C1C", "error": "#B91C1C", "warning": "#B45309", "info": "#1D4ED8"}


class SlackConfig(TransportConfig):
    """`{webhookUrl}`."""

    webhookUrl: WebAddress  # noqa: N815 - the wire's name


class SlackTransport:
    """Post a message to a channel."""

    kind: ClassVar[str] = "slack"
    display_name: ClassVar[str] = "Slack"
    config_model: ClassVar[type[TransportConfig]] = SlackConfig

    def summary(self, config: SlackConfig) -> str:
        """Return the host."""
        return host_of(config.webhookUrl)

    def send(self, config: SlackConfig, message: Message, dispatch: Dispatch) -> Receipt:
        """Post the blocks."""
        return Receipt(post_json(dispatch, config.webhookUrl, slack_payload(message)).status)


def escape_mrkdwn(text: str) -> str:
    """Escape the three characters that Slack's mrkdwn gives a meaning to: no `<!channel>`, no forged link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_payload(message: Message) -> dict[str, Any]:
    """Return the body for an incoming webhook; `text` is what a phone's notification shows."""
    title = message.title
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, MAX_HEADER), "emoji": False}}
    ]
    if message.message.strip():
        blocks.append(_section(_cut(escape_mrkdwn(message.message), MAX_TEXT)))
    if facts := facts_of(message):
        lines = [f"*{escape_mrkdwn(name)}:* {escape_mrkdwn(value)}" for name, value in facts]
        blocks.append(_section(_cut("\n".join(lines), MAX_TEXT)))
    if link := web_link(message.link):
        blocks.append(_section(f"<{link.replace('&', '&amp;')}|Open in Kaireon>"))
    colour = COLOURS.get(message.severity, COLOURS["info"])
    return {
        "text": _cut(escape_mrkdwn(title), MAX_TEXT),
        "unfurl_links": False,
        "unfurl_media": False,
        "attachments": [{"color": colour, "fallback": _cut(escape_mrkdwn(title), MAX_TEXT), "blocks": blocks}],
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
