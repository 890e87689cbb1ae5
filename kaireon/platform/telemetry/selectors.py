"""Ask the telemetry of the running request."""

from kaireon.platform.telemetry.context import request_id_variable


def current_request_id() -> str:
    """Return the id of the request or tick that this code runs for, or an empty string outside both."""
    return request_id_variable.get()
