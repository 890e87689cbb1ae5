"""The ticker, against a real server."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kaireon.platform.http import OutboundSession
from kaireon.platform.loops import Loop, StopSignal
from tests.chaos.processes import wait_until
from tests.servers import Got, Receiver, Reply, raw_server, receiving, unused_port
from triggers.services.ticker import ROUTE, Ticker, standing_headers, ticker_name

SECRET = "a-secret-of-more-than-thirty-two-characters"
Log = pytest.LogCaptureFixture


def a_ticker(
    base_url: str, *, secret: Callable[[], str] = lambda: SECRET, interval: float = 60, budget: float = 1,
    public_url: str = "", stopping: StopSignal | None = None,
) -> Ticker:  # fmt: skip
    """Return a ticker that ticks there and does not wait before the first time."""
    ticker = Ticker(
        base_url=base_url, public_url=public_url, interval=interval, budget=budget, secret=secret,
        session=OutboundSession(is_strict=False), stopping=stopping or StopSignal(),
    )  # fmt: skip
    ticker._is_first = False
    return ticker


@pytest.fixture
def server() -> Iterator[Receiver]:
    """Return a server that answers 200 unless told otherwise."""
    with receiving() as receiver:
        yield receiver


def base_of(server: Receiver) -> str:
    """Return the server's address without a path."""
    return server.url("")


def events(caplog: Log) -> list[str]:
    """Return the events that the ticker logged."""
    return [record.event for record in caplog.records if record.name == "triggers.services.ticker"]  # type: ignore[attr-defined]


def reason(caplog: Log) -> str:
    """Return the reason of the only failure that was logged."""
    (found,) = [record.reason for record in caplog.records if hasattr(record, "reason")]
    return str(found)


def test_it_posts_to_the_route_with_the_secret_and_who_it_is(server: Receiver) -> None:
    a_ticker(base_of(server) + "/").step()

    (got,) = server.got
    assert (got.method, got.path) == ("POST", ROUTE)
    assert got.headers["authorization"] == f"Bearer {SECRET}"
    assert got.headers["x-kaireon-ticker"] == ticker_name()


@pytest.mark.parametrize(
    ("base", "public", "expected"),
    [
        pytest.param(
            "http://127.0.0.1:3000", "https://kaireon.example.com",
            {"Host": "kaireon.example.com", "X-Forwarded-Proto": "https"}, id="production past its proxy",
        ),
        pytest.param(
            "http://127.0.0.1:3000", "https://kaireon.example.com:8443",
            {"Host": "kaireon.example.com:8443", "X-Forwarded-Proto": "https"}, id="a port of its own",
        ),
        pytest.param(
            "http://127.0.0.1:3000", "http://127.0.0.1:3000",
            {"Host": "127.0.0.1:3000", "X-Forwarded-Proto": "http"}, id="development",
        ),
        pytest.param("https://kaireon.example.com", "https://kaireon.example.com", {}, id="through the proxy"),
        pytest.param("http://web:3000", "nonsense", {}, id="no public name"),
    ],
)  # fmt: skip
def test_a_call_past_the_proxy_says_what_the_proxy_would_say(base: str, public: str, expected: dict[str, str]) -> None:
    assert standing_headers(base, public_url=public) == expected


def test_the_servers_public_name_is_the_host_that_it_sees(server: Receiver) -> None:
    a_ticker(base_of(server), public_url="https://kaireon.example.com").step()

    assert server.got[0].headers["host"] == "kaireon.example.com"
    assert server.got[0].headers["x-forwarded-proto"] == "https"


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "500"), (401, "another CRON_SECRET"), (301, "SECURE_SSL_REDIRECT"), (400, "ALLOWED_HOSTS"), (404, "404")],
)
def test_an_outage_is_told_once_and_so_is_its_end(server: Receiver, caplog: Log, status: int, words: str) -> None:
    answers = [status] * 5 + [200] * 3
    server.script = lambda got: Reply(status=answers.pop(0))
    ticker = a_ticker(base_of(server))

    with caplog.at_level(logging.INFO):
        for _ in range(8):
            ticker.step()

    assert events(caplog) == ["ticker.failing", "ticker.recovered"]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert words in reason(caplog)


def test_a_tick_that_another_one_makes_superfluous_is_a_good_tick(server: Receiver, caplog: Log) -> None:
    server.script = lambda got: Reply(body=b'{"skipped": true}')

    a_ticker(base_of(server)).step()

    assert events(caplog) == []


def test_a_server_that_is_not_there_is_an_outage_and_not_an_error(caplog: Log) -> None:
    a_ticker(f"http://127.0.0.1:{unused_port()}").step()

    assert events(caplog) == ["ticker.failing"]
    assert "could not be reached" in reason(caplog)


def test_a_server_that_cuts_the_call_is_an_outage(caplog: Log) -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(10)

    with raw_server(cut) as port:
        a_ticker(f"http://127.0.0.1:{port}").step()

    assert events(caplog) == ["ticker.failing"]


def test_the_secret_is_in_no_log(server: Receiver, caplog: Log) -> None:
    server.script = lambda got: Reply(status=401)

    a_ticker(base_of(server)).step()

    assert SECRET not in "".join(str(record.__dict__) for record in caplog.records)


def test_without_a_secret_nothing_is_sent(server: Receiver, caplog: Log) -> None:
    a_ticker(base_of(server), secret=lambda: "").step()

    assert server.got == []
    assert reason(caplog) == "CRON_SECRET cannot be read"


@contextmanager
def turning(ticker: Ticker, stopping: StopSignal) -> Iterator[threading.Thread]:
    """Run the ticker's loop in a thread, as the clockwork does."""
    loop = Loop("ticker", ticker.step, pause=ticker.pause, stopping=stopping)
    thread = threading.Thread(target=loop.keep_turning)
    thread.start()
    try:
        yield thread
    finally:
        stopping.set()
        thread.join(10)


def test_it_ticks_again_and_again_and_stops_at_once(server: Receiver) -> None:
    stopping = StopSignal()
    with turning(a_ticker(base_of(server), interval=0.2, stopping=stopping), stopping) as thread:
        wait_until(lambda: len(server.got) >= 5)
        stopping.set()
        thread.join(1)

        assert not thread.is_alive()


def test_it_goes_on_after_every_kind_of_failure(server: Receiver) -> None:
    raised: list[str] = []

    def secret() -> str:
        if len(raised) < 3:
            raised.append("once more")
            raise ValueError("whatever")
        return SECRET

    stopping = StopSignal()
    with turning(a_ticker(base_of(server), interval=0.2, secret=secret, stopping=stopping), stopping):
        wait_until(lambda: len(server.got) >= 2)

    assert len(raised) == 3


def test_it_waits_for_a_slow_tick_as_long_as_its_budget_lasts_and_never_sends_two_at_once(server: Receiver) -> None:
    release = threading.Event()

    def slow(got: Got) -> Reply:
        release.wait(1)
        return Reply()

    server.script = slow
    stopping = StopSignal()
    with turning(a_ticker(base_of(server), interval=0.1, stopping=stopping), stopping):
        wait_until(lambda: len(server.got) >= 2)
        release.set()

    assert server.most_concurrent == 1


def test_the_first_tick_waits_for_its_server_and_a_stop_does_not_wait_for_it(server: Receiver) -> None:
    stopping = StopSignal()
    ticker = a_ticker(base_of(server), stopping=stopping)
    ticker._is_first = True
    stopping.set()

    ticker.step()

    assert server.got == []
