"""The outbound door against real servers and real sockets; the resolver is an argument, so nothing is patched."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from kaireon.platform.addresses import AddressRefusedError
from kaireon.platform.budget import Budget
from kaireon.platform.http import MAX_ANSWER_BYTES, OutboundError, OutboundSession, operator_session, tenant_session
from tests.servers import Receiver, Reply, new_authority, raw_server, receiving, unused_port

SECRET_PATH = "/services/T000/B000/s3cret"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def session_for(place: str, **options: object) -> OutboundSession:
    return OutboundSession(allowed_places=[place], **options)  # type: ignore[arg-type]


def test_a_request_arrives_with_its_body_and_headers_and_the_answer_comes_back(receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(202, b"taken", {"X-Note": "yes"})

    answer = session_for(receiver.place).request(
        "POST", receiver.url("/a?b=c"), headers={"Content-Type": "text/plain"}, body=b"hello"
    )

    assert (answer.status, answer.body, answer.headers["x-note"]) == (202, b"taken", "yes")
    got = receiver.got[0]
    assert (got.method, got.path, got.body) == ("POST", "/a?b=c", b"hello")
    assert got.headers["host"] == receiver.place
    assert got.headers["content-type"] == "text/plain"
    assert "authorization" not in got.headers


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::",
     "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_a_public_name_that_stands_for_a_private_address_is_not_called(receiver: Receiver, address: str) -> None:
    session = OutboundSession(resolver=lambda host, port: [address])

    with pytest.raises(OutboundError) as error:
        session.request("POST", f"https://hooks.example.com:{receiver.port}{SECRET_PATH}")

    assert error.value.is_refused
    assert not error.value.is_sent
    assert "private" in error.value.message
    assert receiver.got == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(receiver: Receiver) -> None:
    session = OutboundSession(resolver=lambda host, port: ["93.184.216.34", "127.0.0.1"])

    with pytest.raises(OutboundError) as error:
        session.request("POST", f"https://hooks.example.com:{receiver.port}/")

    assert error.value.is_refused


def test_a_name_that_changes_its_answer_reaches_only_the_address_that_was_checked(receiver: Receiver) -> None:
    answers: list[Sequence[str]] = [["192.0.2.1"], ["127.0.0.1"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    session = OutboundSession(resolver=rebinding)

    for _ in range(3):
        with pytest.raises(OutboundError) as error:
            session.request("POST", f"https://rebind.example.com:{receiver.port}/")
        assert error.value.is_refused

    # One look-up for each request: the address that was judged is the one that is connected to.
    assert asked == ["rebind.example.com"] * 3
    assert receiver.got == []


def test_the_connection_goes_to_the_number_that_was_judged_and_never_asks_the_name_again() -> None:
    asked: list[str] = []

    def once(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    authority = new_authority()
    with receiving(tls=authority.server_context("no-such-name.example.com")) as receiver:
        place = f"no-such-name.example.com:{receiver.port}"
        session = session_for(place, resolver=once, tls=authority.client_context())

        answer = session.request("POST", f"https://{place}{SECRET_PATH}", body=b"{}")

    assert answer.status == 200
    assert asked == ["no-such-name.example.com"]
    assert receiver.got[0].headers["host"] == place


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.0.0.1/",
     "https://169.254.169.254/latest/meta-data/", "https://0x7f000001/", "https://2130706433/", "https://127.1/",
     "https://user:pw@example.com/", "ftp://example.com/", "not an address"],
)  # fmt: skip
def test_an_address_that_can_be_refused_by_its_text_is_refused_before_anything_is_looked_up(url: str) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError("asked the resolver")

    session = OutboundSession(resolver=never)

    with pytest.raises(AddressRefusedError):
        session.check(url)
    with pytest.raises(OutboundError) as error:
        session.request("POST", url)
    assert error.value.is_refused


def test_an_exception_names_host_and_port_and_nothing_beside_them(receiver: Receiver) -> None:
    with receiving() as other:
        session = session_for(receiver.place)

        assert session.request("POST", receiver.url()).status == 200
        with pytest.raises(OutboundError):
            session.request("POST", other.url())

    assert other.got == []


def test_the_tenants_session_takes_its_exceptions_from_the_settings(receiver: Receiver, settings: Settings) -> None:
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [receiver.place]

    assert tenant_session().request("POST", receiver.url()).status == 200

    settings.NOTIFICATIONS_ALLOWED_HOSTS = []
    with pytest.raises(OutboundError):
        tenant_session().request("POST", receiver.url())


def test_the_operators_session_may_call_a_private_address(receiver: Receiver) -> None:
    assert operator_session().request("GET", receiver.url("/tick")).status == 200
    assert receiver.got[0].method == "GET"


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.script = lambda got: Reply(302, b"", {"Location": elsewhere.url()})

        answer = session_for(receiver.place).request("POST", receiver.url())

    assert answer.status == 302
    assert elsewhere.got == []


def test_proxy_settings_of_the_environment_are_not_read(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")

    assert session_for(receiver.place).request("POST", receiver.url()).status == 200


def test_a_large_answer_is_cut(receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(200, b"x" * (MAX_ANSWER_BYTES * 3))

    answer = session_for(receiver.place).request("POST", receiver.url())

    assert len(answer.body) == MAX_ANSWER_BYTES


def test_a_status_line_counts_even_when_the_body_is_torn() -> None:
    def torn(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    with raw_server(torn) as port:
        answer = session_for(f"127.0.0.1:{port}").request("POST", f"http://127.0.0.1:{port}/")

    assert answer.status == 200


def answer_or_error(session: OutboundSession, url: str, body: bytes) -> int | str:
    try:
        return session.request("POST", url, body=body).status
    except OutboundError as error:
        return "sent" if error.is_sent else "not sent"


def test_an_answer_before_the_request_was_read_is_still_an_answer() -> None:
    def impatient(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)

    with raw_server(impatient) as port:
        body = b"x" * 5_000_000
        said = answer_or_error(session_for(f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/", body)

    # The kernel may drop the answer together with the unread request; then it counts as sent.
    assert said in {413, "sent"}


def test_nobody_listening_is_an_error_before_anything_was_sent() -> None:
    port = unused_port()

    with pytest.raises(OutboundError) as error:
        session_for(f"127.0.0.1:{port}").request("POST", f"http://127.0.0.1:{port}{SECRET_PATH}")

    assert not error.value.is_sent
    assert not error.value.is_refused
    assert error.value.message == f"127.0.0.1:{port} could not be reached: Connection refused."


def test_a_name_that_does_not_resolve_is_an_error_before_anything_was_sent() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(OutboundError) as error:
        OutboundSession(resolver=unknown).request("POST", f"https://hooks.example.com{SECRET_PATH}")

    assert not error.value.is_sent
    assert error.value.message == "The name hooks.example.com could not be resolved."


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    release = threading.Event()

    def hanging(host: str, port: int) -> Sequence[str]:
        release.wait(10)
        return []

    started = time.monotonic()
    with pytest.raises(OutboundError) as error:
        OutboundSession(resolver=hanging, total_seconds=0.3).request("POST", "https://hooks.example.com/")
    release.set()

    assert time.monotonic() - started < 3
    assert not error.value.is_sent


def test_a_second_address_is_tried_when_the_first_does_not_answer(receiver: Receiver) -> None:
    place = f"two.example.com:{receiver.port}"
    session = session_for(place, resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"])

    assert session.request("POST", f"http://{place}/").status == 200


def never_answers(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(2)


def hangs_up(connection: socket.socket) -> None:
    connection.recv(65536)


def drips(connection: socket.socket) -> None:
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 " + b"O" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def drips_headers(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        connection.sendall(b"X-Drip: drop\r\n")
        time.sleep(0.05)


def talks_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\x01\x02 hello there\r\n\r\n")


def resets(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (never_answers, "no answer came in time"),
        (hangs_up, "cut before an answer"),
        (drips, "no answer came in time"),
        (talks_nonsense, "no HTTP answer"),
        (resets, "cut before an answer"),
    ],
)
def test_a_request_that_left_without_an_answer_says_so(talk: Callable[[socket.socket], None], words: str) -> None:
    with raw_server(talk) as port:
        session = session_for(f"127.0.0.1:{port}", total_seconds=0.5)
        started = time.monotonic()

        with pytest.raises(OutboundError) as error:
            session.request("POST", f"http://127.0.0.1:{port}{SECRET_PATH}", body=b"{}")

    assert error.value.is_sent
    assert words in error.value.message
    assert time.monotonic() - started < 5


def test_headers_that_never_end_do_not_hold_the_request_beyond_its_deadline() -> None:
    with raw_server(drips_headers) as port:
        session = session_for(f"127.0.0.1:{port}", total_seconds=0.5)
        started = time.monotonic()

        answer = session.request("POST", f"http://127.0.0.1:{port}/", body=b"{}")

    assert answer.status == 200
    assert time.monotonic() - started < 5


def test_a_handshake_that_never_ends_is_cut_and_nothing_was_sent() -> None:
    def silent(connection: socket.socket) -> None:
        time.sleep(1.5)

    with raw_server(silent) as port:
        session = session_for(f"127.0.0.1:{port}", total_seconds=0.4)

        with pytest.raises(OutboundError) as error:
            session.request("POST", f"https://127.0.0.1:{port}/")

    assert not error.value.is_sent


def test_a_certificate_of_an_unknown_authority_is_refused_before_the_request_leaves() -> None:
    with receiving(tls=new_authority().server_context("127.0.0.1")) as receiver, pytest.raises(OutboundError) as error:
        session_for(receiver.place).request("POST", receiver.url())

    assert not error.value.is_sent
    assert "certificate refused" in error.value.message
    assert receiver.got == []


def test_a_certificate_for_another_name_is_refused() -> None:
    authority = new_authority()
    context = authority.server_context("other.example.com")
    with receiving(tls=context) as receiver, pytest.raises(OutboundError) as error:
        session_for(receiver.place, tls=authority.client_context()).request("POST", receiver.url())

    assert "certificate refused" in error.value.message
    assert receiver.got == []


def test_no_error_and_no_log_line_repeats_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server(hangs_up) as port:
        session = session_for(f"127.0.0.1:{port}", total_seconds=0.5)

        with pytest.raises(OutboundError) as error:
            session.request("POST", f"http://127.0.0.1:{port}{SECRET_PATH}?token=t0ken")

    for text in (str(error.value), repr(error.value), error.value.message, caplog.text):
        assert "s3cret" not in text
        assert "t0ken" not in text
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_one_session_serves_many_threads(receiver: Receiver) -> None:
    session = session_for(receiver.place)
    statuses: list[int] = []

    def call(number: int) -> None:
        body = json.dumps({"number": number}).encode()
        statuses.append(session.request("POST", receiver.url(), body=body).status)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 20
    assert sorted(json.loads(got.body)["number"] for got in receiver.got) == list(range(20))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_sockets_are_given_back_after_errors_and_answers(receiver: Receiver) -> None:
    session = session_for(receiver.place)
    session.request("POST", receiver.url())
    before = open_files()

    for _ in range(20):
        session.request("POST", receiver.url())
        with pytest.raises(OutboundError):
            session_for("127.0.0.1:1").request("POST", "http://127.0.0.1:1/")

    # The server's own ends close a moment later.
    deadline = time.monotonic() + 5
    while open_files() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_files() <= before + 2


def test_a_budget_counts_down_and_stops_at_zero() -> None:
    moment = [100.0]
    budget = Budget(5, monotonic=lambda: moment[0])

    assert (budget.remaining(), budget.is_spent) == (5.0, False)

    moment[0] = 104.0
    assert (budget.remaining(), budget.is_spent) == (1.0, False)

    moment[0] = 106.0
    assert (budget.remaining(), budget.is_spent) == (0.0, True)


def test_a_socket_goes_where_a_request_may() -> None:
    with receiving() as receiver, session_for(receiver.place).connect("127.0.0.1", receiver.port) as plain:
        assert plain.getpeername() == ("127.0.0.1", receiver.port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "2130706433"])
def test_a_socket_goes_nowhere_private(host: str) -> None:
    with pytest.raises(OutboundError, match="private, local or reserved") as refusal:
        tenant_session().connect(host, 5432)

    assert refusal.value.is_refused


def test_a_name_of_a_private_address_gets_no_socket() -> None:
    session = OutboundSession(resolver=lambda host, port: ["93.184.216.34", "10.0.0.7"])

    with pytest.raises(OutboundError, match="stands for a private"):
        session.connect("db.example.com", 5432)
