"""Whether sources mean something: patterns, folders, encodings."""

import codecs
import re
from collections.abc import Mapping
from typing import Final

from flows.ir.checks.found import Check, Found, twice, zone
from flows.ir.patterns import pattern_refusal
from flows.ir.sources import (
    Atomicity,
    DateTemplatePattern,
    FormatOptions,
    GlobPattern,
    RegexPattern,
    SourceConfig,
    SourceNode,
)

TOKENS: Final = ("{YYYY}", "{MM}", "{DD}", "{HH}", "{mm}", "{ss}", "{YYYY-MM-DD}", "{YYYYMMDD}")
_TOKEN: Final = re.compile(r"\{[^{}]*\}|[{}]")
_NO_SLASH: Final = "names a file within the source's path: no / in it"


def _tokens(text: str, *at: str | int) -> Found:
    unknown = [found[0] for found in _TOKEN.finditer(text) if found[0] not in TOKENS]
    if unknown:
        yield at, f"{unknown[0][:40]} is not known; there are {' '.join(TOKENS)}"


def _glob(pattern: GlobPattern) -> Found:
    if "/" in pattern.value:
        yield ("value",), _NO_SLASH


def _template(pattern: DateTemplatePattern) -> Found:
    if "/" in pattern.value:
        yield ("value",), _NO_SLASH
    yield from _tokens(pattern.value, "value")
    yield from zone(pattern.timezone, "timezone")


def _regex(pattern: RegexPattern) -> Found:
    if refusal := pattern_refusal(pattern.value):
        yield ("value",), refusal


def _atomicity(atomicity: Atomicity) -> Found:
    folders = {
        "stagingFolder": atomicity.staging_folder, "successFolder": atomicity.success_folder,
        "failureFolder": atomicity.failure_folder,
    }  # fmt: skip
    for key, folder in folders.items():
        parts = folder.strip("/").split("/")
        if folder.startswith("/") or "\\" in folder or any(part in {"", ".", ".."} for part in parts):
            yield (key,), "must be a folder within the source's path, such as .processing/"
        yield from _tokens(folder, key)
    first: dict[str, str] = {}
    for key, folder in folders.items():
        if (other := first.setdefault(folder.strip("/"), key)) != key:
            yield (key,), f"must be another folder than {other}"


def _config(config: SourceConfig) -> Found:
    if not config.path.strip():
        yield ("path",), "must not be blank"
    if ".." in re.split(r"[/\\]", config.path):
        yield ("path",), "must not climb with .."
    elif "." in re.split(r"[/\\]", config.path):
        yield ("path",), "must name its folders, without ."


def _node(node: SourceNode) -> Found:
    if node.connector == "http_pull" and not re.match(r"https?://[^/\s]+", node.config.path):
        yield ("config", "path"), "must be an address that begins with https://"


def _options(options: FormatOptions) -> Found:
    delimiter = options.delimiter or ","
    if delimiter in {options.quote, options.escape} or set(delimiter) & set("\r\n"):
        yield ("delimiter",), "must be no end of a line, and another than quote and escape"
    if options.columns is not None:
        yield from _alike(options.columns)
    if options.encoding is not None and not _is_encoding(options.encoding):
        yield ("encoding",), f"{options.encoding} is no encoding; give one such as utf-8, latin-1, cp1252, utf-16"
    for number, text in enumerate(options.null_values):
        if len(text) > 200:
            yield ("nullValues", number), "must have at most 200 characters"


def _alike(columns: list[str]) -> Found:
    """Columns of a file may not differ in case alone: engines do not tell those apart."""
    yield from twice([name.lower() for name in columns], at=("columns",))


def _is_encoding(name: str) -> bool:
    """Tell whether it encodes characters as bytes; zip and rot13, which Python names encodings too, do not."""
    try:
        "a".encode(codecs.lookup(name).name)
    except (LookupError, ValueError):
        return False
    return True


CHECKS: Final[Mapping[type, Check]] = {
    GlobPattern: _glob, DateTemplatePattern: _template, RegexPattern: _regex, Atomicity: _atomicity,
    SourceConfig: _config, SourceNode: _node, FormatOptions: _options,
}  # fmt: skip
