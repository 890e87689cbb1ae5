"""The variables of Kafka, Redpanda and MSK as librdkafka's settings."""

import re
from pathlib import Path
from typing import Final

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.publishers.setting import matching

_SERVER: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_MOST_PORT: Final = 65535
# A topic of Kafka has at most 249 characters, and an event's topic up to 120 of them.
_PREFIX: Final = r"[A-Za-z0-9._-]{0,100}"
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_OF_LOGIN: Final = ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
_OF_TLS: Final = ("KAFKA_SSL_CA_LOCATION", "KAFKA_SSL_CERTIFICATE_LOCATION", "KAFKA_SSL_KEY_LOCATION")
_COMPRESSIONS: Final = ("NONE", "GZIP", "SNAPPY", "LZ4", "ZSTD")


def cluster_settings(env: MountedSecretsEnv) -> dict[str, str]:
    """Return the servers of KAFKA_BOOTSTRAP_SERVERS and the compression."""
    servers = env.words("KAFKA_BOOTSTRAP_SERVERS")
    if not servers:
        raise ConfigurationError("KAFKA_BOOTSTRAP_SERVERS is missing; set it to host:port, several with commas.")
    for server in servers:
        match = _SERVER.fullmatch(server)
        if match is None or not 1 <= int(match[1]) <= _MOST_PORT:
            raise ConfigurationError("KAFKA_BOOTSTRAP_SERVERS must be host:port, several with commas.")
    compression = env.choice("KAFKA_COMPRESSION", "NONE", among=_COMPRESSIONS)
    return {"bootstrap.servers": ",".join(servers), "compression.type": compression.lower()}


def topic_prefix(env: MountedSecretsEnv) -> str:
    """Return KAFKA_TOPIC_PREFIX; topics are the prefix and the event's topic."""
    given = env.str("KAFKA_TOPIC_PREFIX", default="")
    return matching("KAFKA_TOPIC_PREFIX", given, _PREFIX, "at most 100 letters, digits and ._-")


def delivery_seconds(env: MountedSecretsEnv) -> float:
    """Return how long one batch waits for brokers that do not answer."""
    return env.number("KAFKA_DELIVERY_TIMEOUT_MS", 5000, minimum=100, maximum=60_000) / 1000


def connection_settings(env: MountedSecretsEnv) -> dict[str, str]:
    """Return TLS and SASL settings.

    Raises ConfigurationError for a file that is not there, half a login, or one that the protocol has no use for.
    """
    protocol = env.choice("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", among=_PROTOCOLS)
    has_tls, has_login = "SSL" in protocol.split("_"), protocol.startswith("SASL")
    for name in (*(_OF_TLS if not has_tls else ()), *(_OF_LOGIN if not has_login else ())):
        if env.secret(name).strip():
            raise ConfigurationError(f"{name} is set, but KAFKA_SECURITY_PROTOCOL={protocol} makes no use of it.")
    settings = {"security.protocol": protocol}
    return settings | (_tls(env) if has_tls else {}) | (_sasl(env) if has_login else {})


def _tls(env: MountedSecretsEnv) -> dict[str, str]:
    settings = {
        "ssl.ca.location": _file("KAFKA_SSL_CA_LOCATION", env.str("KAFKA_SSL_CA_LOCATION", default="")),
        "ssl.certificate.location": _file(
            "KAFKA_SSL_CERTIFICATE_LOCATION", env.str("KAFKA_SSL_CERTIFICATE_LOCATION", default="")
        ),
        "ssl.key.location": _file("KAFKA_SSL_KEY_LOCATION", env.str("KAFKA_SSL_KEY_LOCATION", default="")),
        "ssl.key.password": env.secret("KAFKA_SSL_KEY_PASSWORD"),
    }
    settings = {name: value for name, value in settings.items() if value}
    if ("ssl.certificate.location" in settings) != ("ssl.key.location" in settings):
        raise ConfigurationError("KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION go together; set both.")
    return settings


def _file(name: str, path: str) -> str:
    if path and not Path(path).is_file():
        raise ConfigurationError(f"{name} names {path}, which is not a file.")
    return path


def _sasl(env: MountedSecretsEnv) -> dict[str, str]:
    username = env.str("KAFKA_SASL_USERNAME", default="").strip()
    password = env.secret("KAFKA_SASL_PASSWORD")
    if not username or not password:
        name = "KAFKA_SASL_PASSWORD" if username else "KAFKA_SASL_USERNAME"
        raise ConfigurationError(f"{name} is missing; KAFKA_SECURITY_PROTOCOL asks for a login.")
    mechanism = env.choice("KAFKA_SASL_MECHANISM", "PLAIN", among=_MECHANISMS)
    return {"sasl.mechanism": mechanism, "sasl.username": username, "sasl.password": password}
