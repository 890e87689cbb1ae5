"""A narrative by a model over each wire format, and what comes of everything that goes wrong."""

import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from reports.decisions.document import Narrative, NarrativeSource
from reports.narration import Caps, NoLedger, Usage, Wish, narrate, narrate_plainly
from reports.narration.asking import MAX_ANSWER_BYTES
from reports.narration.settings import AiSettings, ai_settings
from tests.reports.narration.world import (
    GOOGLE,
    JSON,
    KEY,
    NOW,
    OLLAMA,
    OPENAI,
    WIRES,
    MemoryLedger,
    Naps,
    Wire,
    asked,
    document,
    draft,
    failed,
    model,
    offers,
    said,
    summary,
    trend,
)
from tests.servers import Got, Receiver, Reply, raw_server, receiving, unused_port

GOOD = json.dumps(draft())
each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.provider)


def told(wire: Wire, receiver: Receiver, **arguments: object) -> Narrative:
    """Narrate the report through a server."""
    values: dict[str, object] = {"ledger": MemoryLedger(), "now": NOW, "seconds": 10.0, "sleep": Naps()}
    return narrate(document(), ai=wire.settings(receiver), **{**values, **arguments})  # type: ignore[arg-type]


def assert_plain(narrative: Narrative, *words: str) -> None:
    """Check that the text is the deterministic one, and that the reason holds these words and no secret."""
    expected = narrate_plainly(document())
    assert narrative.source is NarrativeSource.DETERMINISTIC
    assert narrative.executive_summary == expected.executive_summary
    assert (narrative.paragraphs, narrative.takeaways) == (expected.paragraphs, expected.takeaways)
    assert [word for word in words if word not in narrative.reason] == []
    assert KEY not in narrative.reason


# --- A good answer


@each_wire
def test_a_good_answer_is_told_with_the_figures_of_the_data(wire: Wire) -> None:
    with model(wire, wire.reply(GOOD)) as receiver:
        narrative = told(wire, receiver)

    assert narrative.source is NarrativeSource.LLM
    assert narrative.executive_summary == "In 14 to 20 Nov 2026 the revenue of “Acme” rose by 12.5 % to 12,345.00."
    assert narrative.paragraphs == {
        "offers": "“Summer sale” made 4,000.50 of revenue out of 1,200 clicks.",
        "trend": "The revenue of 2026-11-20 was 2,000.00.",
    }
    assert narrative.takeaways == (
        "Revenue rose by 12.5 %.",
        "Click rate fell to 12.3 % (-0.7 percentage points).",
        "Visits were unchanged at 5,000.",
    )
    assert (narrative.reason, narrative.model, narrative.tokens) == ("", wire.model, 1200)


@each_wire
def test_the_request_speaks_the_providers_format(wire: Wire) -> None:
    with model(wire, wire.reply(GOOD)) as receiver:
        told(wire, receiver)

    (got,) = receiver.got
    name, value = wire.key_header
    assert (got.method, got.path, got.headers[name]) == ("POST", wire.path, value)
    assert got.headers["content-type"] == "application/json"
    assert "never write a number" in wire.system(asked(got))
    ((role, data),) = wire.turns(asked(got))
    assert (role, json.loads(data)["sections"][0]["figures"][0]["value"]) == ("user", "12,345.00")


@each_wire
def test_the_key_travels_in_one_header_alone(wire: Wire) -> None:
    with model(wire, wire.reply(GOOD)) as receiver:
        told(wire, receiver)

    (got,) = receiver.got
    assert [name for name, value in got.headers.items() if KEY in value] == [wire.key_header[0]]
    assert KEY not in got.path
    assert KEY.encode() not in got.body


def test_each_figure_is_traced_to_its_cell() -> None:
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = told(OPENAI, receiver)

    texts = {
        "executiveSummary": narrative.executive_summary,
        **{f"sections.{name}": text for name, text in narrative.paragraphs.items()},
        **{f"takeaways.{number}": text for number, text in enumerate(narrative.takeaways)},
    }
    traces = [(trace.part, trace.text, trace.section_id, trace.row, trace.column) for trace in narrative.traces]
    assert ("executiveSummary", "12,345.00", "offers", None, "revenue") in traces
    assert ("sections.offers", "4,000.50", "offers", 0, "revenue") in traces
    assert ("sections.trend", "2026-11-20", "trend", 6, "day") in traces
    for trace in narrative.traces:
        assert texts[trace.part][trace.start : trace.start + len(trace.text)] == trace.text


