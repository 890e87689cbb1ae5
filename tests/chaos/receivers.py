"""Who is told while processes are killed: webhooks that destinations may reach, one that keeps its sender waiting."""

import threading
from collections.abc import Iterator

from tests.servers import Got, Receiver, Reply


def allowed_receiver(settings: object) -> Iterator[Receiver]:
    """Run a webhook that answers and that destinations may reach, for the length of a fixture."""
    receiver = Receiver()
    allowed = getattr(settings, "NOTIFICATIONS_ALLOWED_HOSTS", [])
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*allowed, receiver.place]  # type: ignore[attr-defined]
    yield receiver
    receiver.close()


class Hold:
    """A script that keeps the first request waiting until the test lets go."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, got: Got) -> Reply:
        """Answer once the test lets go."""
        self.arrived.set()
        self.let_go.wait(30)
        return Reply()
