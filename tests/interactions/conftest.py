"""Fixtures of this area."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interactions.recording import engine

__all__ = ["engine", "write"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of text or bytes and return its path."""

    def write_file(content: str | bytes, name: str = "history.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file
