"""Decide which web addresses a tenant may make this server call: public unicast, nothing else.

The lists are IANA's special-purpose registries (RFC 6890 and its successors), written out because
`ipaddress.is_global` differs between Python releases.
"""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MAX_URL_LENGTH: Final = 2048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PRIVATE_NAMES: Final = ("localhost", "local", "internal", "localdomain", "home.arpa")
_FORBIDDEN_CHARACTERS: Final = '\x7f\\"<>^`{|}'

_REFUSED_V4: Final = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this host"
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata service lives here too
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent: a public number that only answers inside
        "169.254.0.0/16",  # link-local, with the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
]
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_REFUSED_V6: Final = [
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo carries an IPv4 address inside
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries one as well
        "3fff::/20",
    )
]

NO_WEB_ADDRESS: Final = "Must be a web address such as https://hooks.example.com/path."


class AddressRefusedError(ValueError):
    """An address that is never called; the text says why without repeating it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads, in parts; its repr keeps the path to itself."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return the host with its port unless that is the scheme's own: the `Host` header."""
        own = f":{DEFAULT_PORTS[self.scheme]}"
        return self.place.removesuffix(own) if self.port == DEFAULT_PORTS[self.scheme] else self.place

    @property
    def place(self) -> str:
        """Return `host:port`, the form of NOTIFICATIONS_ALLOWED_HOSTS."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Target({self.scheme}://{self.place}/…)"


def is_public(address: str) -> bool:
    """Tell whether a numeric address is public unicast; text that is no address is not.

    An IPv6 address that carries an IPv4 address (mapped, NAT64) is judged by that one.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return _is_public_v4(parsed)
    if parsed.ipv4_mapped is not None:
        return _is_public_v4(parsed.ipv4_mapped)
    if parsed.scope_id is None and parsed in _NAT64:
        return _is_public_v4(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return parsed in _GLOBAL_V6 and not any(parsed in network for network in _REFUSED_V6)


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _REFUSED_V4)


def parse_url(url: str) -> Target:
    """Return the parts of a web address; raise AddressRefusedError when it is none, or holds credentials."""
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefusedError(f"Must not be longer than {MAX_URL_LENGTH} characters.")
    if not url.isascii() or any(character <= " " or character in _FORBIDDEN_CHARACTERS for character in url):
        raise AddressRefusedError("Must be plain ASCII without blanks; encode other characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise AddressRefusedError(NO_WEB_ADDRESS) from None
    if parts.scheme not in {"http", "https"} or not _is_host(host) or port == 0:
        raise AddressRefusedError(NO_WEB_ADDRESS)
    if "@" in parts.netloc or parts.fragment:
        raise AddressRefusedError("Must not hold a user name, a password or a #fragment.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path)


def _is_host(host: str) -> bool:
    if ":" in host:
        return _is_address(host) and "%" not in host
    labels = host.split(".")
    return len(host) <= 253 and all(
        0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() for label in labels
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_private_host(host: str) -> bool:
    """Tell whether a host is private by its text alone; what a public-looking name stands for is seen at connect."""
    if any(host == name or host.endswith("." + name) for name in _PRIVATE_NAMES):
        return True
    if _is_address(host):
        return not is_public(host)
    try:
        # "127.1", "0x7f000001" and "2130706433" are addresses to every resolver.
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return False