def test_a_section_that_failed_or_is_empty_is_not_the_models_to_tell() -> None:
    report = document(offers(), failed(), trend(), trend(id="empty", rows=()))
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = narrate(report, ai=OPENAI.settings(receiver), ledger=MemoryLedger(), now=NOW)

    assert narrative.source is NarrativeSource.LLM
    assert narrative.paragraphs["budget"] == "This section could not be made: days must be between 1 and 365."
    assert narrative.paragraphs["empty"] == "There is nothing to show for this period."
    assert narrative.executive_summary.endswith("1 of 4 sections could not be made: “Budget burn”.")
    ((_, data),) = OPENAI.turns(asked(receiver.got[0]))
    assert [section["title"] for section in json.loads(data)["sections"]] == ["Offer performance", "Revenue trend"]


def test_sections_beyond_the_twentieth_keep_the_deterministic_words() -> None:
    report = document(*(offers(id=f"o{number}") for number in range(25)))
    paragraphs = [
        {"id": f"s{number}", "paragraph": f"Revenue was {{{{s{number}.revenue.value}}}}."} for number in range(1, 21)
    ]
    with model(OPENAI, OPENAI.reply(json.dumps(draft(sections=paragraphs)))) as receiver:
        narrative = narrate(report, ai=OPENAI.settings(receiver), ledger=MemoryLedger(), now=NOW)

    assert narrative.source is NarrativeSource.LLM
    assert narrative.paragraphs["o19"] == "Revenue was 12,345.00."
    assert narrative.paragraphs["o20"] == narrate_plainly(report).paragraphs["o20"]


def test_a_report_without_anything_to_tell_asks_no_model() -> None:
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = narrate(document(failed()), ai=OPENAI.settings(receiver), ledger=MemoryLedger(), now=NOW)

    assert receiver.got == []
    assert narrative.reason == "No section has anything to tell of, so no model was asked."


def test_the_template_may_choose_the_model_and_the_tone() -> None:
    wish = Wish(prompt="Write like a pirate.\u202e", model="gpt-4.1-mini")
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = told(OPENAI, receiver, wish=wish)

    body = asked(receiver.got[0])
    assert (body["model"], narrative.model) == ("gpt-4.1-mini", "gpt-4.1-mini")
    assert OPENAI.system(body).endswith("Write like a pirate.\\u202e")


def test_a_tone_that_asks_for_figures_gets_none() -> None:
    obeyed = summary("Arr, the revenue doubled and be {{s1.revenue.value}} of the finest pieces.")
    with model(OPENAI, OPENAI.reply(obeyed)) as receiver:
        narrative = told(OPENAI, receiver, wish=Wish(prompt="Always say that revenue doubled."))

    assert_plain(narrative, "counts by itself: “doubled”")


# --- A text that is not used


@each_wire
def test_an_invented_number_is_repaired_once(wire: Wire) -> None:
    with model(wire, wire.reply(summary("Revenue was 99,999 in all of the period.")), wire.reply(GOOD)) as receiver:
        narrative = told(wire, receiver)

    assert narrative.source is NarrativeSource.LLM
    assert narrative.tokens == 2400
    turns = wire.turns(asked(receiver.got[1]))
    assert [role for role, _ in turns] == ["user", {"google": "model"}.get(wire.provider, "assistant"), "user"]
    assert "99,999" in turns[1][1]
    assert "the summary holds the sign “9”" in turns[2][1]


@each_wire
def test_a_number_invented_twice_gives_the_deterministic_text(wire: Wire) -> None:
    with model(wire, wire.reply(summary("Revenue was 99,999 in all of the period."))) as receiver:
        narrative = told(wire, receiver)

    assert len(receiver.got) == 2
    assert_plain(narrative, "refused twice", "the summary holds the sign “9”")
    assert (narrative.model, narrative.tokens) == (wire.model, 2400)


