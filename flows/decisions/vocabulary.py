"""The words of flows: what a run, a file, a connector can be."""

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands (settled 35)."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more happens to the run."""
        return self not in {RunStatus.PENDING, RunStatus.RUNNING}


class Stage(StrEnum):
    """What a run does just now; a page shows them in this order."""

    QUEUED = "queued"
    LISTING = "listing"
    STAGING = "staging"
    READING = "reading"
    TRANSFORMING = "transforming"
    VALIDATING = "validating"
    LOADING = "loading"
    ARCHIVING = "archiving"
    DONE = "done"


class TriggerSource(StrEnum):
    """Who or what started a run (contract §8)."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    FILE_ARRIVAL = "file_arrival"
    BACKFILL = "backfill"
    RETRY = "retry"
    API = "api"


class FileState(StrEnum):
    """Where a file of a run stands: the row is written before the file is moved, and after.

    `staged` and before: nothing of it is committed, it goes back or to the failure folder. `committed`: its rows are in
    the table, so it goes to the success folder, whoever does it.
    """

    CLAIMED = "claimed"
    STAGED = "staged"
    COMMITTED = "committed"
    ARCHIVED = "archived"
    FAILED = "failed"
    RESTORED = "restored"
    # http_pull and read-only stores: nothing is moved.
    LEFT = "left"

    @property
    def is_open(self) -> bool:
        """Tell whether the file is still in a run's hands: no other run may claim the same version of it."""
        return self in {FileState.CLAIMED, FileState.STAGED, FileState.COMMITTED}


class PipelineStatus(StrEnum):
    """A pipeline is a draft until its first success (reference §5)."""

    DRAFT = "draft"
    ACTIVE = "active"


class ConnectorType(StrEnum):
    """What a connector reaches. Only stores of files have an executor; the others can be kept and tested."""

    AWS_S3 = "aws_s3"
    GCS = "gcs"
    AZURE_BLOB = "azure_blob"
    SFTP = "sftp"
    LOCAL_FS = "local_fs"
    HTTP_PULL = "http_pull"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    REDSHIFT = "redshift"
    REST_API = "rest_api"
    WEBHOOK = "webhook"
    KAFKA = "kafka"


class ConnectorStatus(StrEnum):
    """What the last test of a connector found."""

    UNTESTED = "untested"
    OK = "ok"
    FAILED = "failed"


class EntityType(StrEnum):
    """What the rows of a schema are about."""

    CUSTOMER = "customer"
    ACCOUNT = "account"
    CUSTOM = "custom"


class Overlap(StrEnum):
    """What happens to a run that begins while another of its pipeline is under way (settled 9)."""

    QUEUE = "queue"
    SKIP = "skip"
    ALLOW = "allow"


class LogLevel(StrEnum):
    """How much a line of a run's log matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
