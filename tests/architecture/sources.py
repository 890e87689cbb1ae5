"""The repository's own Python, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("kaireon", "outbox", "reports", "interactions", "alerts", "flows", "triggers")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: its path from the repository's root, its text and its tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the parsed file."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """Return the number of its lines."""
        return len(self.text.splitlines())

    @property
    def code_lines(self) -> int:
        """Return the number of its lines that are not blank."""
        return sum(bool(line.strip()) for line in self.text.splitlines())

    def is_of(self, name: str) -> bool:
        """Tell whether the file is `name`.py, or stands in the package `name`."""
        return self.path.endswith(f"/{name}.py") or f"/{name}/" in self.path

    def functions(self) -> Iterator[Function]:
        """Yield every function, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def public_definitions(self) -> Iterator[Function | ast.ClassDef]:
        """Yield the functions and classes at the top of the file whose name has no underscore."""
        for node in self.tree.body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                yield node


def read(*folders: str) -> list[Source]:
    """Return the Python files of these folders, without migrations."""
    paths = (path for folder in folders for path in sorted((REPOSITORY / folder).rglob("*.py")))
    kept = (path for path in paths if "migrations" not in path.parts)
    return [Source(str(path.relative_to(REPOSITORY)), path.read_text(encoding="utf-8")) for path in kept]


def product() -> list[Source]:
    """Return the product's files."""
    return [*read(*PACKAGES), Source("manage.py", (REPOSITORY / "manage.py").read_text(encoding="utf-8"))]


def suite() -> list[Source]:
    """Return the files of the test suite."""
    return read("tests")