@each_wire
def test_a_text_that_is_no_json_is_not_used(wire: Wire) -> None:
    with model(wire, wire.reply('{"executiveSummary": "Rev')) as receiver:
        narrative = told(wire, receiver)

    assert_plain(narrative, "not the JSON document that was asked for")


@each_wire
def test_an_empty_text_is_not_used(wire: Wire) -> None:
    with model(wire, wire.reply("")) as receiver:
        narrative = told(wire, receiver)

    assert_plain(narrative, "it is empty")


@each_wire
def test_a_refusal_is_said_and_not_argued_with(wire: Wire) -> None:
    with model(wire, said(wire.refusal)) as receiver:
        narrative = told(wire, receiver)

    if wire is OLLAMA:  # it knows no refusal: what the model says is simply not what was asked for
        assert_plain(narrative, "not the JSON document")
    else:
        assert_plain(narrative, "The model refused to write")
        assert len(receiver.got) == 1


@each_wire
def test_a_text_cut_off_by_the_token_limit_is_not_used(wire: Wire) -> None:
    with model(wire, said(wire.cut_off)) as receiver:
        narrative = told(wire, receiver)

    assert_plain(narrative, "cut off at its limit of 8,192 tokens")


@each_wire
@pytest.mark.parametrize("content", [{}, {"choices": "x"}, {"candidates": [None]}, {"content": 7}, {"output": []}])
def test_an_answer_of_another_shape_is_not_used(wire: Wire, content: object) -> None:
    with model(wire, said(content)) as receiver:
        narrative = told(wire, receiver)

    assert_plain(narrative, "empty")


def test_a_second_answer_that_does_not_come_leaves_the_first_reason() -> None:
    bad = OPENAI.reply(summary("Revenue was 99,999 in all of the period."))
    with model(OPENAI, bad, None) as receiver:
        narrative = told(OPENAI, receiver)

    assert_plain(narrative, "holds the sign “9”", "A second one was not to be had.", "connection was cut")


# --- A provider that does not answer as it should


@each_wire
def test_a_busy_provider_is_asked_again_when_it_says(wire: Wire) -> None:
    naps = Naps()
    with model(wire, said({}, 429, Retry_After="3"), wire.reply(GOOD)) as receiver:
        narrative = told(wire, receiver, sleep=naps)

    assert (narrative.source, naps.seconds, narrative.tokens) == (NarrativeSource.LLM, [3.0], 1200)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_provider_that_stays_busy_is_asked_twice(status: int) -> None:
    naps = Naps()
    with model(OPENAI, said({"error": {"code": "overloaded"}}, status)) as receiver:
        narrative = told(OPENAI, receiver, sleep=naps)

    assert (len(receiver.got), naps.seconds) == (2, [1.0])
    assert_plain(narrative, f"HTTP {status} (overloaded)")
    assert (narrative.tokens, narrative.model) == (0, "")


def test_a_wait_beyond_the_deadline_is_not_waited_for() -> None:
    naps = Naps()
    with model(OPENAI, said({}, 429, Retry_After="3600")) as receiver:
        narrative = told(OPENAI, receiver, sleep=naps)

    assert (len(receiver.got), naps.seconds) == (1, [])
    assert_plain(narrative, "HTTP 429", "asks to wait 3,600 s")


def test_a_wait_may_be_a_date() -> None:
    naps = Naps()
    with model(OPENAI, said({}, 503, Retry_After="Sat, 21 Nov 2026 08:00:05 GMT"), OPENAI.reply(GOOD)) as receiver:
        told(OPENAI, receiver, sleep=naps)

    assert naps.seconds == [5.0]


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_request_error"), (401, "invalid_api_key"), (404, "model_not_found")]
)
def test_a_refused_request_is_not_repeated_and_says_the_providers_word(status: int, code: str) -> None:
    content = {"error": {"code": code, "message": f"Incorrect API key provided: {KEY}"}}
    with model(OPENAI, said(content, status)) as receiver:
        narrative = told(OPENAI, receiver)

    assert len(receiver.got) == 1
    assert_plain(narrative, f"HTTP {status} ({code})")


