"""The one variable that follows a request or a tick through every call it makes: its id."""

from contextvars import ContextVar
from typing import Final

request_id_variable: Final[ContextVar[str]] = ContextVar("kaireon_request_id", default="")
