"""Pages of flows: pipelines and their editor, runs, connectors, schemas."""
