"""Types of connectors: which config each needs, which secrets it takes, and which source nodes it can serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from flows.decisions.vocabulary import ConnectorType
from flows.ir.sources import StoreKind

Errors = dict[str, list[str]]
DEFAULT_AUTH_METHOD: Final = "access_key"
# With this method nothing is signed: a public bucket, an open server.
NO_AUTH: Final = "none"

Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2_000, pattern=r"^https?://[!-~]+$")]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
LongSecret = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Folder = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^/[^\x00-\x1f\x7f]*$")]
HostKey = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$")]
BROKER: Final = r"[A-Za-z0-9._-]+:\d{1,5}"
Brokers = Annotated[str, StringConstraints(max_length=2_000, pattern=rf"^{BROKER}(,{BROKER})*$")]
Headers = Annotated[dict[Text, Annotated[str, StringConstraints(max_length=2_000)]], Field(max_length=20)]


class ConnectorModel(BaseModel):
    """Strict and camelCase; an error never repeats what was given, for it may be a secret."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, alias_generator=to_camel,
        validate_by_name=False, validate_by_alias=True,
    )  # fmt: skip
    # Keys that say who gets the secret: changing one needs the secret again.
    addresses: ClassVar[tuple[str, ...]] = ()


class AwsS3Config(ConnectorModel):
    """A bucket of S3, or of a store that speaks its language at `endpointUrl`."""

    addresses = ("endpointUrl",)
    bucket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$")]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{2,40}$")]
    endpoint_url: Url | None = None
    path_style: bool | None = None


class GcsConfig(ConnectorModel):
    """A bucket of Google Cloud Storage."""

    addresses = ("endpointUrl",)
    bucket: Text
    project: Text
    endpoint_url: Url | None = None


class AzureBlobConfig(ConnectorModel):
    """A container of Azure Blob Storage."""

    addresses = ("storageAccount", "endpointUrl")
    container: Text
    storage_account: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{3,24}$")]
    endpoint_url: Url | None = None


class SftpConfig(ConnectorModel):
    """An SFTP server; `hostKey` is its public key as `ssh-keyscan` prints it, without the name."""

    addresses = ("host", "port", "hostKey")
    host: Host
    port: Port
    username: Text | None = None
    host_key: HostKey | None = None


class LocalFsConfig(ConnectorModel):
    """Folders of this machine below FLOW_LOCAL_FS_ROOTS; relative paths of sources start at `basePath`."""

    base_path: Folder | None = None


class UrlConfig(ConnectorModel):
    """A web address, with headers that are no secrets."""

    addresses = ("url",)
    url: Url
    headers: Headers | None = None


class DatabaseConfig(ConnectorModel):
    """A database server."""

    addresses = ("host", "port")
    host: Host
    port: Port
    database: Text
    username: Text | None = None
    ssl_mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] | None = None


class KafkaConfig(ConnectorModel):
    """Brokers as `host:port`, comma-separated."""

    addresses = ("bootstrapServers",)
    bootstrap_servers: Brokers
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = None
    topic: Text | None = None


class AwsSecret(ConnectorModel):
    """An access key."""

    access_key_id: Secret
    secret_access_key: Secret
    session_token: LongSecret | None = None


class GcsSecret(ConnectorModel):
    """A service account's key file."""

    service_account_json: LongSecret


class AzureSecret(ConnectorModel):
    """One of the three ways in."""

    account_key: Secret | None = None
    sas_token: Secret | None = None
    connection_string: Secret | None = None


class SftpSecret(ConnectorModel):
    """A password or a private key in OpenSSH's form."""

    username: Text | None = None
    password: Secret | None = None
    private_key: LongSecret | None = None
    passphrase: Secret | None = None


class NoSecret(ConnectorModel):
    """Nothing is secret."""


class WebSecret(ConnectorModel):
    """A bearer token, a name with password, or a header of its own."""

    token: Secret | None = None
    username: Text | None = None
    password: Secret | None = None
    header_name: Text | None = None
    header_value: Secret | None = None


