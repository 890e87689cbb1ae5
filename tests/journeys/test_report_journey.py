"""A report as its reader meets it: made by hand, then by the clock; read back by other programs; told to each kind."""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import psycopg
import pytest
import requests
from aiosmtpd.controller import Controller
from pypdf import PdfReader

from kaireon.platform.embedded_postgres import EmbeddedServer
from tests.chaos.processes import wait_until
from tests.journeys.running import Running, free_port, start
from tests.servers import Receiver, receiving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
NAME = "Angebote der Woche – 提案"
SOURCES = [
    {"sourceKey": "offer_performance", "params": {"days": 7}},
    {"sourceKey": "daily_trend", "params": {"days": 7}},
    {"sourceKey": "funnel", "params": {"days": 7}},
]


class Mailbox:
    """Keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@dataclass
class House:
    """A Kaireon that serves, and everybody it can tell."""

    running: Running
    receiver: Receiver
    mailbox: Mailbox

    def ask(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """Call the API and return the answer."""
        answer = requests.request(
            method, f"{self.running.address}/api/v1/{path}", json=body, timeout=150,
            headers={"X-API-Key": self.running.secret("KAIREON_API_KEY")},
        )  # fmt: skip
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def tick(self) -> Any:
        """Tick once."""
        headers = {"x-cron-token": self.running.secret("CRON_TOKEN")}
        answer = requests.post(f"{self.running.address}/api/cron/tick", headers=headers, timeout=150)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def execute(self, statement: str) -> None:
        """Do to the database what no door does."""
        server = EmbeddedServer(self.running.folder / "postgres")
        with psycopg.connect(server.start(), autocommit=True) as session:
            session.execute(statement)

    def bodies(self, path: str) -> list[Any]:
        """Return what arrived at a path of the receiver."""
        return [json.loads(got.body) for got in self.receiver.got if got.path == path]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder, box, port = tmp_path_factory.mktemp("report") / "data", Mailbox(), free_port()
    mail = Controller(box, hostname="127.0.0.1", port=port)
    mail.start()
    with receiving() as receiver:
        running = start(
            folder, free_port(), NOTIFICATIONS_ALLOWED_HOSTS=receiver.place, EMAIL_URL=f"smtp://127.0.0.1:{port}"
        )
        try:
            running.wait_until_serving()
            yield House(running, receiver, box)
        finally:
            running.interrupt()
            mail.stop()


@pytest.fixture(scope="module")
def destinations(house: House) -> list[str]:
    configs: list[tuple[str, dict[str, Any]]] = [
        ("ops_email", {"fromEmail": "kaireon@example.com", "recipients": ["boss@example.com"]}),
        ("slack", {"webhookUrl": house.receiver.url("/slack")}),
        ("teams", {"webhookUrl": house.receiver.url("/teams")}),
        ("webhook", {"url": house.receiver.url("/hook"), "secret": "s3cret-of-the-hook"}),
    ]
    return [
        house.ask("POST", "notifications/providers", {"kind": kind, "name": kind, "config": config}, status=201)["id"]
        for kind, config in configs
    ]


@pytest.fixture(scope="module")
def template(house: House) -> str:
    values = {"name": NAME, "dataSources": SOURCES, "formats": ["pdf", "csv", "markdown", "html"]}
    template_id = house.ask("POST", "reports/templates", values, status=201)["id"]
    # As an older release may have saved it: its section says what is wrong, and the report goes on.
    house.execute(
        f"UPDATE reports_reporttemplate SET data_sources[2]['params']['days'] = '9999' WHERE id = '{template_id}'"
    )
    return str(template_id)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_a_preview_shows_the_report_and_keeps_nothing(house: House, template: str) -> None:
    before = house.ask("GET", "reports/runs")["pagination"]["total"]

    preview = house.ask("POST", f"reports/templates/{template}/preview")

    files = {each["format"]: base64.b64decode(each["base64"]) for each in preview["artifacts"]}
    assert set(files) == {"pdf", "csv", "markdown", "html"}
    assert [section["id"] for section in preview["sections"]] == ["s1", "s2", "s3"]
    assert "days" in preview["sections"][2]["error"]
    assert 3 <= len(preview["narrative"]["takeaways"]) <= 5
    assert house.ask("GET", "reports/runs")["pagination"]["total"] == before


def test_a_run_by_hand_gives_files_that_other_programs_read(house: House, template: str) -> None:
    run = house.ask("POST", f"reports/templates/{template}/run-now", status=202)

    assert run["status"] == "completed"
    files = {
        each["format"]: house.ask("GET", f"reports/runs/{run['runId']}/artifacts/{each['format']}")
        for each in run["artifacts"]
    }
    for each in run["artifacts"]:
        assert hashlib.sha256(files[each["format"]]).hexdigest() == each["sha256"]
        assert len(files[each["format"]]) == each["sizeBytes"]
    pdf = text_of(files["pdf"])
    assert "Angebote der Woche" in pdf
    assert f"of {len(PdfReader(io.BytesIO(files['pdf'])).pages)}" in pdf
    rows = list(csv.reader(io.StringIO(files["csv"].decode("utf-8-sig"))))
    trend = house.ask("GET", f"reports/runs/{run['runId']}")["sectionsData"][1]
    title = next(number for number, row in enumerate(rows) if row == [trend["title"]])
    assert rows[title + 1] == [column["label"] for column in trend["columns"]]
    assert len(rows[title + 2 :][: trend["rowCount"]]) == trend["rowCount"] == 7
    one_table = house.ask("GET", f"reports/runs/{run['runId']}/artifacts/csv?section=s2").decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(one_table)))) == 8


@dataclass
class Ticked:
    """Two ticks over a schedule that is well and one whose template is gone."""

    first: dict[str, Any]
    second: dict[str, Any]
    well: dict[str, Any]
    broken: dict[str, Any]
    run: dict[str, Any]


@pytest.fixture(scope="module")
def ticked(house: House, template: str, destinations: list[str]) -> Ticked:
    gone = house.ask("POST", "reports/templates", {"name": "Gone", "dataSources": SOURCES[:1]}, status=201)["id"]
    well, broken = (
        house.ask("POST", "reports/schedules", {
            "templateId": each, "name": "Often", "cronExpression": "*/5 * * * *", "destinations": destinations,
        }, status=201)
        for each in (template, gone)
    )  # fmt: skip
    house.execute(f"DELETE FROM reports_reporttemplate WHERE id = '{gone}'")
    house.execute(f"DELETE FROM reports_reportschedule WHERE template_id NOT IN ('{template}', '{gone}')")
    house.execute("UPDATE reports_reportschedule SET next_run_at = now() - interval '1 minute'")
    first, second = house.tick(), house.tick()
    # The worker carries what the tick made, if it comes first; the end is then its own.
    wait_until(lambda: house.ask("GET", f"reports/schedules/{well['id']}")["lastStatus"] != "pending")
    well, broken = (house.ask("GET", f"reports/schedules/{each['id']}") for each in (well, broken))
    runs = house.ask("GET", f"reports/runs?templateId={template}")["data"]
    (run_id,) = [run["id"] for run in runs if run["triggeredBy"] == "cron"]
    return Ticked(first, second, well, broken, house.ask("GET", f"reports/runs/{run_id}"))


def test_a_tick_makes_what_is_due_once_and_lists_what_is_broken(ticked: Ticked) -> None:
    broken = ticked.broken

    assert (ticked.first["reportsEvaluated"], ticked.first["reportsRan"]) == (2, 1)
    assert ticked.first["reportErrors"] == [
        {
            "tenantId": broken["tenantId"],
            "scheduleId": broken["id"],
            "error": f"Template {broken['templateId']} not found",
        }
    ]
    assert [ticked.second[name] for name in ("reportsEvaluated", "reportsRan", "reportErrors")] == [0, 0, []]
    assert (ticked.well["lastStatus"], ticked.broken["lastStatus"]) == ("completed", "failed")
    assert [each["status"] for each in ticked.run["deliveries"]] == ["delivered"] * 4


@pytest.mark.usefixtures("ticked")
def test_mail_has_the_words_and_the_files(house: House) -> None:
    (mail,) = [mail for mail in house.mailbox.mails if NAME in str(mail["subject"])]

    names = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    assert sorted(str(name).rpartition(".")[2] for name in names) == ["csv", "html", "md", "pdf"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "•" in body.get_content()
    assert mail["to"] == "boss@example.com"


@pytest.mark.parametrize(("path", "mark"), [("/slack", "attachments"), ("/teams", "AdaptiveCard")])
def test_chats_have_words_and_a_link_and_no_files(house: House, ticked: Ticked, path: str, mark: str) -> None:
    (body,) = [each for each in house.bodies(path) if "Angebote" in json.dumps(each)]

    text = json.dumps(body, ensure_ascii=False)
    assert mark in text
    assert "•" in text
    assert f"/settings/reports/runs/{ticked.run['id']}" in text
    assert "base64" not in text


def test_a_webhook_has_the_files_in_its_body(house: House, ticked: Ticked) -> None:
    (body,) = [each for each in house.bodies("/hook") if each["type"] == "report.completed"]

    sums = {each["format"]: each["sha256"] for each in ticked.run["artifacts"]}
    files = {each["format"]: base64.b64decode(each["base64"]) for each in body["extraPayload"]["artifacts"]}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == sums
    assert (body["data"]["runId"], body["data"]["name"]) == (ticked.run["id"], NAME)
