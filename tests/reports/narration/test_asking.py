"""One question to a model: when it is repeated, how long it may take, and what is said of a refusal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kaireon.platform.http import operator_session
from reports.decisions.narrative.prompt import Prompt, Turn
from reports.narration.asking import DEFAULT_WAIT, Asker, TimeLeft
from reports.narration.providers.base import Access, ModelError, Reply
from reports.narration.providers.registry import PROVIDERS
from tests.reports.narration.world import KEY, NOW, OLLAMA, Naps, model, said
from tests.servers import Receiver
from tests.servers import Reply as Served

PROMPT = Prompt("Rules.", (Turn("user", "{}"),))


class Calls:
    """Remembers what was called, and what it brought."""

    def __init__(self) -> None:
        self.replies: list[Reply | None] = []

    def __call__(self, prompt: Prompt, reply: Reply | None) -> None:
        """Note a call."""
        self.replies.append(reply)


def asker(
    receiver: Receiver, *, seconds: float = 10.0, sleep: Callable[[float], None] | None = None, calls: Any = None
) -> Asker:
    """Return what asks an Ollama server."""
    access = Access("llama", receiver.url(""), KEY)
    return Asker(
        PROVIDERS["ollama"], access, operator_session(), TimeLeft(seconds), NOW, calls or Calls(), sleep or Naps()
    )


def failure(*answers: Served | None, **arguments: Any) -> ModelError:
    """Return what comes of these answers."""
    with model(OLLAMA, *answers) as receiver, pytest.raises(ModelError) as error:
        asker(receiver, **arguments).ask(PROMPT, {})
    return error.value


def test_an_answer_is_returned_and_counted() -> None:
    calls = Calls()
    with model(OLLAMA, OLLAMA.reply("x", 5, 6)) as receiver:
        reply = asker(receiver, calls=calls).ask(PROMPT, {})

    assert reply == Reply("x", 5, 6)
    assert calls.replies == [reply]


@pytest.mark.parametrize(
    ("first", "waits"),
    [
        (said({}, 429, Retry_After="2"), [2.0]),
        (said({}, 429, Retry_After="soon"), [DEFAULT_WAIT.total_seconds()]),
        (said({}, 429, Retry_After="-5"), [DEFAULT_WAIT.total_seconds()]),
        (said({}, 429, Retry_After="0"), [DEFAULT_WAIT.total_seconds()]),
        (said({}, 503), [DEFAULT_WAIT.total_seconds()]),
        (said({}, 500, Retry_After="Sat, 21 Nov 2026 08:00:04 GMT"), [4.0]),
        (said({}, 500, Retry_After="Sat, 21 Nov 2020 08:00:04 GMT"), [DEFAULT_WAIT.total_seconds()]),
    ],
)
def test_a_busy_provider_is_asked_once_more(first: Served, waits: list[float]) -> None:
    naps, calls = Naps(), Calls()
    with model(OLLAMA, first, OLLAMA.reply("x")) as receiver:
        reply = asker(receiver, sleep=naps, calls=calls).ask(PROMPT, {})

    assert (reply.text, naps.seconds, len(calls.replies)) == ("x", waits, 1)


@pytest.mark.parametrize("status", [201, 204, 400, 401, 402, 403, 404, 409, 413, 418, 422])
def test_another_status_is_final(status: int) -> None:
    naps = Naps()
    error = failure(said({}, status), sleep=naps)

    assert (error.kind, error.is_transient, naps.seconds) == ("http", False, [])
    assert error.reason == f"The provider answered HTTP {status}."


def test_the_second_refusal_is_final_whatever_it_is() -> None:
    calls = Calls()
    error = failure(said({}, 429), said({"error": {"type": "not_found_error"}}, 404), calls=calls)

    assert error.reason == "The provider answered HTTP 404 (not_found_error)."
    assert calls.replies == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"error": {"code": "rate_limit_exceeded", "type": "tokens"}}, " (rate_limit_exceeded)"),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, " (INVALID_ARGUMENT)"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, " (overloaded_error)"),
        ({"error": "model 'x' not found"}, ""),
        ({"error": {"code": "contains spaces and more"}}, ""),
        ({"error": {"code": "sk-s3cret"}}, ""),
        ([], ""),
        ("text", ""),
    ],
)
def test_the_providers_own_word_is_shown_and_nothing_longer(body: Any, word: str) -> None:
    assert failure(said(body, 400)).reason == f"The provider answered HTTP 400{word}."


def test_an_error_page_is_not_shown() -> None:
    error = failure(Served(502, b"<html>" + KEY.encode() + b"</html>", {"Content-Type": "text/html"}))

    assert error.reason == "The provider answered HTTP 502."


@pytest.mark.parametrize(("seconds", "is_repeated"), [(10.0, True), (3.5, False)])
def test_a_wait_has_to_leave_time_for_the_answer(seconds: float, is_repeated: bool) -> None:
    naps = Naps()
    error = failure(said({}, 429, Retry_After="3"), said({}, 404), seconds=seconds, sleep=naps)

    assert bool(naps.seconds) is is_repeated
    assert ("asks to wait 3 s" in error.reason) is not is_repeated


def test_no_time_left_sends_nothing() -> None:
    with model(OLLAMA, OLLAMA.reply("x")) as receiver, pytest.raises(ModelError) as error:
        asker(receiver, seconds=0).ask(PROMPT, {})

    assert (receiver.got, error.value.kind) == ([], "time")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Served(200, b"x" * 300_000, {"Content-Type": "application/json"}), "too_long"),
        (Served(200, b"{}", {"Content-Type": "text/plain"}), "content_type"),
        (Served(200, b"", {"Content-Type": "application/json"}), "empty"),
        (Served(200, b"nonsense", {"Content-Type": "application/json"}), "json"),
        (Served(200, b"[1]", {"Content-Type": "application/json"}), "json"),
        (None, "unreachable"),
    ],
)
def test_an_answer_that_cannot_be_used_may_have_cost_something(answer: Served | None, kind: str) -> None:
    calls = Calls()

    assert failure(answer, calls=calls).kind == kind
    assert calls.replies == [None]


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=UTF-8", "application/problem+json"])
def test_json_is_known_by_its_content_type(kind: str) -> None:
    served = Served(200, b'{"message": {"content": "x"}}', {"Content-Type": kind})
    with model(OLLAMA, served) as receiver:
        assert asker(receiver).ask(PROMPT, {}).text == "x"


def test_time_left_runs_out_and_stays_out() -> None:
    assert TimeLeft(-1).seconds() == 0
    assert 0 < TimeLeft(60).seconds() <= 60


def test_an_error_keeps_its_wait() -> None:
    error = ModelError("x", is_transient=True, retry_after=timedelta(seconds=3))

    assert (error.retry_after, str(error)) == (timedelta(seconds=3), "x")
