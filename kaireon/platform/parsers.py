"""Read JSON bodies: bounded, UTF-8 only, and with an error that says where it went wrong."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from kaireon.platform.errors import BadRequest, TooLarge


class BoundedJSONParser(BaseParser):
    """Parse `application/json` of at most MAX_BODY_BYTES."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed value; raise TooLarge (413) or BadRequest (400)."""
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge(f"The body is larger than {settings.MAX_BODY_BYTES:,} bytes.")
        return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON; NaN, Infinity, duplicate keys and bottomless nesting are refused. Raises BadRequest."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8: byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise BadRequest("The body nests too deeply.") from None
    except ValueError:
        # int() refuses numbers of more than 4,300 digits.
        raise BadRequest("The body holds a number of too many digits.") from None


def _refuse_constant(name: str) -> Any:
    raise BadRequest(f"The body is not JSON: {name} is no JSON number.")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = _first_repeated(key for key, _ in pairs)
        raise BadRequest(f"The field {twice[:100]!r} stands twice.", fields={twice: ["Stands twice."]})
    return value


def _first_repeated(keys: Iterable[str]) -> str:
    # One pass: a body of one megabyte holds a hundred thousand keys.
    seen: set[str] = set()
    return next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
