"""Short ways to ask for a sample of a pipeline."""

from typing import Any

from flows.engines.base import Sample
from flows.models import Pipeline
from flows.services.previewing import sample_node
from tests.flows.engines.world import pipeline, target, transform
from tests.flows.pipeline_world import NOW

CAST = {"op": "cast", "field": "amount", "to": "double", "onError": "quarantine"}
ORDERS = "id,amount\n1,10.5\n2,many\n3,7\n"


def reading(name: str = "src", *, connector: str = "local_fs", pattern: str = "*", **config: Any) -> dict[str, Any]:
    """Return a source of CSV files in `inbox/`, with further settings as the IR spells them."""
    more = {"path": "inbox/", "pattern": {"type": "glob", "value": pattern}, "format": "csv", **config}
    return {"id": name, "kind": "source", "connector": connector, "config": more}


def nodes(source: dict[str, Any], *ops: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a source, a transform and a target."""
    return [source, transform(*(ops or (CAST,)), reads=source["id"]), target("out", "clean")]


def document(*given: dict[str, Any]) -> dict[str, Any]:
    """Return a pipeline of nodes as it is sent."""
    return pipeline(*given).model_dump(mode="json", by_alias=True, exclude_unset=True)


def sampled(of: Pipeline, *given: dict[str, Any], at: str = "clean", limit: int = 10) -> Sample:
    """Return a sample of a draft of the pipeline that has these nodes."""
    return sample_node(pipeline=of, ir=pipeline(*given), node_id=at, limit=limit, now=NOW)
