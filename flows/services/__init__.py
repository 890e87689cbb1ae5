"""What flows do: keep connectors, pipelines and their versions, run them, load what they give."""

from flows.services.cancelling import cancel_run
from flows.services.connectors import create_connector, delete_connector, update_connector
from flows.services.dispatching import Dispatched, dispatch_run
from flows.services.pipelines import (
    Removed,
    create_pipeline,
    delete_pipeline,
    pause_pipeline,
    resume_pipeline,
    update_pipeline,
)
from flows.services.requesting import retry_run, run_pipeline_now
from flows.services.schema_rows import Inserted, insert_rows, list_rows
from flows.services.schemas import create_schema, delete_schema, update_schema
from flows.services.tables import data_schema_of
from flows.services.versions import publish_version, save_version

__all__ = [
    "Dispatched",
    "Inserted",
    "Removed",
    "cancel_run",
    "create_connector",
    "create_pipeline",
    "create_schema",
    "data_schema_of",
    "delete_connector",
    "delete_pipeline",
    "delete_schema",
    "dispatch_run",
    "insert_rows",
    "list_rows",
    "pause_pipeline",
    "publish_version",
    "resume_pipeline",
    "retry_run",
    "run_pipeline_now",
    "save_version",
    "update_connector",
    "update_pipeline",
    "update_schema",
]
