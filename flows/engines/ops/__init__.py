"""The operations of a transform node: one file each, one line each in the registry."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flows.engines.ops.add_field import compile_add_field
from flows.engines.ops.aggregate import compile_aggregate
from flows.engines.ops.cast import compile_cast
from flows.engines.ops.deduplicate import compile_deduplicate
from flows.engines.ops.drop import compile_drop
from flows.engines.ops.expression import compile_expression
from flows.engines.ops.external import compile_external
from flows.engines.ops.filter import compile_filter
from flows.engines.ops.hash import compile_hash
from flows.engines.ops.lookup_join import compile_lookup_join
from flows.engines.ops.map_values import compile_map_values
from flows.engines.ops.mask_pii import compile_mask_pii
from flows.engines.ops.merge import compile_merge
from flows.engines.ops.rename import compile_rename
from flows.engines.ops.split import compile_split
from flows.engines.rows import Rows
from flows.engines.work import Work

REGISTRY: Final[Mapping[str, Callable[[Any, Rows, Work], Rows]]] = {
    "cast": compile_cast,
    "expression": compile_expression,
    "rename": compile_rename,
    "drop": compile_drop,
    "add_field": compile_add_field,
    "hash": compile_hash,
    "mask_pii": compile_mask_pii,
    "map_values": compile_map_values,
    "split": compile_split,
    "merge": compile_merge,
    "filter": compile_filter,
    "deduplicate": compile_deduplicate,
    "aggregate": compile_aggregate,
    "lookup_join": compile_lookup_join,
    "summarize": compile_external,
    "vector_embed": compile_external,
    "geo_resolve": compile_external,
    "sentiment_score": compile_external,
    "language_detect": compile_external,
}
