"""Use cases of this area: seed outcome types, import history, generate a demo."""

from interactions.decisions.demo import Anomaly
from interactions.services.demo import DemoReport, generate_demo
from interactions.services.imports import ImportReport, import_interactions
from interactions.services.outcome_types import ensure_outcome_types, seed_outcome_types

__all__ = [
    "Anomaly",
    "DemoReport",
    "ImportReport",
    "ensure_outcome_types",
    "generate_demo",
    "import_interactions",
    "seed_outcome_types",
]
