"""Routes of flows, as documented; the slash form works too."""

from django.urls import URLPattern, path

from flows.api.checks import IrSchemaView, PipelineValidateView
from flows.api.connectors import ConnectorDetailView, ConnectorListView, ConnectorTestView
from flows.api.pipelines import (
    PipelineDetailView,
    PipelineListView,
    PipelinePauseView,
    PipelineResumeView,
)
from flows.api.previews import PipelinePreviewView, PipelineSampleView
from flows.api.rows import LineageView, PipelineRunDlqView
from flows.api.runs import (
    PipelineRunCancelView,
    PipelineRunDetailView,
    PipelineRunErrorsView,
    PipelineRunListView,
    PipelineRunNowView,
    PipelineRunProgressView,
    PipelineRunRetryView,
    PipelineRunsOfListView,
)
from flows.api.schemas import SchemaDataView, SchemaDetailView, SchemaListView
from flows.api.versions import PipelineIrView, PipelinePublishView, PipelineVersionListView, PipelineVersionView

CONNECTORS = "api/v1/connectors"
SCHEMAS = "api/v1/schemas"
PIPELINES = "api/v1/pipelines"
PIPELINE = f"{PIPELINES}/<str:pipeline_id>"
RUN = f"{PIPELINE}/runs/<str:pipeline_run_id>"

urlpatterns: list[URLPattern] = [
    path(CONNECTORS, ConnectorListView.as_view(), name="connectors"),
    path(f"{CONNECTORS}/test", ConnectorTestView.as_view(), name="connector-test"),
    path(f"{CONNECTORS}/<str:connector_id>", ConnectorDetailView.as_view(), name="connector"),
    path(PIPELINES, PipelineListView.as_view(), name="pipelines"),
    path(f"{PIPELINES}/ir-schema", IrSchemaView.as_view(), name="pipeline-ir-schema"),
    path(PIPELINE, PipelineDetailView.as_view(), name="pipeline"),
    path(f"{PIPELINE}/ir", PipelineIrView.as_view(), name="pipeline-ir"),
    path(f"{PIPELINE}/versions", PipelineVersionListView.as_view(), name="pipeline-versions"),
    path(f"{PIPELINE}/versions/<str:version>", PipelineVersionView.as_view(), name="pipeline-version"),
    path(f"{PIPELINE}/validate", PipelineValidateView.as_view(), name="pipeline-validate"),
    path(f"{PIPELINE}/preview", PipelinePreviewView.as_view(), name="pipeline-preview"),
    path(f"{PIPELINE}/sample", PipelineSampleView.as_view(), name="pipeline-sample"),
    path(f"{PIPELINE}/publish", PipelinePublishView.as_view(), name="pipeline-publish"),
    path(f"{PIPELINE}/pause", PipelinePauseView.as_view(), name="pipeline-pause"),
    path(f"{PIPELINE}/resume", PipelineResumeView.as_view(), name="pipeline-resume"),
    path(f"{PIPELINE}/run", PipelineRunNowView.as_view(), name="pipeline-run-now"),
    path(f"{PIPELINE}/runs", PipelineRunsOfListView.as_view(), name="pipeline-runs-of"),
    path(RUN, PipelineRunDetailView.as_view(), name="pipeline-run"),
    path(f"{RUN}/progress", PipelineRunProgressView.as_view(), name="pipeline-run-progress"),
    path(f"{RUN}/errors", PipelineRunErrorsView.as_view(), name="pipeline-run-errors"),
    path(f"{RUN}/retry", PipelineRunRetryView.as_view(), name="pipeline-run-retry"),
    path(f"{RUN}/cancel", PipelineRunCancelView.as_view(), name="pipeline-run-cancel"),
    path("api/v1/pipeline-runs", PipelineRunListView.as_view(), name="pipeline-runs"),
    path("api/v1/pipeline-runs/<str:pipeline_run_id>/dlq", PipelineRunDlqView.as_view(), name="pipeline-run-dlq"),
    path("api/v1/lineage", LineageView.as_view(), name="lineage"),
    path(SCHEMAS, SchemaListView.as_view(), name="data-schemas"),
    path(f"{SCHEMAS}/<str:schema_id>", SchemaDetailView.as_view(), name="data-schema"),
    path(f"{SCHEMAS}/<str:schema_id>/data", SchemaDataView.as_view(), name="data-schema-data"),
]