def test_a_word_that_is_the_key_is_not_repeated() -> None:
    with model(OPENAI, said({"error": {"code": "onlylettersinthiskey"}}, 401)) as receiver:
        ai = OPENAI.settings(receiver, api_key="onlylettersinthiskey")
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW)

    assert narrative.reason == "The provider answered HTTP 401."


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with receiving() as other, model(OPENAI, Reply(status, b"", {"Location": other.url()})) as receiver:
        narrative = told(OPENAI, receiver)

    assert other.got == []
    assert_plain(narrative, f"HTTP {status}", "redirects are not followed")


@each_wire
def test_an_answer_of_five_megabytes_is_cut_off_and_refused(wire: Wire) -> None:
    with model(wire, wire.reply("x" * 5_000_000)) as receiver:
        narrative = told(wire, receiver)

    assert len(receiver.got) == 1
    assert_plain(narrative, "longer than 256 KiB")


def test_the_largest_answer_is_read() -> None:
    body = json.dumps(OPENAI.wrap(GOOD, 1, 1)).encode()
    with model(OPENAI, Reply(200, body + b" " * (MAX_ANSWER_BYTES - len(body)), JSON)) as receiver:
        narrative = told(OPENAI, receiver)

    assert narrative.source is NarrativeSource.LLM


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream", "application/x-ndjson", ""])
def test_another_content_type_is_refused(kind: str) -> None:
    body = json.dumps(OPENAI.wrap(GOOD, 1, 1)).encode()
    with model(OPENAI, Reply(200, body, {"Content-Type": kind} if kind else {})) as receiver:
        narrative = told(OPENAI, receiver)

    assert_plain(narrative, "not JSON by its content type")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not readable as JSON"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe", "not readable as JSON"),
        (b"[" * 200_000, "not readable as JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not readable as JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes, words: str) -> None:
    with model(OPENAI, Reply(200, body, JSON)) as receiver:
        narrative = told(OPENAI, receiver)

    assert_plain(narrative, words)


@each_wire
def test_a_connection_that_is_cut_gives_the_deterministic_text(wire: Wire) -> None:
    ledger = MemoryLedger()
    with model(wire, None) as receiver:
        narrative = told(wire, receiver, ledger=ledger)

    assert_plain(narrative, "connection was cut before an answer came")
    (spent,) = ledger.recorded
    assert (spent.is_estimate, narrative.tokens) == (True, spent.tokens)


def test_a_connection_that_is_reset_gives_the_deterministic_text() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with raw_server(reset) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW, seconds=10)

    assert_plain(narrative, f"127.0.0.1:{port}")


def test_a_model_that_does_not_answer_in_time_is_not_waited_for() -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with raw_server(silent) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW, seconds=0.3)

    assert_plain(narrative, "no answer came in time")


def test_a_model_that_drips_its_answer_is_cut_off() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        while connection.recv(65536):
            pass

    with raw_server(drip) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW, seconds=0.3)

    assert_plain(narrative, "began to answer, but was not done in time")


START = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        START + b"Content-Length: 1000\r\n\r\n{",
        START + b"Content-Length: 1000\r\n\r\n",
        START + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{",
        START + b"Transfer-Encoding: chunked\r\n\r\nnonsense",
    ],
)
def test_an_answer_that_is_cut_in_the_middle_is_not_used(answer: bytes) -> None:
    def cut(connection: socket.socket) -> None:
        _read_request(connection)
        connection.sendall(answer)

    with raw_server(cut) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW, seconds=10)

    assert_plain(narrative, "cut in the middle of the answer")


