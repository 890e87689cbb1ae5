"""`EVENT_PUBLISHER=msk` and `aws_msk`: Kafka with IAM; the same publisher with tokens instead of a password."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.exceptions import BotoCoreError, NoCredentialsError

from outbox.publishers.base import BackendDown
from outbox.publishers.kafka import KafkaPublisher

_SETTINGS: Final[Mapping[str, Any]] = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
_MILLISECONDS: Final = 1000


def token_source(region: str) -> Callable[[str], tuple[str, float]]:
    """Return what librdkafka calls for a token: it signs with the usual chain's credentials, without a network call.

    The answer is the token and when it ends, in seconds since the epoch. Raises BackendDown without credentials.
    """

    def token(_: str) -> tuple[str, float]:
        try:
            # The signer takes it for granted that there are some.
            if boto3.Session().get_credentials() is None:
                raise NoCredentialsError
            signed, expires_at = MSKAuthTokenProvider.generate_auth_token(region)
        except (BotoCoreError, ValueError):
            raise BackendDown("AWS credentials are missing", is_transient=False) from None
        return signed, expires_at / _MILLISECONDS

    return token


def make_msk(settings: Mapping[str, Any], *, region: str, prefix: str, delivery_seconds: float) -> KafkaPublisher:
    """Return a Kafka publisher that signs in with IAM."""
    return KafkaPublisher(
        {**settings, **_SETTINGS}, prefix=prefix, name="msk", delivery_seconds=delivery_seconds,
        oauth=token_source(region),
    )  # fmt: skip
