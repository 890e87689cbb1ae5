"""At which line of a JSON text a path such as `nodes[2].ops[0].field` stands: problems lead there."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\n|[ \t\r]+', re.DOTALL)
_LAST: Final = re.compile(r"(\.[^.\[\]]+|\[[^\]]*\])$")


def lines_of(text: str, paths: Iterable[str]) -> Mapping[str, int]:
    """Return the line, from 1, of each path; of what is not there that of the nearest thing around it."""
    known = _Scan(text).lines
    return {path: _nearest(known, path) for path in paths}


def _nearest(known: Mapping[str, int], path: str) -> int:
    while path and path not in known:
        shorter = _LAST.sub("", path)
        path = "" if shorter == path else shorter
    return known.get(path, 1)


class _Scan:
    """One walk through the text; knows the line of every value, by its path."""

    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {"": 1}
        # Of each open bracket: its path, whether it is a list, and the key or number that comes next.
        self.stack: list[tuple[str, bool]] = []
        self.keys: list[str | int] = []
        line, is_key = 1, False
        for match in _PIECE.finditer(text):
            piece = match[0]
            if piece == "\n":
                line += 1
            elif not piece.isspace():
                is_key = self._take(piece, line, is_key=is_key)
                line += piece.count("\n")

    def _take(self, piece: str, line: int, *, is_key: bool) -> bool:
        """Take a piece and tell whether a key comes next."""
        if piece in "{[":
            path = self._place(line)
            self.stack.append((path, piece == "["))
            self.keys.append(0 if piece == "[" else "")
            return piece == "{"
        if piece in "}]":
            if self.stack:
                self.stack.pop()
                self.keys.pop()
            return False
        if piece == ",":
            return self._next()
        if piece == ":":
            return False
        if is_key and self.keys:
            self.keys[-1] = piece.strip('"')
            return False
        self._place(line)
        return False

    def _next(self) -> bool:
        if not self.stack:
            return False
        key = self.keys[-1]
        self.keys[-1] = key + 1 if isinstance(key, int) else ""
        return not self.stack[-1][1]

    def _place(self, line: int) -> str:
        if not self.stack:
            return ""
        path, is_list = self.stack[-1]
        key = self.keys[-1]
        path = f"{path}[{key}]" if is_list else f"{path}.{key}" if path else str(key)
        self.lines.setdefault(path, line)
        return path
