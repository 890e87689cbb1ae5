"""Source nodes: where files lie, which of them are meant, in which order, and how they are read."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from flows.ir.base import AS_GIVEN, UUID_PATTERN, ColumnName, IrModel, NodeId

StoreKind = Literal["s3", "gcs", "azure_blob", "sftp", "ftp", "local_fs", "http_pull"]
StreamingKind = Literal["kafka_consumer", "kinesis_consumer", "pulsar_consumer"]
ConnectorKind = Literal[StoreKind, StreamingKind]
FileFormat = Literal["csv", "tsv", "json", "jsonl", "parquet", "avro", "orc", "xml"]
Ordering = Literal["latest_by_mtime", "fifo_by_name", "lexicographic", "process_all"]
Folder = Annotated[str, StringConstraints(min_length=1, max_length=500)]
PatternText = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class GlobPattern(IrModel):
    """File names by `*` and `?`."""

    type: Literal["glob"]
    value: PatternText


class RegexPattern(IrModel):
    """File names by a regular expression that must match the whole name."""

    type: Literal["regex"]
    value: PatternText


class DateTemplatePattern(IrModel):
    """File names by the date of the run: `{YYYY} {MM} {DD} {HH} {mm} {ss} {YYYY-MM-DD} {YYYYMMDD}`, then a glob."""

    type: Literal["date_template"]
    value: PatternText
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"


Pattern = Annotated[GlobPattern | RegexPattern | DateTemplatePattern, Field(discriminator="type")]


class WaitPolicy(IrModel):
    """How often and how long to look again when no file is there, and what to do then."""

    max_retries: Annotated[int, Field(ge=0, le=1_000)] = 0
    interval_minutes: Annotated[float, Field(gt=0, le=1_440), AS_GIVEN] = 5
    on_miss_action: Literal["alert", "skip", "fail"] = "skip"


class Atomicity(IrModel):
    """Where a file lies while it is read, after success, and after failure; relative to the source's path."""

    staging_folder: Folder = ".processing/"
    success_folder: Folder = ".archive/{YYYY-MM-DD}/"
    failure_folder: Folder = ".failed/"


class FormatOptions(IrModel):
    """How to read; what is not said is detected. `header: false` names columns `column1`, `column2`, … ."""

    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=4)] | None = None
    quote: Annotated[str, StringConstraints(max_length=1)] | None = None
    escape: Annotated[str, StringConstraints(max_length=1)] | None = None
    encoding: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    header: bool = True
    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=500)] | None = None
    null_values: Annotated[list[str], Field(max_length=20)] = [""]
    compression: Literal["auto", "none", "gz", "zst"] = "auto"
    on_bad_row: Literal["fail", "quarantine"] = "quarantine"
    record_path: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class SourceConfig(IrModel):
    """What a source reads. `connectorId` names other credentials than the pipeline's connector (ours)."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    pattern: Pattern
    format: FileFormat
    ordering: Ordering = "fifo_by_name"
    wait_policy: WaitPolicy = WaitPolicy()
    atomicity: Atomicity = Atomicity()
    format_options: FormatOptions = FormatOptions()
    connector_id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)] | None = None
    max_files: Annotated[int, Field(ge=1, le=100_000)] | None = None


class SourceNode(IrModel):
    """A node that reads files."""

    id: NodeId
    kind: Literal["source"]
    connector: ConnectorKind
    config: SourceConfig
