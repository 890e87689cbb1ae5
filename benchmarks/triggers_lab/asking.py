"""A contender in a process of its own, which answers a line with a line of JSON."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Final

from benchmarks.outbox_lab import lab

LAB: Final = "benchmarks.triggers_lab"


class Asked:
    """A process of `benchmarks.triggers_lab` over the database at `url`; it is ready when this is made."""

    def __init__(self, module: str, url: str, *arguments: Any, **environment: str) -> None:
        self._module = module
        # Shown only when it fails: libraries say on stderr what they leak as they end.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{LAB}.{module}", *map(str, arguments)],
            cwd=lab.ROOT, env={**os.environ, "DATABASE_URL": url, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
        )  # fmt: skip
        self._answer()

    def ask(self, word: str) -> Any:
        """Send a word and return what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let it end."""
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._said.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait(10)
            self._said.seek(0)
            raise SystemExit(f"{self._module} ended with {code}: {self._said.read().decode()[-3_000:]}")
        return json.loads(line)
