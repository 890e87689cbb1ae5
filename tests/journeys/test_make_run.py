"""`make run` as a newcomer meets it: one command, a fired rule, a delivered mail; then what can go wrong before it."""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import requests
from standardwebhooks import Webhook

from tests.journeys.running import REPOSITORY, Running, clean_environment, free_port, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """Return a Kaireon that serves; it is stopped afterwards whatever the test did."""
    instance = start(folder, free_port())
    try:
        instance.wait_until_serving()
        yield instance
    finally:
        if instance.process.poll() is None:
            instance.interrupt()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of every process that works on the folder."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line and process.pid != os.getpid():
            found.append(line)
    return found


def launch(folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the launcher to its end, for calls that must fail."""
    return subprocess.run(
        [sys.executable, "-m", "kaireon.launch"],
        cwd=REPOSITORY,
        env=clean_environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_newcomer_signs_in_ticks_and_finds_the_mail_of_a_fired_rule(running: Running) -> None:
    mails_before = list((running.folder / "mail").glob("*"))

    with requests.Session() as browser:
        signed_in = sign_in(running, "/settings/alerts", browser)
    tick = requests.post(
        f"{running.address}/api/cron/tick", headers={"x-cron-token": running.secret("CRON_TOKEN")}, timeout=70
    )

    assert signed_in.status_code == 200
    assert "Too many offers suppressed" in signed_in.text
    assert mails_before, "the seeded rule has fired and its mail is a file"
    assert tick.status_code == 200
    assert tick.json()["alertsFired"] >= 1
    fired = {entry["name"]: entry for entry in tick.json()["alerts"] if entry["status"] == "fired"}
    deliveries = fired["Acceptance rate below target"]["deliveries"]
    assert [delivery["status"] for delivery in deliveries] == ["delivered"]
    alerts = requests.get(
        f"{running.address}/api/v1/alerts", headers={"X-API-Key": running.secret("KAIREON_API_KEY")}, timeout=10
    )
    last_fired = {rule["name"]: rule["lastFiredAt"] for rule in alerts.json()}
    assert last_fired["Too many offers suppressed"] is not None
    assert last_fired["Acceptance rate below target"] is not None


def sign_in(running: Running, then: str, browser: requests.Session) -> requests.Response:
    """Sign in as the printed admin and return the page that follows; `browser` stays signed in."""
    login = f"{running.address}/settings/login/"
    page = browser.get(login, timeout=10)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    form = {
        "username": "admin@example.com",
        "password": running.secret("KAIREON_ADMIN_PASSWORD"),
        "csrfmiddlewaretoken": token.group(1),
        "next": then,
    }
    return browser.post(login, data=form, timeout=10)


def test_a_newcomer_finds_the_demos_events_published_and_their_own_leaves_too(running: Running) -> None:
    body = {
        "customerId": "newcomer-1", "outcome": "click", "creativeId": "gold-card-web",
        "idempotencyKey": "my-first-click",
    }  # fmt: skip

    posted = curl(
        f"{running.address}/api/v1/respond", "-H", f"X-API-Key: {running.secret('KAIREON_API_KEY')}",
        "-H", "Content-Type: application/json", "-d", json.dumps(body),
    )  # fmt: skip
    with requests.Session() as browser:
        sign_in(running, "/settings/outbox", browser)
        event = f"{running.address}/settings/outbox/events/{posted['eventId']}"
        own = get_until(browser, event, "It was published")
        stream = get_until(browser, f"{running.address}/settings/outbox/stream?state=published", "customer-00365")
        outbox = get_until(browser, f"{running.address}/settings/outbox", "Everything has left")

    assert posted["status"] == "recorded"
    assert "Published to log by" in own
    assert all(word in stream for word in ("newcomer-1", "decision.made.v1", "outcome.recorded"))
    assert "No dead letters." in outbox
    assert "No key is held" in outbox
    log = [json.loads(line) for line in (running.folder / "events.jsonl").read_text().splitlines()]
    assert [line["type"] for line in log if line["id"] == posted["eventId"]] == ["interaction.recorded.v1"]


def curl(*arguments: str) -> dict[str, str]:
    """Run curl as a newcomer types it, and return the answer."""
    if shutil.which("curl") is None:
        pytest.skip("needs the program curl")
    run = subprocess.run(
        ["curl", "-sS", "--fail-with-body", "--max-time", "20", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answer: dict[str, str] = json.loads(run.stdout)
    return answer


def get_until(browser: requests.Session, address: str, words: str, timeout: float = 60) -> str:
    """Load a page again and again until the words stand in it, and return it."""
    ends = time.monotonic() + timeout
    while True:
        page = browser.get(address, timeout=20)
        if words in page.text:
            return page.text
        assert time.monotonic() < ends, page.text
        time.sleep(0.2)


def test_a_webhook_on_an_allowed_host_gets_a_signature_that_the_published_verifier_accepts(folder: Path) -> None:
    received: list[tuple[dict[str, str], bytes]] = []
    server = listen(received)
    secret = "whsec_" + base64.b64encode(b"s" * 24).decode()
    running = start(folder, free_port(), NOTIFICATIONS_ALLOWED_HOSTS=f"127.0.0.1:{server.server_port}")
    try:
        running.wait_until_serving()
        key = {"X-API-Key": running.secret("KAIREON_API_KEY")}
        url = f"http://127.0.0.1:{server.server_port}/hook"
        created = requests.post(
            f"{running.address}/api/v1/notifications/providers",
            headers=key,
            json={"kind": "webhook", "name": "Hook", "config": {"url": url, "secret": secret}},
            timeout=10,
        )
        rule: dict[str, object] = {
            "name": "Many",
            "metric": "decision_count",
            "operator": "gt",
            "threshold": 1,
            "windowMinutes": 1440,
        }
        rule["channels"] = [created.json()["id"]]
        requests.post(f"{running.address}/api/v1/alerts", headers=key, json=rule, timeout=10)

        token = {"x-cron-token": running.secret("CRON_TOKEN")}
        tick = requests.post(f"{running.address}/api/cron/tick", headers=token, timeout=70)
    finally:
        running.interrupt()
        server.shutdown()
        server.server_close()

    assert created.status_code == 201, created.text
    assert tick.status_code == 200
    headers, body = received[0]
    payload = Webhook(secret).verify(body, headers)
    assert payload["type"] == "alert.fired"
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-kaireon-signature"] == f"sha256={expected}"


def listen(received: list[tuple[dict[str, str], bytes]]) -> ThreadingHTTPServer:
    """Serve a webhook receiver that keeps what it got."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_ctrl_c_ends_every_process_and_starting_again_keeps_the_data(folder: Path) -> None:
    port = free_port()
    first = start(folder, port)
    first.wait_until_serving()
    key = first.secret("KAIREON_API_KEY")

    code = first.interrupt()
    left = processes_of(folder)
    second = start(folder, port)
    try:
        second.wait_until_serving()
        status = requests.get(f"{second.address}/api/v1/tenant/status", headers={"X-API-Key": key}, timeout=10)
    finally:
        second.interrupt()

    assert code == 0, first.output
    assert left == []
    assert status.status_code == 200
    assert status.json()["slug"] == "demo"


def test_only_the_named_processes_run(folder: Path) -> None:
    running = start(folder, free_port(), PROCESSES="worker")
    deadline = time.monotonic() + 60
    while "worker started" not in running.output and time.monotonic() < deadline:
        time.sleep(0.1)

    code = running.interrupt()

    assert "worker started" in running.output
    assert "web started" not in running.output
    assert code == 0


def test_a_port_in_use_is_one_clear_line_and_exit_2(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = launch(folder, PORT=str(port))

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"PORT {port}" in result.stderr


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_a_port_that_is_none_is_one_clear_line_and_exit_2(folder: Path, port: str) -> None:
    result = launch(folder, PORT=port)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "PORT" in result.stderr


def test_a_data_folder_that_cannot_be_written_is_one_clear_line_and_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    result = launch(file / "data", PORT=str(free_port()))

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "KAIREON_DATA_DIR" in result.stderr


def test_a_database_that_does_not_answer_is_one_clear_line_without_its_password_and_exit_2(folder: Path) -> None:
    url = f"postgres://kaireon:hunter2@127.0.0.1:{free_port()}/kaireon"

    result = launch(folder, PORT=str(free_port()), DATABASE_URL=url)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "does not answer" in result.stderr
    assert "hunter2" not in result.stderr


def test_a_process_that_the_procfile_does_not_have_is_named(folder: Path) -> None:
    result = launch(folder, PORT=str(free_port()), PROCESSES="web wrker")

    assert result.returncode == 2
    assert "'wrker'" in result.stderr
