"""Real stores for the tick: the fixtures of the storage's own tests."""

from tests.flows.storage.conftest import make_box, servers, ssh

__all__ = ["make_box", "servers", "ssh"]
