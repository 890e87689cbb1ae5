"""The publisher's metrics port: where it listens, who may scrape, and what is said when it cannot be used."""

import socket
import urllib.error
import urllib.request

import pytest

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.tier.scraping import serve_metrics
from outbox.tier.settings import TierSettings
from tests.servers import unused_port

reads_the_database = pytest.mark.django_db(transaction=True)


def scrape(port: int, authorization: str = "", host: str = "127.0.0.1") -> tuple[int, str]:
    """Scrape, and return the status and the text."""
    headers = {"Authorization": authorization} if authorization else {}
    request = urllib.request.Request(f"http://{host}:{port}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode() + str(error.headers["WWW-Authenticate"])


@pytest.mark.parametrize("sent", ["", "Bearer wrong", "Bearer ", "Basic scrape-me", "scrape-me"])
def test_with_a_token_set_nobody_scrapes_without_it(sent: str) -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True, host="127.0.0.1", token="scrape-me")

    status, text = scrape(port, sent)

    assert (status, text) == (401, "This port needs the metrics token.\nBearer")


@reads_the_database
@pytest.mark.parametrize("sent", ["Bearer scrape-me", "bearer scrape-me"])
def test_with_a_token_set_its_bearer_scrapes(sent: str) -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True, host="127.0.0.1", token="scrape-me")

    status, text = scrape(port, sent)

    assert status == 200
    assert "kaireon_outbox_pending_count" in text


@reads_the_database
def test_without_a_token_everybody_who_reaches_it_scrapes() -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True, host="127.0.0.1")

    assert scrape(port)[0] == 200


@reads_the_database
def test_it_listens_at_its_host_alone() -> None:
    port = unused_port()
    serve_metrics(port, is_chosen=True, host="127.0.0.2")

    assert scrape(port, host="127.0.0.2")[0] == 200
    with socket.socket() as elsewhere:
        assert elsewhere.connect_ex(("127.0.0.1", port)) != 0


@reads_the_database
def test_it_listens_at_an_address_of_version_6() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    port = unused_port()
    serve_metrics(port, is_chosen=True, host="::1")

    assert scrape(port, host="[::1]")[0] == 200


def test_a_host_that_this_machine_does_not_have_is_named_also_with_the_default_port() -> None:
    with pytest.raises(ConfigurationError, match=r"on 203\.0\.113\.9 \(OUTBOX_METRICS_HOST\) cannot be used"):
        serve_metrics(unused_port(), is_chosen=False, host="203.0.113.9")


@pytest.mark.parametrize(("text", "host"), [("", "0.0.0.0"), (" ", "0.0.0.0"), (" 127.0.0.1 ", "127.0.0.1")])
def test_unset_it_is_every_interface(text: str, host: str) -> None:
    assert TierSettings.from_environment(MountedSecretsEnv({"OUTBOX_METRICS_HOST": text})).metrics_host == host
