"""Which addresses are called, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaireon.platform.addresses import AddressRefusedError, is_private_host, is_public, parse_url

REFUSED = [
    ("0.0.0.0", "this host"),
    ("0.1.2.3", "this network"),
    ("10.1.2.3", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.100.100.200", "Alibaba's metadata service"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback, the far end"),
    ("168.63.129.16", "Azure's host agent"),
    ("169.254.169.254", "metadata service"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private, the far end"),
    ("192.0.0.192", "protocol assignments: Oracle's metadata service"),
    ("192.0.2.1", "documentation"),
    ("192.168.0.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("224.0.0.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::ffff:127.0.0.1", "IPv4-mapped loopback"),
    ("::ffff:10.0.0.1", "IPv4-mapped private"),
    ("::ffff:169.254.169.254", "IPv4-mapped metadata service"),
    ("::ffff:0:127.0.0.1", "IPv4-translated"),
    ("64:ff9b::7f00:1", "NAT64 of loopback"),
    ("64:ff9b::a9fe:a9fe", "NAT64 of the metadata service"),
    ("64:ff9b:1::1", "local NAT64"),
    ("2002:7f00:1::", "6to4 of loopback"),
    ("2002:a00:1::", "6to4 of private"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("100::1", "discard"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "Amazon's metadata service"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local with a scope"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("example.com", "a name is no address"),
    ("", "nothing"),
    ("2130706433", "a number is no address here"),
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str, why: str) -> None:
    assert not is_public(address), why


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.167.1.1", "::ffff:8.8.8.8",
     "64:ff9b::808:808", "2606:4700:4700::1111", "2a00:1450:4001:810::200e"],
)  # fmt: skip
def test_a_public_address_is_called(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_inside_ipv6_is_judged_like_the_bare_one(address: object) -> None:
    plain = str(address)

    assert is_public(f"::ffff:{plain}") == is_public(plain)
    assert is_public(f"64:ff9b::{plain}") == is_public(plain)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "https://hooks.example.com/services/T/B/x?y=1&z=",
            ("https", "hooks.example.com", 443, "/services/T/B/x?y=1&z="),
        ),
        ("http://example.com", ("http", "example.com", 80, "/")),
        ("https://EXAMPLE.com.:8443/a", ("https", "example.com", 8443, "/a")),
        ("https://[2606:4700::1111]:8443/a", ("https", "2606:4700::1111", 8443, "/a")),
        ("https://under_score.example.com/", ("https", "under_score.example.com", 443, "/")),
    ],
)
def test_a_web_address_is_taken_apart(url: str, parts: tuple[str, str, int, str]) -> None:
    target = parse_url(url)

    assert (target.scheme, target.host, target.port, target.path) == parts


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "/path", "//host/path", "ftp://example.com/", "javascript:alert(1)", "file:///etc/passwd", "https://",
        "https:///path", "https://:443/", "https://user@example.com/", "https://user:pw@example.com/",
        "https://example.com/#part", "https://example.com:0/", "https://example.com:99999/", "https://example.com:x/",
        "https://exa mple.com/", "https://example.com/a b", "https://example.com/\r\nHost: evil", "https://example.com/\0",
        "https://example.com\\@evil.com/", "https://ex\u00e4mple.com/", "https://\uff11\uff12\uff17.0.0.1/", "https://a..b/",
        "https://[::1", "https://[fe80::1%25eth0]/", "https://[::1%eth0]/", "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 2048, "https://example.com/\ud800", "https://-\u200d/", "https://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError) as refusal:
        parse_url(url)

    assert len(url) < 12 or url not in str(refusal.value)


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        try:
            parse_url(url)
        except AddressRefusedError:
            continue


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "printer.local", "db.internal", "metadata.google.internal", "localdomain",
     "router.home.arpa", "127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "10.0.0.1", "::1",
     "fe80::1"],
)  # fmt: skip
def test_a_host_that_is_private_by_its_text_is_seen_when_it_is_typed(host: str) -> None:
    assert is_private_host(host)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "8.8.8.8", "notlocal", "2606:4700::1111"])
def test_a_host_that_may_be_public_is_left_to_the_connection(host: str) -> None:
    assert not is_private_host(host)


def test_a_target_shows_the_host_and_keeps_the_path_to_itself() -> None:
    target = parse_url("https://hooks.example.com/services/s3cret?token=t0ken")

    assert repr(target) == "Target(https://hooks.example.com:443/…)"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com/", "example.com"),
        ("https://example.com:443/", "example.com"),
        ("https://example.com:8443/", "example.com:8443"),
        ("http://example.com:443/", "example.com:443"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
    ],
)
def test_the_host_header_names_the_port_only_where_it_is_unusual(url: str, authority: str) -> None:
    assert parse_url(url).authority == authority
