"""Questions about flows."""

from flows.selectors.connectors import find_connector, list_connectors, pipelines_using
from flows.selectors.lineage import LineagePage, lineage_rows
from flows.selectors.pipelines import (
    count_pipelines,
    find_pipeline,
    find_version,
    list_pipelines,
    list_versions,
    live_ir,
    shape_of,
)
from flows.selectors.quarantine import QuarantinedRow, QuarantinePage, quarantine_rows
from flows.selectors.runs import RowError, errors_of, find_run, list_runs, log_of, progress_of
from flows.selectors.schemas import find_schema, list_schemas, pipelines_that_use

__all__ = [
    "LineagePage",
    "QuarantinePage",
    "QuarantinedRow",
    "RowError",
    "count_pipelines",
    "errors_of",
    "find_connector",
    "find_pipeline",
    "find_run",
    "find_schema",
    "find_version",
    "lineage_rows",
    "list_connectors",
    "list_pipelines",
    "list_runs",
    "list_schemas",
    "list_versions",
    "live_ir",
    "log_of",
    "pipelines_that_use",
    "pipelines_using",
    "progress_of",
    "quarantine_rows",
    "shape_of",
]
