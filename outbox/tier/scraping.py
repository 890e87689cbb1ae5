"""The publisher's own metrics port."""

import errno
import logging
from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kaireon.platform.env import ConfigurationError
from kaireon.platform.telemetry.metrics import registries
from kaireon.platform.telemetry.scraping import serve_scrapes
from outbox.tier.settings import ALL_INTERFACES

logger = logging.getLogger(__name__)


class _Scrape(Collector):
    """What a scrape of this process sees; each comes in a thread of its own, whose database session ends with it."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        try:
            for registry in registries():
                yield from registry.collect()
        finally:
            connection.close()


def serve_metrics(port: int, *, is_chosen: bool, host: str = ALL_INTERFACES, token: str = "") -> None:
    """Answer scrapes on `port` to those who bear `token`; port 0 answers none.

    Raises ConfigurationError when a port that was chosen is taken, or nothing can listen at `host`.
    """
    if not port:
        return
    try:
        serve_scrapes(_Scrape(), host=host, port=port, token=token)
    except OSError as error:
        if is_chosen or error.errno != errno.EADDRINUSE:
            raise ConfigurationError(
                f"OUTBOX_METRICS_PORT {port} on {host} (OUTBOX_METRICS_HOST) cannot be used: {error.strerror}."
            ) from None
        logger.warning(
            "metrics port taken; this publisher serves none",
            extra={"event": "outbox.metrics_port_taken", "port": port},
        )
