"""The kinds of nodes between sources and targets: one file each, one line each in the registry."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flows.engines.nodes.branch import compile_branch
from flows.engines.nodes.enrich import compile_enrich
from flows.engines.nodes.join import compile_join
from flows.engines.nodes.passing import compile_pass
from flows.engines.nodes.transform import compile_transform
from flows.engines.nodes.validate import compile_validate
from flows.engines.rows import Rows
from flows.engines.work import Work

REGISTRY: Final[Mapping[str, Callable[[Any, Sequence[Rows], Work], Rows]]] = {
    "transform": compile_transform,
    "validate": compile_validate,
    "branch": compile_branch,
    "join": compile_join,
    "enrich": compile_enrich,
    "archive": compile_pass,
    "target": compile_pass,
}
