"""A production start: pages find their style sheets and scripts, which only production names by their content."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

SECRET = "s" * 40
VAULT_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
PROGRAM = """
import re
from kaireon import launch
launch._prepare_database()
from django.test import Client
client = Client(HTTP_HOST="kaireon.example.com")
page = client.get("/nowhere", secure=True)
assert page.status_code == 404, page.status_code
files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.content.decode())
assert files
for file in files:
    answer = client.get(file, secure=True)
    assert answer.status_code == 200, (file, answer.status_code)
    assert "immutable" in answer.headers["Cache-Control"], file
"""


def database_url() -> str:
    """Return the address of the database that the tests use."""
    parameters = connection.get_connection_params()
    host = str(parameters.get("host", "")).replace("/", "%2F")
    port = f":{parameters['port']}" if parameters.get("port") else ""
    return f"postgres://{parameters.get('user', '')}@{host}{port}/{parameters['dbname']}"


def test_pages_of_a_production_start_come_with_their_files(db: None, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"], "KAIREON_ENV": "production", "KAIREON_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "kaireon.settings", "DATABASE_URL": database_url(), "SECRET_KEY": SECRET,
        "API_KEY_PEPPER": SECRET, "CONNECTOR_ENCRYPTION_KEY": VAULT_KEY, "CRON_TOKEN": SECRET, "CRON_SECRET": SECRET,
        "PUBLIC_URL": "https://kaireon.example.com",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "static").glob("kaireon.*.css"))
