"""What every provider is made of: the request that asks a model, and the reading of its answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol

from reports.decisions.narrative.prompt import Prompt

# Room for some twenty paragraphs, and for models that think before they write.
MAX_OUTPUT_TOKENS: Final = 8192
_WORD: Final = re.compile(r"[A-Za-z_]{3,60}")


class ModelError(Exception):
    """A model that gave no usable answer. The text is for operators and holds neither key nor query.

    `kind` is a word for logs; a transient one may be asked again after `retry_after`.
    """

    def __init__(
        self, reason: str, *, kind: str = "answer", is_transient: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.is_transient = is_transient
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Access:
    """Where a model is and how to be let in; the repr shows neither key nor address."""

    model: str
    base_url: str = field(repr=False)
    api_key: str = field(repr=False)

    def url(self, path: str) -> str:
        """Return the address of a path below the base, in front of the base's own query."""
        base, mark, query = self.base_url.partition("?")
        return f"{base.rstrip('/')}{path}{mark}{query}"


@dataclass(frozen=True, slots=True)
class Call:
    """One POST of a JSON document."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any]

    def encoded(self) -> bytes:
        """Return the body's bytes; what no UTF-8 can say has been escaped before."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote, and how many tokens it read and wrote: None where it does not say."""

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None


class Provider(Protocol):
    """One wire format. A new one is one module, one line in the registry and one row in the tests' table."""

    @property
    def key(self) -> str:
        """Return the word of AI_PROVIDER."""

    @property
    def default_model(self) -> str:
        """Return the model that is asked when AI_MODEL is unset; empty when it has to be named."""

    @property
    def default_base_url(self) -> str:
        """Return the address when AI_BASE_URL is unset; empty when it has to be named."""

    @property
    def needs_key(self) -> bool:
        """Tell whether nothing can be asked without AI_API_KEY."""

    @property
    def is_priced(self) -> bool:
        """Tell whether it charges what its price page says; a model on one's own machine has no price."""

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return what an answer of status 200 says. Raises ModelError for a refusal or a text that was cut off."""


def at(content: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and places in an answer, or None: nothing there is taken for granted."""
    for step in path:
        if isinstance(step, str):
            content = content.get(step) if isinstance(content, Mapping) else None
        else:
            content = content[step] if isinstance(content, list) and -len(content) <= step < len(content) else None
    return content


def count_at(content: Any, *path: str | int) -> int | None:
    """Return a number of tokens, or None for what is none."""
    count = at(content, *path)
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 10**9 else None


def text_at(content: Any, *path: str | int) -> str:
    """Return a text, or an empty one for what is none."""
    text = at(content, *path)
    return text if isinstance(text, str) else ""


def word_at(content: Any, *path: str | int) -> str:
    """Return a plain word such as `max_tokens`, or an empty text: longer texts may repeat what we sent."""
    word = text_at(content, *path)
    return word if _WORD.fullmatch(word) else ""


def refused(why: str = "") -> ModelError:
    """Return the error of a model that will not write."""
    return ModelError(f"The model refused to write{f' ({why})' if why else ''}.", kind="refusal")


def cut_off() -> ModelError:
    """Return the error of an answer that ran out of tokens."""
    return ModelError(f"The model's text is cut off at its limit of {MAX_OUTPUT_TOKENS:,} tokens.", kind="cut_off")