def test_an_answer_in_chunks_is_read() -> None:
    body = json.dumps(OLLAMA.wrap(GOOD, 1, 1)).encode()
    half = len(body) // 2

    def chunks(connection: socket.socket) -> None:
        _read_request(connection)
        connection.sendall(START + b"Transfer-Encoding: chunked\r\n\r\n")
        for piece in (body[:half], body[half:], b""):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))

    with raw_server(chunks) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=NoLedger(), now=NOW, seconds=10)

    assert narrative.source is NarrativeSource.LLM


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, b"\x16\x03\x01"],
)
def test_what_is_no_http_is_not_used(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        _read_request(connection)
        connection.sendall(answer)

    with raw_server(talk) as port:
        ai = ai_settings(provider="ollama", model="llama", base_url=f"http://127.0.0.1:{port}")
        narrative = narrate(document(), ai=ai, ledger=NoLedger(), now=NOW, seconds=10)

    assert_plain(narrative, "The model could not be asked", f"127.0.0.1:{port}")


def _read_request(connection: socket.socket) -> None:
    """Read a whole request, so that closing the connection resets nothing."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
    while len(body) < length:
        body += connection.recv(65536)


def test_a_repair_that_does_not_come_in_time_is_not_waited_for() -> None:
    done = threading.Event()
    left = [OPENAI.reply(summary("Revenue was 99,999 in all of the period."))]

    def script(got: Got) -> Reply | None:
        if left:
            return left.pop()
        done.wait(10)
        return None

    began = time.monotonic()
    with receiving(script) as receiver:
        narrative = told(OPENAI, receiver, seconds=1.0)
        took = time.monotonic() - began
        done.set()

    assert took < 5
    assert_plain(narrative, "holds the sign “9”", "no answer came in time")


def test_narratives_at_the_same_time_do_not_mix() -> None:
    def script(got: Got) -> Reply:
        name = json.loads(OPENAI.turns(asked(got))[0][1])["tenant"]
        assert name in {f"Tenant {letter}" for letter in "abcdefgh"}
        return OPENAI.reply(GOOD)

    def tell(letter: str) -> str:
        report = document(tenant_name=f"Tenant {letter}")
        return narrate(report, ai=ai, ledger=MemoryLedger(), now=NOW, seconds=30).executive_summary

    with receiving(script) as receiver, ThreadPoolExecutor(8) as pool:
        ai = OPENAI.settings(receiver)
        summaries = list(pool.map(tell, "abcdefgh"))

    assert [f"“Tenant {letter}”" in text for letter, text in zip("abcdefgh", summaries, strict=True)] == [True] * 8


def test_a_model_that_is_not_there_gives_the_deterministic_text() -> None:
    port = unused_port()
    ai = ai_settings(provider="lm_studio", model="qwen", base_url=f"http://127.0.0.1:{port}/v1?token=hidden")

    narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW, seconds=5)

    assert_plain(narrative, f"127.0.0.1:{port} could not be reached")
    assert "hidden" not in narrative.reason


def test_no_time_left_asks_nobody() -> None:
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = told(OPENAI, receiver, seconds=0.0)

    assert receiver.got == []
    assert_plain(narrative, "no time left")


# --- What is set up, and what may be spent


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "AI_API_KEY is unset (provider google)"),
        ({"provider": "openai", "api_key": KEY}, "AI_MODEL is unset (provider openai)"),
        ({"provider": "ollama"}, "AI_MODEL is unset (provider ollama)"),
        ({"provider": "bedrock", "api_key": KEY, "model": "m"}, "AI_BASE_URL is unset (provider bedrock)"),
    ],
)
def test_without_a_model_the_text_is_deterministic_and_says_what_is_unset(values: dict[str, Any], words: str) -> None:
    narrative = narrate(document(), ai=ai_settings(**values), ledger=MemoryLedger(), now=NOW)

    assert_plain(narrative, words)
    assert (narrative.model, narrative.tokens, narrative.cost_usd) == ("", 0, None)


def test_what_a_narrative_costs_is_counted_from_the_providers_own_figures() -> None:
    ledger = MemoryLedger()
    with model(GOOGLE, GOOGLE.reply(GOOD, 10_000, 2_000)) as receiver:
        narrative = told(GOOGLE, receiver, ledger=ledger)

    assert (narrative.tokens, narrative.cost_usd) == (12_000, Decimal("0.008"))
    assert [(each.tokens, each.usd, each.is_estimate) for each in ledger.recorded] == [
        (12_000, Decimal("0.008"), False)
    ]


def test_a_model_without_a_known_price_has_no_cost() -> None:
    with model(OLLAMA, OLLAMA.reply(GOOD)) as receiver:
        local = narrate(
            document(), ai=OLLAMA.settings(receiver, model="gpt-5"), ledger=MemoryLedger(), now=NOW, seconds=10
        )
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        unknown = told(OPENAI, receiver, wish=Wish(model="some-new-model"))

    assert (local.tokens, local.cost_usd) == (1200, None)
    assert (unknown.tokens, unknown.cost_usd) == (1200, None)


def test_tokens_that_the_provider_does_not_count_are_estimated() -> None:
    ledger = MemoryLedger()
    content = {key: value for key, value in OPENAI.wrap(GOOD, 1, 1).items() if key != "usage"}
    with model(OPENAI, said(content)) as receiver:
        narrative = told(OPENAI, receiver, ledger=ledger)

    assert ledger.recorded[0].is_estimate
    assert narrative.tokens > 1000


@pytest.mark.parametrize(
    ("caps", "usage", "words"),
    [
        (Caps(daily_tokens=200_000), Usage(tokens_today=199_000), "daily cap of 200,000 tokens leaves 1,000"),
        (Caps(daily_tokens=0), Usage(), "daily cap of 0 tokens"),
        (Caps(monthly_usd=Decimal(50)), Usage(usd_this_month=Decimal("49.999")), "monthly cap of 50.00 US dollars"),
        (Caps(monthly_usd=Decimal(0)), Usage(), "monthly cap of 0.00 US dollars"),
    ],
)
def test_a_cap_keeps_the_model_from_being_asked(caps: Caps, usage: Usage, words: str) -> None:
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        narrative = told(OPENAI, receiver, caps=caps, ledger=MemoryLedger(usage))

    assert receiver.got == []
    assert_plain(narrative, words)


def test_a_repair_is_paid_for_out_of_the_same_cap() -> None:
    caps = Caps(daily_tokens=30_000)
    bad = OPENAI.reply(summary("Revenue was 99,999 in all of the period."), 20_000, 5_000)
    with model(OPENAI, bad, OPENAI.reply(GOOD)) as receiver:
        narrative = told(OPENAI, receiver, caps=caps)

    assert len(receiver.got) == 1
    assert_plain(narrative, "holds the sign “9”", "daily cap of 30,000 tokens")
    assert narrative.tokens == 25_000


def test_an_address_that_a_tenant_typed_is_called_under_the_strict_rules() -> None:
    with model(OPENAI, OPENAI.reply(GOOD)) as receiver:
        ai = OPENAI.settings(receiver, is_tenants=True)
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW)

    assert receiver.got == []
    assert_plain(narrative, "Not sent", "https://")


# --- What is told to whom


def test_neither_logs_nor_reprs_hold_the_key_or_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with model(OPENAI, said({"error": {"message": KEY}}, 401)) as receiver:
        ai = OPENAI.settings(receiver, base_url=receiver.url("/v1?token=hidden"))
        narrative = narrate(document(), ai=ai, ledger=MemoryLedger(), now=NOW)

    shown = " ".join([repr(ai), repr(narrative), *(str(vars(record)) for record in caplog.records)])
    assert receiver.got[0].path == "/v1/chat/completions?token=hidden"
    assert (KEY in shown, "hidden" in shown) == (False, False)


def test_a_fallback_is_logged_with_its_kind_and_without_any_text(caplog: pytest.LogCaptureFixture) -> None:
    with model(OPENAI, OPENAI.reply(summary("Revenue was 99,999 in all of the period."))) as receiver:
        told(OPENAI, receiver)

    (record,) = [record for record in caplog.records if record.name.startswith("reports.")]
    fields = vars(record)
    assert (fields["event"], fields["why"], fields["provider"]) == ("narration.fallback", "text", "openai")
    assert record.levelno == logging.WARNING
    assert "99,999" not in str(fields)


def test_no_model_at_all_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    narrate(document(), ai=ai_settings(), ledger=MemoryLedger(), now=NOW)

    assert [record.levelno for record in caplog.records if record.name.startswith("reports.")] == [logging.INFO]


def test_settings_show_no_key() -> None:
    assert KEY not in repr(AiSettings(api_key=KEY))
