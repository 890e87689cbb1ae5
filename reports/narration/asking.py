"""One question to a model over HTTP: bounded in time and size, repeated once when the provider is busy."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kaireon.platform.http import Answer, OutboundError, OutboundSession
from kaireon.platform.notifications.decisions import parse_retry_after
from reports.decisions.narrative.prompt import Prompt
from reports.narration.providers.base import Access, ModelError, Provider, Reply, word_at

MAX_ANSWER_BYTES: Final = 256 * 1024
DEFAULT_WAIT: Final = timedelta(seconds=1)
# A second try with less time than this would only be cut off.
LEAST_SECONDS: Final = 1.0
_BUSY: Final = frozenset({408, 425, 429})

Sleep = Callable[[float], None]


class TimeLeft:
    """The seconds until a narrative has to be there."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def seconds(self) -> float:
        """Return how many are left, never less than 0."""
        return max(0.0, self._ends_at - time.monotonic())


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one model of one provider; `on_call` is told of every request that may have cost something."""

    provider: Provider
    access: Access
    session: OutboundSession
    left: TimeLeft
    now: datetime
    on_call: Callable[[Prompt, Reply | None], None]
    sleep: Sleep = field(default=time.sleep)

    def ask(self, prompt: Prompt, schema: Mapping[str, Any]) -> Reply:
        """Return what the model wrote. Raises ModelError; a busy provider has been asked twice by then."""
        try:
            return self._ask_once(prompt, schema)
        except ModelError as error:
            if not error.is_transient:
                raise
            self._wait(error)
        return self._ask_once(prompt, schema)

    def _wait(self, error: ModelError) -> None:
        wait = (error.retry_after or DEFAULT_WAIT).total_seconds()
        left = self.left.seconds()
        if wait + LEAST_SECONDS > left:
            reason = f"{error.reason} It asks to wait {wait:,.0f} s, and {left:,.0f} s are left."
            raise ModelError(reason, kind=error.kind) from None
        self.sleep(wait)

    def _ask_once(self, prompt: Prompt, schema: Mapping[str, Any]) -> Reply:
        call = self.provider.call(self.access, prompt, schema)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **call.headers}
        seconds = self.left.seconds()
        if seconds <= 0:
            raise ModelError("There was no time left to ask the model.", kind="time")
        try:
            answer = self.session.request(
                "POST", call.url, headers=headers, body=call.encoded(), seconds=seconds, max_bytes=MAX_ANSWER_BYTES + 1
            )
        except OutboundError as error:
            if error.is_sent:
                self.on_call(prompt, None)
            # `from None`: the cause's text is not ours to vouch for.
            raise ModelError(f"The model could not be asked: {error.message}", kind="unreachable") from None
        return self._read(prompt, answer)

    def _read(self, prompt: Prompt, answer: Answer) -> Reply:
        if answer.status != 200:
            raise self._refusal(answer)
        if _is_torn(answer):
            self.on_call(prompt, None)
            raise self._torn()
        try:
            reply = self.provider.read(_content(answer))
        except ModelError:
            self.on_call(prompt, None)
            raise
        self.on_call(prompt, reply)
        return reply

    def _torn(self) -> ModelError:
        if self.left.seconds():
            return ModelError("The connection was cut in the middle of the answer.", kind="torn")
        return ModelError("The model began to answer, but was not done in time.", kind="time")

    def _refusal(self, answer: Answer) -> ModelError:
        text = f"The provider answered HTTP {answer.status}"
        if word := self._error_word(answer):
            text += f" ({word})"
        if 300 <= answer.status < 400:
            text += "; redirects are not followed, AI_BASE_URL must be the final address"
        is_transient = answer.status in _BUSY or answer.status >= 500
        after = parse_retry_after(answer.headers.get("retry-after", ""), self.now) if is_transient else None
        kind = "busy" if is_transient else "http"
        return ModelError(f"{text}.", kind=kind, is_transient=is_transient, retry_after=after)

    def _error_word(self, answer: Answer) -> str:
        """Return the provider's own word for what is wrong; its sentences may repeat the key and stay unread."""
        try:
            content = json.loads(answer.body)
        except (ValueError, RecursionError):
            return ""
        for name in ("code", "status", "type"):
            if (word := word_at(content, "error", name)) and word not in self.access.api_key:
                return word
        return ""


def _is_torn(answer: Answer) -> bool:
    """Tell whether less has come than was announced; of a torn answer in chunks nothing is left."""
    if answer.headers.get("transfer-encoding", "").strip().lower() == "chunked":
        return not answer.body
    length = answer.headers.get("content-length", "").strip()
    announced = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
    return len(answer.body) < min(announced, MAX_ANSWER_BYTES + 1)


def _content(answer: Answer) -> Mapping[str, Any]:
    """Return an answer's JSON object. Raises ModelError for anything else."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise ModelError(f"The answer is longer than {MAX_ANSWER_BYTES // 1024} KiB and was cut off.", kind="too_long")
    if kind != "application/json" and not kind.endswith("+json"):
        raise ModelError("The answer is not JSON by its content type.", kind="content_type")
    if not answer.body:
        raise ModelError("The answer is empty, or was cut off.", kind="empty")
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ModelError("The answer is not readable as JSON.", kind="json") from None
    if not isinstance(content, dict):
        raise ModelError("The answer is no JSON object.", kind="json")
    return content
