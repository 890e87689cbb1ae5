"""Make a report's narrative: ask the model if one may be asked, check every word, else write the text without it."""

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from kaireon.platform.http import OutboundSession, operator_session, tenant_session
from reports.decisions.document import Document, Narrative, NarrativeSource
from reports.decisions.narrative.checks import check
from reports.decisions.narrative.draft import Draft, TextRefusedError, read_draft, schema_of
from reports.decisions.narrative.filling import SUMMARY_PART, parts_of
from reports.decisions.narrative.plain import failures_line, narrate_plainly, narrative_of, plain_paragraphs
from reports.decisions.narrative.prompt import Prompt, prompt_for, repair_of
from reports.decisions.narrative.slots import SlotBook, slots_of
from reports.decisions.narrative.spending import Caps, Spending, cap_refusal, cost_of, tokens_in_bytes
from reports.narration.asking import Asker, Sleep, TimeLeft
from reports.narration.ledger import UsageLedger
from reports.narration.providers.base import MAX_OUTPUT_TOKENS, Access, ModelError, Reply
from reports.narration.providers.registry import PROVIDERS
from reports.narration.settings import AiSettings

logger = logging.getLogger(__name__)

DEFAULT_SECONDS: Final = 60.0
NOTHING_TO_TELL: Final = "No section has anything to tell of, so no model was asked."


@dataclass(frozen=True, slots=True)
class Wish:
    """What the template says of its narrative: an addendum to the prompt, and another model than the default."""

    prompt: str = ""
    model: str = ""


@dataclass(slots=True)
class _Account:
    """Counts what this narrative costs, and asks the ledger before each call."""

    caps: Caps
    ledger: UsageLedger
    now: datetime
    model: str
    is_priced: bool
    spent: Spending = field(default_factory=Spending)

    def may_ask(self, prompt: Prompt) -> None:
        """Raise ModelError when the next call could break a cap."""
        expected = self._cost(tokens_in_bytes(prompt.size), MAX_OUTPUT_TOKENS)
        if refusal := cap_refusal(self.caps, self.ledger.used(self.now), expected):
            raise ModelError(refusal, kind="capped")

    def record(self, prompt: Prompt, reply: Reply | None) -> None:
        """Add one call; what the provider does not say is estimated."""
        read, written = (reply.tokens_in, reply.tokens_out) if reply else (None, None)
        estimate = tokens_in_bytes(len(reply.text.encode(errors="replace"))) if reply else 0
        spending = self._cost(
            tokens_in_bytes(prompt.size) if read is None else read,
            estimate if written is None else written,
            is_estimate=read is None or written is None,
        )
        self.spent += spending
        self.ledger.record(spending, self.now)

    def _cost(self, read: int, written: int, *, is_estimate: bool = False) -> Spending:
        spending = cost_of(self.model, read, written, is_estimate=is_estimate)
        return spending if self.is_priced else replace(spending, usd=None)


def narrate(
    document: Document, *, ai: AiSettings, ledger: UsageLedger, now: datetime, wish: Wish | None = None,
    caps: Caps | None = None, seconds: float = DEFAULT_SECONDS, sleep: Sleep = time.sleep,
) -> Narrative:  # fmt: skip
    """Return the narrative of a document; its own `narrative` is not looked at.

    Takes `seconds` at most, counted from the call. Nothing that a model or its provider does raises: the deterministic
    text comes back with the `reason`, and with what the attempt has cost. Call it outside of a transaction.
    """
    left, wish = TimeLeft(seconds), wish or Wish()
    settings = ai.with_model(wish.model)
    provider = PROVIDERS[settings.provider]
    account = _Account(caps or Caps(), ledger, now, settings.model, provider.is_priced)
    try:
        if missing := settings.missing():
            raise ModelError(missing, kind="unset")
        book = slots_of(document)
        if not book.handles:
            raise ModelError(NOTHING_TO_TELL, kind="nothing")
        access = Access(settings.model, settings.base_url, settings.api_key)
        asker = Asker(provider, access, _session(settings), left, now, account.record, sleep)
        draft = _draft(asker, account, prompt_for(document, book, wish.prompt), book)
    except ModelError as error:
        _log(error.kind, settings, account.spent)
        return _with_cost(narrate_plainly(document, reason=error.reason), settings, account.spent)
    return _with_cost(_told(document, draft, book), settings, account.spent)


def _session(settings: AiSettings) -> OutboundSession:
    return tenant_session() if settings.is_tenants else operator_session()


def _draft(asker: Asker, account: _Account, prompt: Prompt, book: SlotBook) -> Draft:
    """Return a draft that may be used, after one repair at most. Raises ModelError."""
    schema = schema_of(book.handles)
    account.may_ask(prompt)
    answer = asker.ask(prompt, schema).text
    try:
        return _checked(answer, book)
    except TextRefusedError as error:
        first = error.reason
    repair = repair_of(prompt, answer, first)
    try:
        account.may_ask(repair)
        return _checked(asker.ask(repair, schema).text, book)
    except TextRefusedError as error:
        reason = f"The model's text was refused twice: {first}; then {error.reason}."
        raise ModelError(reason, kind="text") from None
    except ModelError as error:
        reason = f"The model's text was refused: {first}. A second one was not to be had. {error.reason}"
        raise ModelError(reason, kind=error.kind) from None


def _checked(answer: str, book: SlotBook) -> Draft:
    draft = read_draft(answer, book.handles)
    check(draft, book)
    return draft


def _told(document: Document, draft: Draft, book: SlotBook) -> Narrative:
    """Return the model's text with its figures; sections without data keep the deterministic words."""
    parts = plain_paragraphs(document) | parts_of(draft, book)
    if failures := failures_line(document):
        parts[SUMMARY_PART].append(f" {failures}")
    return narrative_of(parts, document, NarrativeSource.LLM)


def _with_cost(narrative: Narrative, settings: AiSettings, spent: Spending) -> Narrative:
    if not spent.tokens and narrative.source is NarrativeSource.DETERMINISTIC:
        return narrative
    return replace(narrative, model=settings.model, tokens=spent.tokens, cost_usd=spent.usd)


def _log(kind: str, settings: AiSettings, spent: Spending) -> None:
    level = logging.INFO if kind in {"unset", "nothing"} else logging.WARNING
    logger.log(
        level,
        "A narrative is deterministic",
        extra={
            "event": "narration.fallback", "why": kind, "provider": settings.provider, "model": settings.model,
            "tokens": spent.tokens,
        },
    )  # fmt: skip
