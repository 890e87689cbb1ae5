"""The body of an HTTP answer in a file: whole, within its limit and its time, or not at all."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kaireon.platform.http import OutboundError, OutboundSession
from tests.servers import raw_server


def answering(*parts: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        for part in parts:
            connection.sendall(part)

    return talk


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "file"


def download(port: int, into: Path, *, most: int = 1_000_000, seconds: float = 10.0) -> int:
    session = OutboundSession(allowed_places=[f"127.0.0.1:{port}"])
    return session.download(f"http://127.0.0.1:{port}/s3cret/a.csv", into, seconds=seconds, max_bytes=most).status


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([OK, b"Content-Length: 4\r\n\r\n", b"data"], b"data"),
        ([OK, b"Content-Length: 0\r\n\r\n"], b""),
        ([OK, b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\ndata\r\n", b"2\r\n!!\r\n0\r\n\r\n"], b"data!!"),
        ([OK, b"Connection: close\r\n\r\n", b"until the end"], b"until the end"),
        ([OK, b"Content-Length: 4\r\n\r\n", b"data and more"], b"data"),
    ],
    ids=["length", "empty", "chunked", "until closed", "more than stated"],
)
def test_a_body_is_written_as_it_came(into: Path, parts: list[bytes], expected: bytes) -> None:
    with raw_server(answering(*parts)) as port:
        status = download(port, into)

    assert status == 200
    assert into.read_bytes() == expected


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([OK, b"Content-Length: 9\r\n\r\n", b"data"], "only 4 of 9 bytes came"),
        ([OK, b"Content-Length: 2000000\r\n\r\n", b"x"], "larger than 1,000,000 bytes"),
        ([OK, b"Connection: close\r\n\r\n", b"x" * 1_500_000], "larger than 1,000,000 bytes"),
        (
            [OK, b"Transfer-Encoding: chunked\r\n\r\n", b"f4240\r\n" + b"x" * 1_000_000, b"\r\n1\r\nx\r\n0\r\n\r\n"],
            "larger",
        ),
        ([OK, b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\nda"], "no HTTP answer|cut"),
        ([OK, b"Transfer-Encoding: chunked\r\n\r\n", b"zzz\r\ndata"], "no HTTP answer|cut"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "no HTTP answer"),
        ([], "cut|no HTTP answer"),
    ],
    ids=["cut", "states too much", "too much", "too much in chunks", "cut chunk", "bad chunk", "no HTTP", "nothing"],
)
def test_a_body_that_is_cut_or_too_large_leaves_no_file(into: Path, parts: list[bytes], words: str) -> None:
    with raw_server(answering(*parts)) as port, pytest.raises(OutboundError, match=words) as refusal:
        download(port, into)

    assert not into.exists()
    assert refusal.value.is_sent
    assert "s3cret" not in refusal.value.message


@pytest.fixture
def silent() -> Iterator[int]:
    def patient(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(OK + b"Content-Length: 1000000\r\n\r\nx")
        connection.recv(1)  # until the other side has had enough

    with raw_server(patient) as port:
        yield port


def test_a_server_that_stops_in_the_middle_cannot_outlast_the_deadline(silent: int, into: Path) -> None:
    with pytest.raises(OutboundError):
        download(silent, into, seconds=0.5)

    assert not into.exists()


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_only_a_200_is_written(into: Path, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: 4\r\n\r\n".encode()

    with raw_server(answering(head, b"" if status == 204 else b"data")) as port:
        assert download(port, into) == status

    assert not into.exists()


def test_a_place_that_is_taken_is_left_alone(into: Path) -> None:
    into.write_text("mine")

    with raw_server(answering(OK, b"Content-Length: 4\r\n\r\n", b"data")) as port, pytest.raises(OutboundError):
        download(port, into)

    assert into.read_text() == "mine"
