"""A pytest plugin loaded before Django: an embedded PostgreSQL for the whole run, and the test environment.

TEST_DATABASE_URL, with a role that may create databases, takes another server instead, such as an older PostgreSQL.
"""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

from kaireon.platform.embedded_postgres import EmbeddedServer

# The suite's own database is thrown away; a crash of the machine may lose it, and it is a good deal faster so.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "400"}


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="kaireon-tests-"))
    os.environ["KAIREON_DATA_DIR"] = str(folder / "data")
    if address := os.environ.get("TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = address
        return
    server = EmbeddedServer(folder / "postgres", settings=FAST)
    os.environ["DATABASE_URL"] = server.start()
    owner = os.getpid()

    def clean_up() -> None:
        if os.getpid() == owner:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(clean_up)


def _set_environment() -> None:
    for name in ("PUBLIC_URL", "REDIS_URL", "EMAIL_URL", "NOTIFICATIONS_ALLOWED_HOSTS", "KAIREON_ENV"):
        os.environ.pop(name, None)
    os.environ |= {
        "KAIREON_TESTING": "1",
        "SECRET_KEY": "test-secret-key-of-more-than-fifty-characters-0123456789abcdef",
        "API_KEY_PEPPER": "test-pepper-of-more-than-32-characters",
        "CONNECTOR_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
        "CRON_TOKEN": "test-cron-token-of-more-than-32-characters",
        "CRON_SECRET": "test-cron-secret-of-more-than-32-characters",
        "LOG_LEVEL": "INFO",
        # Nothing ticks behind a test's back, also not in the servers that it starts.
        "FLOW_INTERNAL_SCHEDULER_ENABLED": "false",
    }


if "PYTEST_XDIST_WORKER" not in os.environ:
    _set_environment()
    _start()
