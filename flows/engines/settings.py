"""What an engine may use of its machine, and which engine it is."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ENGINES: Final = ("duckdb", "spark")
LEAST_MEMORY_MB: Final = 64


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which engine, with how much memory (MB), how many threads, and where it may put what does not fit.

    `readable` are the folders that files may be read from besides the session's own: nothing else opens.
    """

    engine: str = "duckdb"
    memory_limit_mb: int = 512
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    temp_dir: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    spark_remote: str = ""
    readable: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"FLOW_ENGINE is {self.engine!r}: it is duckdb or spark")
        if self.memory_limit_mb < LEAST_MEMORY_MB:
            raise ValueError(f"FLOW_MEMORY_LIMIT_MB is {self.memory_limit_mb}: at least {LEAST_MEMORY_MB}")
        if self.threads < 1:
            raise ValueError(f"FLOW_THREADS is {self.threads}: at least 1")

    @classmethod
    def from_environment(cls, env: Mapping[str, str], *, readable: tuple[Path, ...] = ()) -> "EngineSettings":
        """Return the settings that the environment names, else defaults. Raises ValueError naming a variable."""
        given = cls(engine=env.get("FLOW_ENGINE") or "duckdb", spark_remote=env.get("SPARK_REMOTE", ""))
        return cls(
            engine=given.engine,
            memory_limit_mb=_whole(env, "FLOW_MEMORY_LIMIT_MB", given.memory_limit_mb),
            threads=_whole(env, "FLOW_THREADS", given.threads),
            temp_dir=Path(env.get("FLOW_TEMP_DIR") or given.temp_dir),
            spark_remote=given.spark_remote,
            readable=readable,
        )


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal():
        raise ValueError(f"{name} is {text!r}: it is a whole number")
    return int(text)
