"""Pages of flows, with their full public paths."""

from django.urls import URLPattern, path

from flows.views import (
    acting,
    connectors,
    creating,
    drafting,
    editor,
    looking,
    pipelines,
    previews,
    run_acts,
    runs,
    schemas,
    timing,
)

PIPELINES = "data/flow-pipelines"
PIPELINE = f"{PIPELINES}/<str:pipeline_id>"
RUN = "data/flow-runs/<str:run_id>"
CONNECTORS = "data/connectors"
SCHEMAS = "data/schemas"

urlpatterns: list[URLPattern] = [
    path(PIPELINES, pipelines.pipeline_list, name="flow-pipelines-page"),
    path(f"{PIPELINES}/new", creating.new_pipeline, name="flow-pipeline-new"),
    path(f"{PIPELINE}/edit", editor.edit, name="flow-pipeline-page"),
    path(f"{PIPELINE}/row", pipelines.row, name="flow-pipeline-row"),
    path(f"{PIPELINE}/settings", creating.settings, name="flow-pipeline-settings"),
    path(f"{PIPELINE}/run", acting.run_now, name="flow-pipeline-run"),
    path(f"{PIPELINE}/pause", acting.pause, name="flow-pipeline-pause"),
    path(f"{PIPELINE}/resume", acting.resume, name="flow-pipeline-resume"),
    path(f"{PIPELINE}/delete", acting.delete, name="flow-pipeline-delete"),
    path(f"{PIPELINE}/draft", drafting.draft, name="flow-pipeline-draft"),
    path(f"{PIPELINE}/check", drafting.check, name="flow-pipeline-check"),
    path(f"{PIPELINE}/node", drafting.node, name="flow-pipeline-node"),
    path(f"{PIPELINE}/timing/<str:part>", timing.timing, name="flow-pipeline-timing"),
    path(f"{PIPELINE}/sql", previews.sql, name="flow-pipeline-sql"),
    path(f"{PIPELINE}/sample", previews.sample, name="flow-pipeline-sample"),
    path(f"{PIPELINE}/lineage", looking.lineage, name="flow-pipeline-lineage"),
    path(f"{PIPELINE}/publish", looking.publish, name="flow-pipeline-publish"),
    path(f"{PIPELINE}/versions", looking.versions, name="flow-pipeline-versions"),
    path("data/flow-runs", runs.run_list, name="flow-runs-page"),
    path(RUN, runs.run_page, name="flow-run-page"),
    path(f"{RUN}/errors.csv", runs.errors_csv, name="flow-run-page-errors"),
    path(f"{RUN}/rejects", runs.rejects, name="flow-run-page-rejects"),
    path(f"{RUN}/retry", run_acts.retry, name="flow-run-page-retry"),
    path(f"{RUN}/cancel", run_acts.cancel, name="flow-run-page-cancel"),
    path(CONNECTORS, connectors.connector_list, name="connectors-page"),
    path(f"{CONNECTORS}/new", connectors.new_connector, name="connector-new"),
    path(f"{CONNECTORS}/<str:connector_id>", connectors.connector_page, name="connector-page"),
    path(f"{CONNECTORS}/<str:connector_id>/test", connectors.test, name="connector-page-test"),
    path(f"{CONNECTORS}/<str:connector_id>/delete", connectors.delete, name="connector-page-delete"),
    path(SCHEMAS, schemas.schema_list, name="schemas-page"),
    path(f"{SCHEMAS}/new", schemas.new_schema, name="schema-new"),
    path(f"{SCHEMAS}/<str:schema_id>", schemas.schema_page, name="schema-page"),
    path(f"{SCHEMAS}/<str:schema_id>/edit", schemas.edit_schema, name="schema-edit"),
    path(f"{SCHEMAS}/<str:schema_id>/delete", schemas.delete, name="schema-page-delete"),
]
