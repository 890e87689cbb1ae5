"""cdc_mirror: refused; there is no stream of changes to mirror."""

from collections.abc import Sequence
from typing import Any, NoReturn

from django.conf import settings

from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, TargetRefused
from flows.targets.modes.base import Job
from flows.targets.shapes import TableShape


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> NoReturn:  # fmt: skip
    """Refuse, saying what is missing."""
    if not getattr(settings, "FLOW_STREAMING_ENABLED", False):
        raise TargetRefused("cdc_mirror: streaming disabled. Files are loaded by the other modes.")
    raise TargetRefused("cdc_mirror: Debezium connector not configured.")


def load(job: Job) -> NoReturn:
    """Refuse; `check` has done so already."""
    raise TargetRefused("cdc_mirror: Debezium connector not configured.")
