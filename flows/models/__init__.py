"""Tables of flows."""

from flows.models.connectors import Connector
from flows.models.pipelines import Pipeline, PipelineVersion
from flows.models.runs import PipelineRun, RunError, RunFile, RunLogLine
from flows.models.schemas import DataSchema, SchemaField
from flows.models.watermarks import PipelineWatermark

__all__ = [
    "Connector", "DataSchema", "Pipeline", "PipelineRun", "PipelineVersion", "PipelineWatermark", "RunError", "RunFile",
    "RunLogLine", "SchemaField",
]  # fmt: skip
