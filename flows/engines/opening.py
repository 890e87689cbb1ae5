"""Opening a session: the engine that the settings name."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from flows.engines.base import EngineError, Session
from flows.engines.duck.session import DuckSession
from flows.engines.settings import EngineSettings

__all__ = ["EngineSettings", "open_session"]


@contextmanager
def open_session(*, settings: EngineSettings) -> Iterator[Session]:
    """Yield a session of the engine that the settings name; close it at the end, whatever happened.

    Files open only from the session's own folder and from `settings.readable`; nothing of its configuration changes
    any more. Raises EngineError when the engine is not installed, or cannot be reached.
    """
    session = _open(settings)
    try:
        yield session
    finally:
        session.close()


def _open(settings: EngineSettings) -> Session:
    if settings.engine == "duckdb":
        return DuckSession(settings)
    try:
        module = importlib.import_module("flows.engines.spark.session")
    except ImportError as error:
        raise EngineError("FLOW_ENGINE is spark: install requirements-spark.txt") from error
    opened: Session = module.SparkSession(settings)
    return opened
