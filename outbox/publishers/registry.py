"""Which back end: `EVENT_PUBLISHER` and the variables of each, checked before anything is connected."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.publishers.base import Publisher
from outbox.publishers.eventbridge import EventBridgePublisher
from outbox.publishers.kafka import KafkaPublisher
from outbox.publishers.kafka_settings import cluster_settings, connection_settings, delivery_seconds, topic_prefix
from outbox.publishers.kinesis import KinesisPublisher
from outbox.publishers.log import LogPublisher
from outbox.publishers.msk import make_msk
from outbox.publishers.redis import RedisAddressError, RedisPublisher
from outbox.publishers.setting import matching, required

DEFAULT: Final = "log"
EVENT_LOG: Final = "events.jsonl"

_STREAM_PREFIX: Final = r"[A-Za-z0-9:._-]{0,100}"
_BUS_NAME: Final = r"[A-Za-z0-9/._-]{1,256}|arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9/._-]{1,256}"
_STREAM_NAME: Final = r"[A-Za-z0-9_.-]{1,128}"
_REGION: Final = r"[a-z]{2,}(-[a-z]+)+-[0-9]+"
_HTTP_URL: Final = r"https?://[^\s/@]+(/[^\s]*)?"


def make_publisher(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    """Return the back end that EVENT_PUBLISHER names, without connecting to it.

    Raises ConfigurationError that names the variable which is missing or wrong.
    """
    word = env.str("EVENT_PUBLISHER", default="").strip().lower() or DEFAULT
    make = _MAKERS.get(word)
    if make is None:
        raise ConfigurationError(f"EVENT_PUBLISHER must be one of {', '.join(_MAKERS)}, not {word!r}.")
    return make(env, data_folder)


def _make_log(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    given = env.str("OUTBOX_LOG_FILE", default="").strip()
    path = Path(given) if given else data_folder / EVENT_LOG
    if path.is_dir():
        raise ConfigurationError(f"OUTBOX_LOG_FILE must name a file; {path} is a folder.")
    return LogPublisher(path)


def _make_redis(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    url = env.secret("REDIS_URL").strip()
    if not url:
        raise ConfigurationError("REDIS_URL is missing; set it to something like redis://:password@host:6379/0.")
    given = env.str("OUTBOX_REDIS_PREFIX", default="")
    prefix = matching("OUTBOX_REDIS_PREFIX", given, _STREAM_PREFIX, "letters, digits and :._-", default="kaireon:")
    most = env.number("OUTBOX_REDIS_MAXLEN", 0, minimum=0)
    try:
        return RedisPublisher(url, prefix=prefix, max_length=most)
    except RedisAddressError as error:
        raise ConfigurationError(f"REDIS_URL cannot be used: {error}.") from None
    except ValueError:
        # The address holds a password, and the library's text the address.
        raise ConfigurationError(
            "REDIS_URL cannot be read; it must be like redis://:password@host:6379/0, rediss://… or unix://…."
        ) from None


def _make_kafka(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    settings = {**cluster_settings(env), **connection_settings(env)}
    return KafkaPublisher(settings, prefix=topic_prefix(env), delivery_seconds=delivery_seconds(env))


def _make_msk(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    return make_msk(
        cluster_settings(env), region=_region(env), prefix=topic_prefix(env), delivery_seconds=delivery_seconds(env)
    )


def _make_eventbridge(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    given = env.str("EVENTBRIDGE_BUS_NAME", default="")
    bus = required("EVENTBRIDGE_BUS_NAME", given, _BUS_NAME, "the name or the ARN of an event bus")
    return EventBridgePublisher(bus=bus, region=_region(env), endpoint_url=_endpoint(env))


def _make_kinesis(env: MountedSecretsEnv, data_folder: Path) -> Publisher:
    given = env.str("KINESIS_STREAM_NAME", default="")
    stream = required("KINESIS_STREAM_NAME", given, _STREAM_NAME, "the name of a data stream")
    return KinesisPublisher(stream=stream, region=_region(env), endpoint_url=_endpoint(env))


def _region(env: MountedSecretsEnv) -> str:
    meaning = "a region such as eu-central-1"
    other = matching("AWS_DEFAULT_REGION", env.str("AWS_DEFAULT_REGION", default=""), _REGION, meaning)
    return required("AWS_REGION", env.str("AWS_REGION", default="") or other, _REGION, meaning)


def _endpoint(env: MountedSecretsEnv) -> str | None:
    given = env.str("AWS_ENDPOINT_URL", default="")
    return matching("AWS_ENDPOINT_URL", given, _HTTP_URL, "a URL such as http://localhost:4566") or None


_MAKERS: Final[Mapping[str, Callable[[MountedSecretsEnv, Path], Publisher]]] = {
    "log": _make_log,
    "redis": _make_redis,
    "kafka": _make_kafka,
    "redpanda": _make_kafka,
    "msk": _make_msk,
    "aws_msk": _make_msk,
    "eventbridge": _make_eventbridge,
    "kinesis": _make_kinesis,
}
