"""deploy/prometheus: the rules are valid, each is tested, and each asks for what a real scrape shows."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import transaction

from tests.chaos.processes import ROOT, test_database_url, wait_until
from tests.outbox.line import dead
from tests.outbox.world import put
from tests.people import make_tenant
from tests.servers import unused_port

FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "outbox.rules.yml").read_text())["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]
# A metric, and the labels that are asked of it.
ASKED = re.compile(r"(kaireon_\w+)(?:\{([^}]*)\})?")
SHOWN = re.compile(r"^(kaireon_\w+)(?:\{(.*)\})? \S+$", re.MULTILINE)
# Prometheus and Kubernetes put it there, not the product.
OF_THE_SCRAPE = {"namespace"}
OF_PUBLISHERS = {"kaireon_outbox_processed_total", "kaireon_outbox_event_age_seconds_bucket"}


def promtool(*arguments: object, folder: Path = FOLDER) -> "subprocess.CompletedProcess[str]":
    """Run promtool; without the program skip and name it, except in CI."""
    if shutil.which("promtool") is None:
        if os.environ.get("CI"):
            pytest.fail("Debian's prometheus (promtool) is not installed; .ci/run installs it")
        pytest.skip("needs the program promtool")
    return subprocess.run(
        ["promtool", *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_rules_are_valid() -> None:
    checked = promtool("check", "rules", "outbox.rules.yml")

    assert checked.returncode == 0, checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


def test_the_rules_do_what_their_tests_say() -> None:
    tested = promtool("test", "rules", "outbox.rules.test.yml")

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("expression", ["vector(1) > 1", "vector(1)"])
def test_each_rule_that_never_fires_or_always_does_is_found_by_the_tests(expression: str, tmp_path: Path) -> None:
    rules = [rule | {"expr": expression} for rule in RULES]
    (tmp_path / "outbox.rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "outbox", "rules": rules}]}))
    shutil.copy(FOLDER / "outbox.rules.test.yml", tmp_path)

    tested = promtool("test", "rules", "outbox.rules.test.yml", folder=tmp_path)

    found = tested.stdout + tested.stderr
    assert tested.returncode == 1
    assert [name for name in NAMES if not re.search(rf"{name}\b", found)] == []


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_says_how_bad_it_is_what_to_do_and_where_to_read_on(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]
    path, _, anchor = annotations["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)

    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert len(annotations["summary"]) <= 100
    assert len(annotations["description"].split()) >= 15
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_no_two_rules_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES) > 0


def asked_for() -> dict[str, set[str]]:
    """Return the metrics of all rules with the labels that they match or group by."""
    found: dict[str, set[str]] = {}
    for rule in RULES:
        grouped = {name for names in re.findall(r"by \(([^)]*)\)", rule["expr"]) for name in re.split(r",\s*", names)}
        for metric, matchers in ASKED.findall(rule["expr"]):
            matched = set(re.findall(r"(\w+)\s*[=!]", matchers or ""))
            found.setdefault(metric, set()).update(matched | grouped - OF_THE_SCRAPE)
    return found


def lacking(found: dict[str, set[str]]) -> set[str]:
    """Return the metrics that the rules ask for and that are not there, or not with the labels that they ask for."""
    return {metric for metric, labels in asked_for().items() if metric not in found or not labels <= found[metric]}


def shown(text: str) -> dict[str, set[str]]:
    """Return the metrics of a scrape with their labels."""
    found: dict[str, set[str]] = {}
    for metric, labels in SHOWN.findall(text):
        found.setdefault(metric, set()).update(re.findall(r'(\w+)="', labels))
    return found


def read(url: str) -> str:
    """Return what a scrape gets; nothing while nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


@contextmanager
def publisher(folder: Path) -> Iterator[str]:
    """Run a real publisher to the log for the length of a block; yield the address of its metrics."""
    port = unused_port()
    environment = os.environ | {
        "DATABASE_URL": test_database_url(), "KAIREON_DATA_DIR": str(folder), "EVENT_PUBLISHER": "log",
        "OUTBOX_METRICS_PORT": str(port), "OUTBOX_LIVENESS_FILE": str(folder / "alive"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "manage.py", "outbox_publisher"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.django_db(transaction=True)
def test_everything_that_the_rules_ask_for_is_shown_by_a_real_scrape(live_server: Any, tmp_path: Path) -> None:
    tenant = make_tenant("Acme")
    dead(tenant)
    with transaction.atomic():
        put(tenant.pk, "ann")

    with publisher(tmp_path) as address:
        wait_until(lambda: 'kaireon_outbox_processed_total{result="published"' in read(address), timeout=90)
        by_publisher, by_web = shown(read(address)), shown(read(f"{live_server.url}/api/metrics"))

    assert {each for each in OF_PUBLISHERS if each in asked_for()} == OF_PUBLISHERS
    assert lacking(by_publisher) == set()
    assert lacking(by_web) <= OF_PUBLISHERS


def test_the_seeds_alert_is_there_with_its_threshold() -> None:
    (rule,) = [rule for rule in RULES if rule["alert"] == "OutboxBacklog"]

    assert rule["expr"].endswith("(kaireon_outbox_pending_count) > 100")
    assert (rule["for"], rule["labels"]) == ("5m", {"severity": "warning"})