class LoginSecret(ConnectorModel):
    """A name with password."""

    username: Text | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """A type of connector; `stores` are the source nodes' connectors that it can serve, none for what is only kept."""

    title: str
    config: type[ConnectorModel]
    secret: type[ConnectorModel]
    stores: tuple[StoreKind, ...] = ()


TYPES: Final[Mapping[ConnectorType, TypeInfo]] = {
    ConnectorType.AWS_S3: TypeInfo("Amazon S3", AwsS3Config, AwsSecret, ("s3",)),
    ConnectorType.GCS: TypeInfo("Google Cloud Storage", GcsConfig, GcsSecret, ("gcs",)),
    ConnectorType.AZURE_BLOB: TypeInfo("Azure Blob Storage", AzureBlobConfig, AzureSecret, ("azure_blob",)),
    ConnectorType.SFTP: TypeInfo("SFTP", SftpConfig, SftpSecret, ("sftp",)),
    ConnectorType.LOCAL_FS: TypeInfo("Folder of this server", LocalFsConfig, NoSecret, ("local_fs",)),
    ConnectorType.HTTP_PULL: TypeInfo("HTTP download", UrlConfig, WebSecret, ("http_pull",)),
    ConnectorType.POSTGRESQL: TypeInfo("PostgreSQL", DatabaseConfig, LoginSecret),
    ConnectorType.MYSQL: TypeInfo("MySQL", DatabaseConfig, LoginSecret),
    ConnectorType.REDSHIFT: TypeInfo("Amazon Redshift", DatabaseConfig, LoginSecret),
    ConnectorType.REST_API: TypeInfo("REST API", UrlConfig, WebSecret, ("http_pull",)),
    ConnectorType.WEBHOOK: TypeInfo("Webhook", UrlConfig, WebSecret),
    ConnectorType.KAFKA: TypeInfo("Kafka", KafkaConfig, LoginSecret),
}
# Source nodes that need no credentials, and therefore no connector.
OPEN_STORES: Final = frozenset({"local_fs", "http_pull"})
WORDS: Final = {"missing": "This field is required.", "extra_forbidden": "Unknown field."}


def config_errors(kind: ConnectorType, config: Mapping[str, Any]) -> Errors:
    """Return what cannot be in a config, each as `config.<field>`; a secret among it is told where it belongs."""
    errors = _errors("config", TYPES[kind].config, config)
    secrets = {field.alias for field in TYPES[kind].secret.model_fields.values()}
    for path, messages in errors.items():
        if messages == [WORDS["extra_forbidden"]] and path.removeprefix("config.") in secrets:
            errors[path] = ["Goes into authConfig: a config is shown to everybody, authConfig to nobody."]
    return errors


def secret_errors(kind: ConnectorType, auth_method: str, secret: Mapping[str, Any]) -> Errors:
    """Return what cannot be in an authConfig, each as `authConfig.<field>`, without a word of what was given."""
    if auth_method == NO_AUTH:
        rule = "Must be left out: authMethod none sends no credentials."
        return {"authConfig": [rule]} if secret else {}
    return _errors("authConfig", TYPES[kind].secret, secret) if secret else {}


def moves_elsewhere(kind: ConnectorType, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys by which a changed config would send the kept secret to somebody else."""
    return [key for key in TYPES[kind].config.addresses if before.get(key) != after.get(key)]


def required_keys(kind: ConnectorType) -> tuple[str, ...]:
    """Return the names that a config must have, as they stand on the wire."""
    fields = TYPES[kind].config.model_fields.values()
    return tuple(field.alias or "" for field in fields if field.is_required())


def _errors(path: str, model: type[ConnectorModel], values: Mapping[str, Any]) -> Errors:
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        found: Errors = {}
        for detail in error.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join([path, *(str(part)[:100] for part in detail["loc"])])
            found.setdefault(place, []).append(WORDS.get(detail["type"], f"{detail['msg']}."))
        return found
    return {}
