"""One JSON object per log line: constant message, structured fields, the request id, and no secret."""

import logging
from datetime import UTC, datetime
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from kaireon.platform.telemetry.decisions import redact, scrub_text
from kaireon.platform.telemetry.selectors import current_request_id

# Django attaches the request itself (its repr holds the query string) and the raw socket.
_NEVER_WRITTEN: Final = ("request", "sock", "socket", "response", "server_time")


class JsonLogFormatter(JsonFormatter):
    """Write `timestamp, level, logger, message, requestId`, then what the caller gave as `extra`."""

    def __init__(self) -> None:
        super().__init__(
            reserved_attrs=[*RESERVED_ATTRS, *_NEVER_WRITTEN], json_default=_in_words, json_ensure_ascii=False
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the fields that every line has, in the order in which people read them."""
        log_data["timestamp"] = _utc(record.created)
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        # Django logs 4xx and 5xx after the middlewares; then the request itself still knows its id.
        attached = getattr(getattr(record, "request", None), "request_id", "")
        if request_id := current_request_id() or attached:
            log_data["requestId"] = request_id
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Take credentials and addresses out of every value, traces included."""
        return {key: redact(value, key=key) for key, value in log_data.items()}


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_words(value: object) -> str:
    return scrub_text(str(value))
