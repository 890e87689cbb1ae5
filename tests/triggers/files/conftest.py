"""Fixtures of file arrival tests: the inbox of this machine, and real stores."""

from tests.flows.runs.world import inbox
from tests.flows.storage.conftest import make_box, servers, ssh

__all__ = ["inbox", "make_box", "servers", "ssh"]
