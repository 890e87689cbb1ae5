"""The page of a run: how far it is, what it says, its files, who got it, and what changed since the last one."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from interactions.models import DecisionTrace
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.changes import ChangeKind
from reports.decisions.vocabulary import RunStatus, Stage
from reports.models import ReportRun, ReportTemplate
from reports.views.news import WORDS, news_of
from reports.views.runs import steps_of
from tests.pages.report_world import HTMX, made_run, make_what_waits, page_of, queued_run, said
from tests.people import Person
from tests.reports.keeping import make_mail, make_template

pytestmark = pytest.mark.django_db
SUMMARY = {"sourceKey": "decision_traces_summary", "params": {"days": 7}}


def decide(tenant: Tenant, count: int = 3) -> None:
    """Record so many decisions."""
    DecisionTrace.objects.bulk_create(
        DecisionTrace(
            tenant=tenant, idempotency_key=str(new_id()), customer_id="c", occurred_at=timezone.now(),
            after_qualification=10, after_contact_policy=8, final_count=3, selected_count=1, total_latency_ms=20.0,
        )
        for _ in range(count)
    )  # fmt: skip


def changed(run: ReportRun, **columns: Any) -> None:
    ReportRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk).update(**columns)


def text_of(person: Person, run: ReportRun) -> str:
    answer = person.browser().get(page_of(run))
    assert answer.status_code == 200
    return str(answer.content.decode())


def mailed(tenant: Tenant, **changes: Any) -> ReportRun:
    """Make a run that goes to a mail destination."""
    values = {"formats": ["pdf", "csv"], "data_sources": [SUMMARY], "destination_ids": [make_mail(tenant, "Board")]}
    return made_run(make_template(tenant, **{**values, **changes}))


def set_state(run: ReportRun, state: State) -> None:
    """Let the run's delivery have ended so."""
    Delivery.objects.for_tenant(run.tenant_id).filter(pk__in=run.delivery_ids).update(state=state, error="No answer.")


def test_a_run_that_waits_shows_its_stages_and_asks_again(acme: Tenant, bob: Person) -> None:
    run = queued_run(make_template(acme, destination_ids=[make_mail(acme)]))

    text = text_of(bob, run)

    assert "Queued…" in text
    assert 'data-poll="2"' in text
    assert 'aria-current="step"' in text
    assert "What it says stands here as soon as it is made." in text


def test_a_run_that_nobody_begins_says_what_to_do(acme: Tenant, bob: Person) -> None:
    run = queued_run(make_template(acme))
    changed(run, created_at=timezone.now() - timedelta(minutes=1))

    assert "manage.py run_worker" in text_of(bob, run)


def test_a_finished_run_no_longer_asks(acme: Tenant, bob: Person) -> None:
    run, browser = queued_run(make_template(acme, formats=["csv"])), bob.browser()

    before = browser.get(page_of(run), headers=HTMX).content.decode()
    make_what_waits()
    after = browser.get(page_of(run), headers=HTMX).content.decode()

    assert "data-poll" in before
    assert "data-poll" not in after
    assert "<html" not in after
    assert "Made; it was sent to nobody" in after


@pytest.mark.parametrize(
    ("stage", "states"),
    [
        (Stage.QUEUED, "now ahead ahead ahead ahead ahead"), (Stage.QUERYING, "done now ahead ahead ahead ahead"),
        (Stage.RENDERING, "done done done now ahead ahead"), (Stage.DELIVERING, "done done done done now ahead"),
    ],
)  # fmt: skip
def test_stages_are_done_now_or_ahead(stage: Stage, states: str) -> None:
    run = ReportRun(definition={"name": "R"}, stage=stage, destination_ids=[new_id()])

    assert " ".join(step.state for step in steps_of(run)) == states


def test_stages_that_a_report_does_not_have_are_left_out() -> None:
    run = ReportRun(definition={"name": "R", "narrative": {"enabled": False}}, stage=Stage.QUEUED)

    assert [step.label for step in steps_of(run)] == ["Queued", "Reading the data", "Making the files", "Done"]


def test_a_run_tells_its_words_sections_files_and_who_got_it(acme: Tenant, bob: Person) -> None:
    decide(acme)

    text = text_of(bob, mailed(acme, name="Told"))

    assert "Delivered to 1 destination" in text
    assert "Executive summary" in text
    assert "Written from the data" in text
    assert "No language model is set up" in text
    assert "<svg" in text or "k-sheet" in text
    assert "Told" in text
    assert "Board" in text
    assert "system" in text


