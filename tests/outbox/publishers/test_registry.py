"""Which back end the variables name, and what is said when they are wrong."""

from contextlib import closing
from pathlib import Path

import pytest

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.publishers.base import Publisher
from outbox.publishers.kafka_settings import cluster_settings, connection_settings, delivery_seconds, topic_prefix
from outbox.publishers.log import LogPublisher
from outbox.publishers.registry import make_publisher

KAFKA = {"EVENT_PUBLISHER": "kafka", "KAFKA_BOOTSTRAP_SERVERS": "one:9092, [::1]:9093"}
REDIS = {"EVENT_PUBLISHER": "redis", "REDIS_URL": "redis://:s3cret@localhost:6379/0"}
MSK = {"EVENT_PUBLISHER": "msk", "KAFKA_BOOTSTRAP_SERVERS": "one:9098", "AWS_REGION": "eu-central-1"}
BRIDGE = {"EVENT_PUBLISHER": "eventbridge", "EVENTBRIDGE_BUS_NAME": "shop", "AWS_REGION": "eu-central-1"}
KINESIS = {"EVENT_PUBLISHER": "kinesis", "KINESIS_STREAM_NAME": "shop", "AWS_DEFAULT_REGION": "us-gov-west-1"}
LOGIN = {**KAFKA, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "s3cret"}


