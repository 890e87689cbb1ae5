"""One JSON object per line, with the request's id and without secrets."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory

from kaireon.platform.telemetry.decisions import MASK
from kaireon.platform.telemetry.logs import JsonLogFormatter
from kaireon.platform.telemetry.selectors import current_request_id
from kaireon.platform.telemetry.services import bound_request_id, log_failure


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(stream: io.StringIO) -> Iterator[logging.Logger]:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLogFormatter())
    logger = logging.getLogger("tests.telemetry")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True


def only_line(stream: io.StringIO) -> dict[str, Any]:
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    parsed: dict[str, Any] = json.loads(lines[0])
    return parsed


def test_a_line_has_the_fixed_fields_first_and_what_the_caller_gave(
    logger: logging.Logger, stream: io.StringIO
) -> None:
    logger.info("tick done", extra={"event": "tick.done", "tenantId": "t1", "isTransient": False})

    line = only_line(stream)
    assert list(line)[:4] == ["timestamp", "level", "logger", "message"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "tests.telemetry", "tick done")
    assert (line["event"], line["tenantId"], line["isTransient"]) == ("tick.done", "t1", False)


def test_every_line_inside_a_request_carries_its_id(logger: logging.Logger, stream: io.StringIO) -> None:
    with bound_request_id("req-7"):
        logger.info("inside")
    assert only_line(stream)["requestId"] == "req-7"


def test_a_line_outside_a_request_has_no_id(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.info("outside")

    assert "requestId" not in only_line(stream)


def test_a_line_break_in_a_value_cannot_forge_a_line(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.info("user %s", 'x\n{"level": "ERROR"}', extra={"name_typed": "a\nb"})

    assert only_line(stream)["name_typed"] == "a\nb"


def test_secrets_and_addresses_do_not_reach_the_log(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.warning(
        "sending to %s failed",
        "https://hooks.slack.com/services/T0/B0/topsecret",
        extra={"password": "topsecret", "config": {"token": "topsecret"}, "reply": "Bearer topsecret"},
    )

    assert "topsecret" not in stream.getvalue()
    assert only_line(stream)["message"] == "sending to https://hooks.slack.com/… failed"
    assert only_line(stream)["config"] == {"token": MASK}


def test_a_trace_is_logged_without_the_url_in_its_text(logger: logging.Logger, stream: io.StringIO) -> None:
    try:
        raise ConnectionError("Max retries exceeded with url: /services/topsecret (Caused by timeout)")
    except ConnectionError:
        logger.exception("delivery failed")

    line = only_line(stream)
    assert "ConnectionError" in line["exc_info"]
    assert "topsecret" not in stream.getvalue()


def test_the_request_that_django_attaches_is_left_out(logger: logging.Logger, stream: io.StringIO) -> None:
    request = RequestFactory().get("/x?token=topsecret")

    logger.error("Internal Server Error: %s", request.path, extra={"request": request, "status_code": 500})

    line = only_line(stream)
    assert "request" not in line
    assert line["status_code"] == 500
    assert "topsecret" not in stream.getvalue()


def test_a_line_about_a_request_that_has_ended_takes_the_id_from_it(
    logger: logging.Logger, stream: io.StringIO
) -> None:
    request = RequestFactory().get("/x")
    request.request_id = "req-8"  # type: ignore[attr-defined]

    logger.warning("Not Found: %s", request.path, extra={"request": request})

    assert only_line(stream)["requestId"] == "req-8"


def test_objects_are_written_as_scrubbed_text(logger: logging.Logger, stream: io.StringIO) -> None:
    logger.info("odd", extra={"thing": ValueError("https://a.example/secret-path")})

    assert only_line(stream)["thing"] == "https://a.example/…"


def test_a_failure_gets_an_id_and_keeps_its_trace(logger: logging.Logger, stream: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        error_id = log_failure(logger, "tick failed", error, event="tick.failed", tenantId="t1")

    line = only_line(stream)
    assert (line["errorId"], line["event"], line["tenantId"], line["level"]) == (error_id, "tick.failed", "t1", "ERROR")
    assert "ZeroDivisionError" in line["exc_info"]


def test_an_id_that_is_not_sane_is_replaced() -> None:
    with bound_request_id("two words") as kept:
        assert kept != "two words"
        assert current_request_id() == kept

    assert current_request_id() == ""


def test_bindings_nest() -> None:
    with bound_request_id("outer"):
        with bound_request_id("inner"):
            assert current_request_id() == "inner"
        assert current_request_id() == "outer"