def test_files_are_downloaded_with_the_session_of_the_page(acme: Tenant, bob: Person, charlie: Person) -> None:
    run = mailed(acme)
    address = f"/api/v1/reports/runs/{run.pk}/artifacts/pdf"

    answer = bob.browser().get(address)
    pdf = PdfReader(io.BytesIO(b"".join(answer)))

    assert f'href="{address}"' in text_of(bob, run)
    assert "Weekly" in pdf.pages[0].extract_text()
    assert charlie.browser().get(address).status_code == 404
    assert Client().get(address).status_code in {401, 403, 404}


@pytest.mark.parametrize(
    ("narrative", "words"),
    [
        ({"source": "llm", "model": "a-model", "tokens": 1200, "costUsd": 0.0021}, "Sentences by a-model"),
        ({"source": "llm", "model": "a-model", "tokens": 1200, "costUsd": 0.0021}, "1,200 tokens, 0.0021 USD"),
        ({"source": "deterministic", "reason": "The cap is reached.", "tokens": 0}, "The cap is reached."),
        ({"source": "deterministic", "reason": None, "tokens": 0}, "Every figure and every word is from the data."),
    ],
    ids=["model", "cost", "reason", "plain"],
)
def test_the_words_say_who_wrote_them_and_why(narrative: dict[str, Any], words: str, acme: Tenant, bob: Person) -> None:
    run = mailed(acme)
    changed(run, narrative_output={"executiveSummary": "<b>Up</b>", "sections": {}, "takeaways": ["One"], **narrative})

    text = text_of(bob, run)

    assert words in text
    assert "&lt;b&gt;Up" in text


def test_a_section_that_could_not_be_made_says_so_in_its_place(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, formats=["csv"])
    # Past the services, as an older release with other bounds would have saved it.
    bad = {"sourceKey": "funnel", "params": {"days": 9999}}
    ReportTemplate.objects.for_tenant(acme).update(data_sources=[bad, SUMMARY])

    text = text_of(bob, made_run(template))

    assert "This section could not be made." in text
    assert "days" in text


def test_a_failed_run_says_why(acme: Tenant, bob: Person) -> None:
    run = queued_run(make_template(acme))
    changed(run, status=RunStatus.FAILED, stage=Stage.DONE, finished_at=timezone.now(), error="Begun 3 times.")

    text = text_of(bob, run)

    assert "Failed" in text
    assert "Begun 3 times." in text
    assert 'data-poll="2"' not in text


def test_a_run_that_was_skipped_says_so(acme: Tenant, bob: Person) -> None:
    run = mailed(acme, destination_ids=[])
    changed(run, is_empty=True, skip_if_empty=True)

    assert "Skipped: there was nothing to tell" in text_of(bob, run)


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.FAILED, "Resend to 1"), (State.CAPPED, "Resend to 1"), (State.UNKNOWN, "which may have it already")],
)
def test_what_did_not_arrive_can_be_sent_again(
    state: State, words: str, acme: Tenant, bob: Person, eve: Person
) -> None:
    run = mailed(acme)
    set_state(run, state)
    changed(run, status=RunStatus.COMPLETED_WITH_ERRORS)

    assert words in text_of(eve, run)
    assert "1 of 1 did not get it" in text_of(eve, run)
    assert "/resend" not in text_of(bob, run)


def test_resend_sends_what_failed_once(acme: Tenant, eve: Person) -> None:
    run = mailed(acme)
    set_state(run, State.FAILED)
    browser = eve.browser()

    answer = browser.post(f"{page_of(run)}/resend")
    again = browser.post(f"{page_of(run)}/resend")

    assert answer.status_code == again.status_code == 303
    assert "Sent again" in said(answer)
    assert "there is nothing to send again" in said(again)
    assert Delivery.objects.for_tenant(acme).count() == 2


def test_a_viewer_and_a_stranger_send_nothing_again(acme: Tenant, bob: Person, charlie: Person) -> None:
    run = mailed(acme)
    set_state(run, State.FAILED)

    answers = [person.browser().post(f"{page_of(run)}/resend").status_code for person in (bob, charlie)]

    assert answers == [403, 404]
    assert Delivery.objects.for_tenant(acme).count() == 1


def test_another_tenants_run_is_not_found(acme: Tenant, charlie: Person) -> None:
    assert charlie.browser().get(page_of(queued_run(make_template(acme)))).status_code == 404


