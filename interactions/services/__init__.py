"""Use cases of this area: seed outcome types, import history, generate a demo, record what happens."""

from interactions.decisions.demo import Anomaly
from interactions.services.demo import DemoReport, generate_demo
from interactions.services.imports import ImportReport, import_interactions
from interactions.services.outcome_types import ensure_outcome_types, seed_outcome_types
from interactions.services.recording import Recorded, record_decision, record_interaction

__all__ = [
    "Anomaly",
    "DemoReport",
    "ImportReport",
    "Recorded",
    "ensure_outcome_types",
    "generate_demo",
    "import_interactions",
    "record_decision",
    "record_interaction",
    "seed_outcome_types",
]
