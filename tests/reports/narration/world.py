"""A report to tell of, a text that may be used, and a model server for each wire format."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from reports.decisions.document import Column, Document, Figure, Row, Section, Unit
from reports.decisions.narrative.spending import Spending, Usage
from reports.narration.settings import AiSettings, ai_settings
from tests.servers import Got, Receiver, Reply, receiving

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KEY = "sk-s3cret-Key_with-42-characters"
JSON = {"Content-Type": "application/json; charset=utf-8"}

OFFERS = (
    Column("offer", "Offer"),
    Column("clicks", "Clicks", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("ctr", "Click rate", Unit.RATIO),
)
ROWS: tuple[Row, ...] = (
    ("Summer sale", 1200, Decimal("4000.50"), 0.123),
    ("Winter sale", 800, Decimal(3000), 0.1),
    ("Loyalty card", 5, Decimal(1), None),
)
REVENUE = Figure("revenue", "Revenue", Decimal(12345), Unit.MONEY, Decimal("10973.33"))
CLICK_RATE = Figure("ctr", "Click rate", 0.1234, Unit.RATIO, 0.13)
ORDERS = Figure("orders", "Orders", 12, Unit.COUNT, 0)
VISITS = Figure("visits", "Visits", 5000, Unit.COUNT, 5000)


def offers(**changes: Any) -> Section:
    """Return the section that most tests tell of."""
    section = Section(
        "offers", "Offer performance", "offer_performance", OFFERS, ROWS, figures=(REVENUE, CLICK_RATE, ORDERS, VISITS)
    )
    return replace(section, **changes)


def trend(**changes: Any) -> Section:
    """Return a section whose rows are days."""
    rows = tuple((date(2026, 11, day), Decimal(100 * day)) for day in range(14, 21))
    columns = (Column("day", "Day", Unit.DATE), Column("revenue", "Revenue", Unit.MONEY))
    return replace(Section("trend", "Revenue trend", "revenue_trend", columns, rows), **changes)


def failed(**changes: Any) -> Section:
    """Return a section that could not be made."""
    return replace(
        Section("budget", "Budget burn", "budget_burn", (), (), error="days must be between 1 and 365"), **changes
    )


def document(*sections: Section, **changes: Any) -> Document:
    """Return a report of these sections, or of the offers and the trend."""
    whole = Document(
        "Weekly", "", "Acme", "14 to 20 Nov 2026", NOW, datetime(2026, 11, 21, tzinfo=UTC), "Europe/Berlin",
        sections or (offers(), trend()),
    )  # fmt: skip
    return replace(whole, **changes)


def draft(**changes: Any) -> dict[str, Any]:
    """Return an answer for `document()` that may be used, as a model gives it."""
    good = {
        "executiveSummary": "In {{period}} the revenue of {{tenant}} rose by {{s1.revenue.by}} "
        "to {{s1.revenue.value}}.",
        "sections": [
            {
                "id": "s1",
                "paragraph": "{{s1.r1.offer}} made {{s1.r1.revenue}} of revenue out of {{s1.r1.clicks}} clicks.",
            },
            {"id": "s2", "paragraph": "The revenue of {{s2.r7.day}} was {{s2.r7.revenue}}."},
        ],
        "takeaways": [
            "Revenue rose by {{s1.revenue.by}}.",
            "Click rate fell to {{s1.ctr.value}} ({{s1.ctr.change}}).",
            "Visits were unchanged at {{s1.visits.value}}.",
        ],
    }
    return {**good, **changes}


def summary(text: str) -> str:
    """Return an answer with this summary."""
    return json.dumps(draft(executiveSummary=text))


class MemoryLedger:
    """An account in memory."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.usage = usage or Usage()
        self.recorded: list[Spending] = []

    def used(self, now: datetime) -> Usage:
        """Return what was spent before, and what has been recorded since."""
        spent = sum((each.usd or Decimal(0) for each in self.recorded), Decimal(0))
        tokens = sum(each.tokens for each in self.recorded)
        return Usage(self.usage.tokens_today + tokens, self.usage.usd_this_month + spent)

    def record(self, spending: Spending, now: datetime) -> None:
        """Add one call."""
        self.recorded.append(spending)


@dataclass(frozen=True)
class Wire:
    """How one provider speaks: what it is asked with, and how its server answers."""

    provider: str
    model: str
    path: str
    key_header: tuple[str, str]
    wrap: Callable[[str, int, int], Mapping[str, Any]]
    refusal: Mapping[str, Any]
    cut_off: Mapping[str, Any]
    system: Callable[[Mapping[str, Any]], str]
    turns: Callable[[Mapping[str, Any]], list[tuple[str, str]]]
    base_path: str = ""

    def settings(self, receiver: Receiver, **changes: Any) -> AiSettings:
        """Return the settings that lead to a server."""
        values = {"provider": self.provider, "model": self.model, "api_key": KEY}
        return ai_settings(**{**values, "base_url": receiver.url(self.base_path), **changes})

    def reply(self, text: str, tokens_in: int = 1000, tokens_out: int = 200) -> Reply:
        """Return the answer of a model that wrote this text."""
        return said(self.wrap(text, tokens_in, tokens_out))