def made(folder: Path, **variables: str) -> Publisher:
    return make_publisher(MountedSecretsEnv(variables), folder)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "log"),
        ({"EVENT_PUBLISHER": ""}, "log"),
        ({"EVENT_PUBLISHER": " LOG "}, "log"),
        (REDIS, "redis"),
        ({**REDIS, "REDIS_URL": "rediss://localhost"}, "redis"),
        ({**REDIS, "REDIS_URL": "unix:///run/redis.sock"}, "redis"),
        (KAFKA, "kafka"),
        ({**KAFKA, "EVENT_PUBLISHER": "redpanda"}, "kafka"),
        (LOGIN, "kafka"),
        ({**LOGIN, "KAFKA_SASL_USERNAME": "$ConnectionString"}, "kafka"),
        (MSK, "msk"),
        ({**MSK, "EVENT_PUBLISHER": "aws_msk"}, "msk"),
        (BRIDGE, "eventbridge"),
        ({**BRIDGE, "EVENTBRIDGE_BUS_NAME": "arn:aws:events:eu-central-1:123456789012:event-bus/shop"}, "eventbridge"),
        ({**BRIDGE, "AWS_ENDPOINT_URL": "http://localhost:4566"}, "eventbridge"),
        (KINESIS, "kinesis"),
    ],
)
def test_a_word_names_a_back_end_and_nothing_is_connected(tmp_path: Path, variables: dict[str, str], name: str) -> None:
    with closing(made(tmp_path, **variables)) as publisher:
        assert publisher.name == name


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"EVENT_PUBLISHER": "kafak"}, "EVENT_PUBLISHER"),
        ({"EVENT_PUBLISHER": "noop"}, "EVENT_PUBLISHER"),
        ({"EVENT_PUBLISHER": "$FOO"}, "EVENT_PUBLISHER"),
        ({**KAFKA, "KAFKA_TOPIC_PREFIX": "$b"}, "KAFKA_TOPIC_PREFIX"),
        ({"OUTBOX_LOG_FILE": "/"}, "OUTBOX_LOG_FILE"),
        ({**REDIS, "REDIS_URL": ""}, "REDIS_URL"),
        ({**REDIS, "REDIS_URL": "http://:s3cret@localhost"}, "REDIS_URL"),
        ({**REDIS, "REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({**REDIS, "REDIS_URL": "redis://:s3cret@localhost:99999/0"}, "REDIS_URL"),
        ({**REDIS, "REDIS_URL": "redis://:s3cret@localhost:port/0"}, "REDIS_URL"),
        ({**REDIS, "OUTBOX_REDIS_MAXLEN": "many"}, "OUTBOX_REDIS_MAXLEN"),
        ({**REDIS, "OUTBOX_REDIS_MAXLEN": "-1"}, "OUTBOX_REDIS_MAXLEN"),
        ({**REDIS, "OUTBOX_REDIS_PREFIX": "two words"}, "OUTBOX_REDIS_PREFIX"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": ""}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": " , "}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": "one"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": "one:9092;two:9092"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": "SASL_SSL://u:s3cret@one:9092"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": "one:0"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_BOOTSTRAP_SERVERS": "one:65536"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**KAFKA, "KAFKA_TOPIC_PREFIX": "a/b"}, "KAFKA_TOPIC_PREFIX"),
        ({**KAFKA, "KAFKA_TOPIC_PREFIX": "x" * 101}, "KAFKA_TOPIC_PREFIX"),
        ({**KAFKA, "KAFKA_COMPRESSION": "zip"}, "KAFKA_COMPRESSION"),
        ({**KAFKA, "KAFKA_DELIVERY_TIMEOUT_MS": "5s"}, "KAFKA_DELIVERY_TIMEOUT_MS"),
        ({**KAFKA, "KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({**LOGIN, "KAFKA_SECURITY_PROTOCOL": ""}, "KAFKA_SASL_USERNAME"),
        ({**LOGIN, "KAFKA_SECURITY_PROTOCOL": "SSL"}, "KAFKA_SASL_USERNAME"),
        ({**KAFKA, "KAFKA_SASL_PASSWORD": "s3cret"}, "KAFKA_SASL_PASSWORD"),
        ({**KAFKA, "KAFKA_SSL_CA_LOCATION": __file__}, "KAFKA_SSL_CA_LOCATION"),
        ({**LOGIN, "KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        ({**LOGIN, "KAFKA_SASL_USERNAME": ""}, "KAFKA_SASL_USERNAME"),
        ({**LOGIN, "KAFKA_SASL_PASSWORD": ""}, "KAFKA_SASL_PASSWORD"),
        ({**LOGIN, "KAFKA_SSL_CA_LOCATION": "/nowhere.pem"}, "KAFKA_SSL_CA_LOCATION"),
        ({**LOGIN, "KAFKA_SSL_CERTIFICATE_LOCATION": __file__}, "KAFKA_SSL_KEY_LOCATION"),
        ({**MSK, "KAFKA_BOOTSTRAP_SERVERS": ""}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({**MSK, "AWS_REGION": ""}, "AWS_REGION"),
        ({**BRIDGE, "EVENTBRIDGE_BUS_NAME": ""}, "EVENTBRIDGE_BUS_NAME"),
        ({**BRIDGE, "EVENTBRIDGE_BUS_NAME": "two words"}, "EVENTBRIDGE_BUS_NAME"),
        ({**BRIDGE, "AWS_REGION": ""}, "AWS_REGION"),
        ({**BRIDGE, "AWS_REGION": "Frankfurt"}, "AWS_REGION"),
        ({**BRIDGE, "AWS_ENDPOINT_URL": "localhost:4566"}, "AWS_ENDPOINT_URL"),
        ({**BRIDGE, "AWS_ENDPOINT_URL": "http://u:s3cret@localhost"}, "AWS_ENDPOINT_URL"),
        ({**KINESIS, "KINESIS_STREAM_NAME": ""}, "KINESIS_STREAM_NAME"),
        ({**KINESIS, "KINESIS_STREAM_NAME": "a/b"}, "KINESIS_STREAM_NAME"),
        ({**KINESIS, "AWS_DEFAULT_REGION": "x"}, "AWS_DEFAULT_REGION"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_secret_is_told(
    tmp_path: Path, variables: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        made(tmp_path, **variables)

    said = str(refused.value)
    assert named in said
    assert "s3cret" not in said
    assert "\n" not in said
    assert refused.value.__cause__ is None


def test_the_unknown_word_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="log, redis, kafka, redpanda, msk, aws_msk, eventbridge, kinesis"):
        made(tmp_path, EVENT_PUBLISHER="rabbitmq")


def test_the_log_is_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    default, chosen = made(tmp_path), made(tmp_path, OUTBOX_LOG_FILE="/var/log/events.jsonl")

    assert isinstance(default, LogPublisher)
    assert isinstance(chosen, LogPublisher)
    assert default.path == tmp_path / "events.jsonl"
    assert chosen.path == Path("/var/log/events.jsonl")
    assert not default.path.exists()


def test_a_password_may_be_mounted_as_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    variables = {name: value for name, value in LOGIN.items() if name != "KAFKA_SASL_PASSWORD"}

    settings = connection_settings(MountedSecretsEnv({**variables, "KAFKA_SASL_PASSWORD_FILE": str(secret)}))

    assert settings["sasl.password"] == "s3cret"


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, {"security.protocol": "PLAINTEXT"}),
        ({"KAFKA_SECURITY_PROTOCOL": "ssl"}, {"security.protocol": "SSL"}),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": __file__, "KAFKA_SSL_KEY_PASSWORD": "k",
                "KAFKA_SSL_CERTIFICATE_LOCATION": __file__, "KAFKA_SSL_KEY_LOCATION": __file__,
            },
            {
                "security.protocol": "SSL", "ssl.ca.location": __file__, "ssl.certificate.location": __file__,
                "ssl.key.location": __file__, "ssl.key.password": "k",
            },
        ),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "scram-sha-512",
                "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p",
            },
            {
                "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "u",
                "sasl.password": "p",
            },
        ),
    ],
    ids=["plain", "tls", "own certificate", "login"],
)  # fmt: skip
def test_tls_and_login_become_the_clients_settings(variables: dict[str, str], settings: dict[str, str]) -> None:
    assert connection_settings(MountedSecretsEnv(variables)) == settings


def test_the_rest_of_kafka_has_defaults() -> None:
    env = MountedSecretsEnv({"KAFKA_BOOTSTRAP_SERVERS": "one:9092, two:9092"})

    assert cluster_settings(env) == {"bootstrap.servers": "one:9092,two:9092", "compression.type": "none"}
    assert topic_prefix(env) == ""
    assert delivery_seconds(env) == 5.0
