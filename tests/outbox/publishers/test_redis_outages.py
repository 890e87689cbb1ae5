"""Redis over TLS, killed again and again, and through an address that says too much."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.publishers.base import BackendDown, Event
from outbox.publishers.redis import RedisAddressError, RedisPublisher
from outbox.publishers.registry import make_publisher
from tests.outbox.brokers import redis_server
from tests.outbox.publishers.world import Seconds, event, new_topic, words
from tests.servers import unused_port

PREFIX = "kaireon:"


@contextmanager
def secured(authority: trustme.CA, folder: Path) -> Iterator[str]:
    """Run a server that has a certificate of the authority, and yield its address without the authority's file."""
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    port = unused_port()
    files = [f"--tls-{name}-file={folder / file}" for name, file in (("cert", "cert.pem"), ("key", "key.pem"))]
    arguments = [part for file in files for part in file.split("=", 1)]
    with redis_server(
        "--tls-port", str(port), *arguments, "--tls-ca-cert-file", str(folder / "ca.pem"), "--tls-auth-clients", "no"
    ):  # fmt: skip
        yield f"rediss://127.0.0.1:{port}/0"


def test_a_server_whose_certificate_is_trusted_takes_events_over_tls(tmp_path: Path) -> None:
    with secured(trustme.CA(), tmp_path) as url:
        publisher = RedisPublisher(f"{url}?ssl_ca_certs={tmp_path / 'ca.pem'}", prefix=PREFIX)
        with closing(publisher):
            assert words(publisher.publish([event(new_topic())], Seconds(10))) == ["sent"]


def test_a_certificate_that_nobody_vouches_for_wants_an_operator(tmp_path: Path) -> None:
    with secured(trustme.CA(), tmp_path) as url:
        publisher = RedisPublisher(url, prefix=PREFIX)
        with closing(publisher), pytest.raises(BackendDown, match="certificate") as down:
            publisher.publish([event(new_topic())], Seconds(10))

    assert not down.value.is_transient
    assert "127.0.0.1" not in str(down.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("redis://:s3cret@host/shop", "a number"),
        ("redis://:s3cret@host/0?decode_responses=no", "decode_responses"),
        ("redis://:s3cret@host/0?retry=3", "retry"),
        ("rediss://:s3cret@host/0?ssl_ca_certs=/nowhere.pem", "ssl_ca_certs is not a file"),
        ("rediss://:s3cret@host/0?ssl_cert_reqs=sometimes", "sometimes"),
    ],
)
def test_an_address_that_would_fail_at_the_first_event_is_refused_at_the_start(
    tmp_path: Path, address: str, said: str
) -> None:
    with pytest.raises(RedisAddressError, match=said):
        RedisPublisher(address, prefix=PREFIX)

    with pytest.raises(ConfigurationError, match=f"REDIS_URL.*{said}") as refused:
        make_publisher(MountedSecretsEnv({"EVENT_PUBLISHER": "redis", "REDIS_URL": address}), tmp_path)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["redis://host", "redis://host/", "redis://host/3?socket_timeout=2", "rediss://h?ssl_cert_reqs=none",
     "unix:///run/redis.sock?db=1"],
)  # fmt: skip
def test_an_address_with_options_that_change_no_answer_is_taken(address: str) -> None:
    RedisPublisher(address, prefix=PREFIX).close()


def test_a_server_that_is_killed_again_and_again_has_everything_in_order_in_the_end() -> None:
    topic = new_topic()
    events = [event(topic, f"c-{at % 7}", number=at) for at in range(3000)]
    waiting, is_over = list(events), threading.Event()

    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:

        def start_and_kill() -> None:
            while True:
                server.start()
                if is_over.wait(0.05):
                    return
                server.stop()

        killer = threading.Thread(target=start_and_kill)
        with closing(RedisPublisher(server.url, prefix=PREFIX)) as publisher:
            publisher.publish([event(new_topic())], Seconds(5))
            server.stop()
            with pytest.raises(BackendDown):
                publisher.publish(waiting[:40], Seconds(5))
            killer.start()
            try:
                _publish_all(publisher, waiting)
            finally:
                is_over.set()
                killer.join(60)
        with server.client as client:
            arrived = [fields["id"] for _, fields in client.xrange(PREFIX + topic)]

    assert set(arrived) == {one.id for one in events}
    for key in range(7):
        mine = [one.id for one in events if one.key == f"c-{key}"]
        assert [one for one in dict.fromkeys(arrived) if one in set(mine)] == mine


def _publish_all(publisher: RedisPublisher, waiting: list[Event]) -> None:
    end = time.monotonic() + 60
    while waiting:
        assert time.monotonic() < end
        batch = waiting[:40]
        try:
            outcomes = words(publisher.publish(batch, Seconds(5)))
        except BackendDown:
            continue
        assert set(outcomes) <= {"sent", "not sent"}
        waiting[:40] = [one for one, word in zip(batch, outcomes, strict=True) if word != "sent"]
