"""The validators of a data set: one file each, one line each in the registry.

A validator looks at rows that are kept and returns what is wrong with them in words, or None.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flows.engines.rows import Rows
from flows.engines.validators.freshness import stale
from flows.engines.validators.null_rate import too_many_nulls
from flows.engines.validators.row_count import wrong_count
from flows.engines.validators.schema_match import unlike
from flows.engines.validators.uniqueness import repeated
from flows.engines.work import Work

REGISTRY: Final[Mapping[str, Callable[[Any, Rows, Work], str | None]]] = {
    "schema_match": unlike,
    "row_count": wrong_count,
    "null_rate": too_many_nulls,
    "uniqueness": repeated,
    "freshness": stale,
}
