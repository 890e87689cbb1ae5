"""Which reader: the other side of the back end that EVENT_PUBLISHER names."""

from collections.abc import Callable, Mapping
from typing import Final

from kaireon.platform.env import MountedSecretsEnv
from outbox.crashtest.readers.base import BackendUnreadable, Reader
from outbox.crashtest.readers.kafka import KafkaReader
from outbox.crashtest.readers.kinesis import KinesisReader
from outbox.crashtest.readers.log import LogReader
from outbox.crashtest.readers.redis import RedisReader
from outbox.publishers.base import Publisher
from outbox.publishers.kafka_settings import cluster_settings, connection_settings, topic_prefix
from outbox.publishers.log import LogPublisher
from outbox.publishers.msk import token_source

_IAM: Final = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}


def make_reader(publisher: Publisher, env: MountedSecretsEnv) -> Reader:
    """Return the reader of the back end that this publisher writes to; `env` has been found good by `make_publisher`.

    Raises BackendUnreadable for a back end that keeps nothing to be read.
    """
    if isinstance(publisher, LogPublisher):
        return LogReader(publisher.path)
    make = _MAKERS.get(publisher.name)
    if make is None:
        raise BackendUnreadable(
            f"EVENT_PUBLISHER={publisher.name} cannot be read back, so nobody could tell what was lost there. "
            "Run the crash test with log, redis, kafka or kinesis."
        )
    return make(env)


def _redis(env: MountedSecretsEnv) -> Reader:
    prefix = env.ENVIRON.get("OUTBOX_REDIS_PREFIX", "").strip() or "kaireon:"
    return RedisReader(env.secret("REDIS_URL").strip(), prefix=prefix)


def _kafka(env: MountedSecretsEnv) -> Reader:
    return KafkaReader({**cluster_settings(env), **connection_settings(env)}, prefix=topic_prefix(env))


def _msk(env: MountedSecretsEnv) -> Reader:
    oauth = token_source(_region(env))
    return KafkaReader({**cluster_settings(env), **_IAM}, prefix=topic_prefix(env), oauth=oauth)


def _kinesis(env: MountedSecretsEnv) -> Reader:
    return KinesisReader(
        stream=env.ENVIRON["KINESIS_STREAM_NAME"].strip(), region=_region(env),
        endpoint_url=env.ENVIRON.get("AWS_ENDPOINT_URL", "").strip() or None,
    )  # fmt: skip


def _region(env: MountedSecretsEnv) -> str:
    return (env.ENVIRON.get("AWS_REGION") or env.ENVIRON["AWS_DEFAULT_REGION"]).strip()


_MAKERS: Final[Mapping[str, Callable[[MountedSecretsEnv], Reader]]] = {
    "redis": _redis,
    "kafka": _kafka,
    "msk": _msk,
    "kinesis": _kinesis,
}