def said(content: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), {**JSON, **named})


def _openai(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, "refusal": None}}
    return {"choices": [choice], "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}}


def _handed_in(text: str) -> Any:
    """Return a tool's input: an object, or what a model does instead."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _anthropic(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    handed_in = _handed_in(text)
    block: dict[str, Any] = {"type": "text", "text": text}
    if handed_in is not None:
        block = {"type": "tool_use", "id": "t1", "name": "write_narrative", "input": handed_in}
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    return {"type": "message", "content": [block], "stop_reason": "tool_use", "usage": usage}


def _google(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": tokens_in, "candidatesTokenCount": tokens_out}
    return {"candidates": [candidate], "usageMetadata": usage}


def _ollama(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    counts = {"prompt_eval_count": tokens_in, "eval_count": tokens_out}
    return {"model": "llama", "message": message, "done": True, "done_reason": "stop", **counts}


def _bedrock(text: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    handed_in = _handed_in(text)
    block: dict[str, Any] = {"text": text}
    if handed_in is not None:
        block = {"toolUse": {"toolUseId": "t1", "name": "write_narrative", "input": handed_in}}
    usage = {"inputTokens": tokens_in, "outputTokens": tokens_out}
    return {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "tool_use", "usage": usage}


def _messages(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in body["messages"] if turn["role"] != "system"]


OPENAI = Wire(
    "openai", "gpt-5-mini", "/v1/chat/completions", ("authorization", f"Bearer {KEY}"), _openai,
    refusal={"choices": [{"finish_reason": "stop", "message": {"content": None, "refusal": "I cannot help."}}]},
    cut_off={"choices": [{"finish_reason": "length", "message": {"content": '{"executiveSum'}}]},
    system=lambda body: str(body["messages"][0]["content"]), turns=_messages, base_path="/v1",
)  # fmt: skip
LM_STUDIO = replace(OPENAI, provider="lm_studio", model="qwen3-8b")
ANTHROPIC = Wire(
    "anthropic", "claude-haiku-4-5", "/v1/messages", ("x-api-key", KEY), _anthropic,
    refusal={"content": [{"type": "text", "text": "I cannot."}], "stop_reason": "refusal"},
    cut_off={"content": [], "stop_reason": "max_tokens"},
    system=lambda body: str(body["system"]), turns=_messages,
)  # fmt: skip
GOOGLE = Wire(
    "google", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent", ("x-goog-api-key", KEY), _google,
    refusal={"promptFeedback": {"blockReason": "SAFETY"}},
    cut_off={"candidates": [{"content": {"parts": [{"text": "{"}]}, "finishReason": "MAX_TOKENS"}]},
    system=lambda body: str(body["systemInstruction"]["parts"][0]["text"]),
    turns=lambda body: [(turn["role"], turn["parts"][0]["text"]) for turn in body["contents"]], base_path="/v1beta",
)  # fmt: skip
OLLAMA = Wire(
    "ollama", "llama3.1", "/api/chat", ("authorization", f"Bearer {KEY}"), _ollama,
    refusal={"message": {"role": "assistant", "content": "I cannot help with that."}, "done_reason": "stop"},
    cut_off={"message": {"content": '{"exec'}, "done_reason": "length"},
    system=lambda body: str(body["messages"][0]["content"]), turns=_messages,
)  # fmt: skip
BEDROCK = Wire(
    "bedrock", "eu.anthropic.claude-haiku-4-5-v1:0", "/model/eu.anthropic.claude-haiku-4-5-v1%3A0/converse",
    ("authorization", f"Bearer {KEY}"), _bedrock,
    refusal={"output": {"message": {"content": [{"text": "No."}]}}, "stopReason": "guardrail_intervened"},
    cut_off={"output": {"message": {"content": []}}, "stopReason": "max_tokens"},
    system=lambda body: str(body["system"][0]["text"]),
    turns=lambda body: [(turn["role"], turn["content"][0]["text"]) for turn in body["messages"]],
)  # fmt: skip
WIRES = (OPENAI, LM_STUDIO, ANTHROPIC, GOOGLE, OLLAMA, BEDROCK)


def asked(got: Got) -> Mapping[str, Any]:
    """Return the body of a request to a model."""
    body = json.loads(got.body)
    assert isinstance(body, dict)
    return body


@contextmanager
def model(wire: Wire, *answers: Reply | None) -> Iterator[Receiver]:
    """Run a model server that gives these answers in turn, the last one for ever; None cuts the connection."""
    left = list(answers)

    def script(got: Got) -> Reply | None:
        return left.pop(0) if len(left) > 1 else left[0]

    with receiving(script) as receiver:
        yield receiver


class Naps:
    """Remembers the waits instead of waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Note a wait."""
        self.seconds.append(seconds)