def test_what_changed_since_the_last_issue_is_told_and_leads_to_it(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, data_sources=[SUMMARY], formats=["csv"])
    decide(acme, 2)
    first = made_run(template)
    decide(acme, 4)
    second = made_run(template)

    text = text_of(bob, second)

    assert "What changed since the last issue" in text
    assert page_of(first) in text
    assert "+200.0 %" in text
    assert "What changed" not in text_of(bob, first)


def test_an_issue_without_news_says_so_and_failed_ones_are_no_issues(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, data_sources=[SUMMARY], formats=["csv"])
    first = made_run(template)
    failed = queued_run(template)
    changed(failed, status=RunStatus.FAILED, stage=Stage.DONE)

    text = text_of(bob, made_run(template))

    assert "Nothing: the figures and rows are the same." in text
    assert page_of(first) in text
    assert page_of(failed) not in text


def kept(**changes: Any) -> dict[str, Any]:
    """Return a section as a run keeps it."""
    return {
        "id": "s1", "title": "Offers", "sourceKey": "x", "truncated": False, "rowCount": 1, "note": "", "error": "",
        "columns": [{"key": "o", "label": "Offer", "unit": "text"}, {"key": "n", "label": "Clicks", "unit": "count"}],
        "rows": [["Gold", 10]], "chart": None,
        "figures": [{"key": "r", "label": "Rate", "value": 0.2, "unit": "ratio", "before": None}], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ([kept(rows=[["Gold", 15]])], ("Gold: Clicks", "", "10", "15", "+50.0 %", 1)),
        ([kept(rows=[["Gold", 5]])], ("Gold: Clicks", "", "10", "5", "-50.0 %", -1)),
        ([kept(rows=[["Gold", 10], ["New", 3]])], ("New: Clicks", "is new", "", "3", "", 0)),
        ([kept(rows=[])], ("Gold: Clicks", "is gone", "10", "", "", 0)),
        ([kept(error="No.")], ("Offers", WORDS[ChangeKind.FAILED], "", "", "", 0)),
        ([], ("Offers", WORDS[ChangeKind.SECTION_REMOVED], "", "", "", 0)),
        ([kept(), kept(id="s2", title="Two")], ("Two", WORDS[ChangeKind.SECTION_ADDED], "", "", "", 0)),
    ],
    ids=["more", "less", "new-row", "gone-row", "failed", "gone", "added"],
)
def test_each_change_has_its_words(after: list[dict[str, Any]], told: tuple[Any, ...]) -> None:
    news = news_of([kept()], after, "UTC")

    assert [(each.subject, each.words, each.before, each.after, each.percent, each.direction) for each in news] == [
        told
    ]


def test_a_figure_is_told_in_its_unit() -> None:
    figure = {"key": "r", "label": "Rate", "value": 0.3, "unit": "ratio", "before": None}

    news = news_of([kept()], [kept(figures=[figure])], "UTC")

    assert [(each.subject, each.before, each.after) for each in news] == [("Rate", "20.0 %", "30.0 %")]


def test_a_run_of_a_deleted_report_can_still_be_read(acme: Tenant, bob: Person) -> None:
    run = mailed(acme, name="Gone report")
    ReportTemplate.objects.for_tenant(acme).all().delete()

    assert "Gone report (deleted)" in text_of(bob, run)


def test_a_large_run_is_shown_with_few_queries_and_few_rows(
    acme: Tenant, bob: Person, django_assert_max_num_queries: Any
) -> None:
    run = mailed(acme)
    changed(
        run,
        sections_data=[
            kept(id=f"s{number}", rows=[[f"O{row}", row] for row in range(200)], rowCount=5000, truncated=True)
            for number in range(10)
        ],
    )
    browser = bob.browser()

    with django_assert_max_num_queries(14):
        text = browser.get(page_of(run)).content.decode()

    assert "The first 25 of 5,000 rows" in text
    assert text.count("<td") < 600


def test_each_section_offers_its_own_table(acme: Tenant, bob: Person) -> None:
    run = mailed(acme)
    address = f"/api/v1/reports/runs/{run.pk}/artifacts/csv?section=s1"

    answer = bob.browser().get(address)

    assert f'href="{address}"' in text_of(bob, run)
    assert answer.status_code == 200


def test_a_delivery_leads_back_to_its_run(acme: Tenant, bob: Person) -> None:
    run = mailed(acme)

    text = bob.browser().get(f"/settings/integrations/deliveries/{run.delivery_ids[0]}").content.decode()

    assert "Open the run" in text
    assert page_of(run) in text
