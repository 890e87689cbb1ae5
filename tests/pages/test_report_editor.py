"""The editor of a report: made and changed, refused beside the field, previewed, deleted; viewers read it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from interactions.models import DecisionTrace
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.services import delete_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from tests.pages.report_world import HTMX, LIST, NEW, made_run, page_of, said, templates, typed
from tests.people import Person
from tests.reports.keeping import FUNNEL, NOBODYS, make_mail, make_schedule, make_template, section

pytestmark = pytest.mark.django_db
PREVIEW = "/settings/reports/preview"


def previewed(person: Person, **changes: Any) -> str:
    """Return the preview of a form as it stands typed."""
    answer = person.browser().post(PREVIEW, typed(**changes), headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_new_report_begins_with_the_offers_of_seven_days(acme: Tenant, eve: Person) -> None:
    text = eve.browser().get(NEW).content.decode()

    assert "Offer performance (7 days)" in text
    assert 'name="block-1-param-days"' in text
    assert "Save the report first" in text


def test_a_report_is_made_and_its_page_is_shown(acme: Tenant, eve: Person) -> None:
    destination = make_mail(acme)

    answer = eve.browser().post(
        NEW,
        typed(
            formats=["pdf", "csv"], destinations=[str(destination)], narrative_prompt="For the board.\r\nShort.",
            narrative_model="a-model", **{"block-1-title": "The way"},
        ),
    )  # fmt: skip

    template = templates(acme)[0]
    assert answer.status_code == 303
    assert answer["Location"] == page_of(template)
    assert (template.name, template.owner, template.formats) == ("Board report", eve.user, ["pdf", "csv"])
    assert template.data_sources == [{"sourceKey": "funnel", "params": {"days": 7}}]
    assert template.sections == [{"id": "s1", "title": "The way", "dataSourceIndex": 0}]
    assert template.narrative == {"enabled": True, "prompt": "For the board.\nShort.", "modelOverride": "a-model"}
    assert template.destination_ids == [destination]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 121), ("name", "a\u202eb"), ("description", "x" * 2001), ("formats", []),
        ("formats", ["docx"]), ("narrative_prompt", "x" * 4001), ("narrative_model", "a\x07"),
        ("destinations", [NOBODYS]), ("destinations", ["nonsense"]),
    ],
    ids=[
        "no-name", "long-name", "name", "description", "no-format", "unknown-format", "prompt", "model",
        "strangers-destination", "no-destination",
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    field: str, value: Any, acme: Tenant, eve: Person
) -> None:
    answer = eve.browser().post(NEW, typed(**{"description": "Kept words", field: value}))

    text = answer.content.decode()
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert f'href="#report_{field}"' in text
    assert f'id="report_{field}"' in text
    assert "Kept words" in text or field == "description"
    assert not templates(acme)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"block-1-param-days": "many"}, "Enter a whole number."), ({"block-1-key": "nonsense"}, "no such source"),
        ({"block": []}, "Add a source"), ({"block-1-param-days": "0"}, "greater than or equal to 1"),
        ({"block-1-key": "why_not_ranked", "block-1-was": "why_not_ranked"}, "This field is required."),
    ],
    ids=["params", "source", "none", "bounds", "required"],
)  # fmt: skip
def test_a_section_that_cannot_be_is_refused_in_its_place(
    changes: dict[str, Any], words: str, acme: Tenant, eve: Person
) -> None:
    answer = eve.browser().post(NEW, typed(**changes))

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert "Not saved" in answer.content.decode()
    assert not templates(acme)


def test_everything_that_is_wrong_is_said_at_once(acme: Tenant, eve: Person) -> None:
    text = eve.browser().post(NEW, typed(name="", **{"block-1-param-days": "x"})).content.decode()

    assert "2 fields need" in text
    assert 'href="#report_name"' in text
    assert 'href="#block-1-param-days"' in text


def test_a_report_is_changed_and_its_sections_keep_their_ids(acme: Tenant, eve: Person) -> None:
    template = make_template(acme, data_sources=[FUNNEL, FUNNEL], sections=[section("a", 1), section("b", 0)])
    page = eve.browser().get(page_of(template)).content.decode()

    answer = eve.browser().post(
        page_of(template),
        typed(
            name="Renamed", block=["2", "1"],
            **{
                "block-2-key": "funnel", "block-2-id": "b", "block-2-title": "Section b", "block-2-param-days": "3",
                "block-1-id": "a", "block-1-title": "Section a",
            },
        ),
    )  # fmt: skip

    template.refresh_from_db()
    assert 'value="Section a"' in page
    assert answer.status_code == 303
    assert template.name == "Renamed"
    assert [(each["id"], each["dataSourceIndex"]) for each in template.sections] == [("b", 0), ("a", 1)]
    assert [each["params"]["days"] for each in template.data_sources] == [3, 7]


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_without_a_word(acme: Tenant, eve: Person) -> None:
    template = make_template(acme, description="")
    seen = template.updated_at.isoformat()
    theirs = template.updated_at + timedelta(seconds=1)
    ReportTemplate.objects.for_tenant(acme).update(description="Theirs", updated_at=theirs)
    mine = typed(name="Renamed", description="Mine")

    first = eve.browser().post(page_of(template), {**mine, "seen": seen})
    kept = ReportTemplate.objects.for_tenant(acme).get().description
    again = eve.browser().post(page_of(template), {**mine, "seen": theirs.isoformat()})

    text = first.content.decode()
    assert (first.status_code, kept) == (400, "Theirs")
    assert "Somebody else has saved this report meanwhile." in text
    assert all(word in text for word in ('value="Renamed"', "Mine", f'name="seen" value="{theirs.isoformat()}"'))
    assert (again.status_code, ReportTemplate.objects.for_tenant(acme).get().description) == (303, "Mine")


@pytest.mark.parametrize("seen", ["", "yesterday", "2026-13-01"])
def test_a_form_that_does_not_say_what_it_was_made_of_is_saved(acme: Tenant, eve: Person, seen: str) -> None:
    template = make_template(acme)

    assert eve.browser().post(page_of(template), {**typed(name="Renamed"), "seen": seen}).status_code == 303


def test_sources_that_no_section_shows_are_said_to_go(acme: Tenant, eve: Person) -> None:
    template = make_template(acme, data_sources=[FUNNEL, FUNNEL], sections=[section("a", 1)])

    assert "1 source of this report is in no section" in eve.browser().get(page_of(template)).content.decode()


def test_a_deleted_destination_can_be_kept_or_unticked(acme: Tenant, eve: Person) -> None:
    destination = make_mail(acme)
    template = make_template(acme, destination_ids=[destination])
    delete_destination(tenant_id=acme.pk, destination_id=destination, actor=SYSTEM, now=timezone.now())
    browser = eve.browser()

    page = browser.get(page_of(template)).content.decode()
    kept = browser.post(page_of(template), typed(destinations=[str(destination)]))
    template.refresh_from_db()
    kept_ids = template.destination_ids
    browser.post(page_of(template), typed())
    template.refresh_from_db()

    assert "A deleted destination" in page
    assert kept.status_code == 303
    assert kept_ids == [destination]
    assert template.destination_ids == []


def test_a_report_on_a_source_that_is_gone_can_still_be_opened(acme: Tenant, eve: Person) -> None:
    template = make_template(acme)
    ReportTemplate.objects.for_tenant(acme).update(data_sources=[{"sourceKey": "long_gone", "params": {"days": 1}}])

    assert "long_gone (nothing provides it)" in eve.browser().get(page_of(template)).content.decode()


def test_the_preview_shows_the_report_as_typed_and_keeps_nothing(acme: Tenant, eve: Person) -> None:
    DecisionTrace.objects.create(
        tenant=acme, idempotency_key="t", customer_id="c", occurred_at=timezone.now(), after_qualification=10,
        after_contact_policy=8, final_count=3, selected_count=1, total_latency_ms=20.0,
    )  # fmt: skip

    text = previewed(eve, name="As typed")

    assert "As typed" in text
    assert "Executive summary" in text
    assert "7 rows" in text
    assert "<svg" in text
    assert "<html" not in text
    assert 'hx-swap-oob="innerHTML"' in text
    assert not templates(acme)
    assert not ReportRun.objects.for_tenant(acme).exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Untitled report"), ({"narrative_enabled": ""}, "the narrative is switched off"),
        ({"formats": []}, "no format chosen"), ({"block": []}, "Add a source to see"),
        ({"block-1-param-days": "9999"}, "This section could not be made."),
        ({"block-1-param-days": "many"}, "This section could not be made."),
        ({"block-1-key": "nonsense"}, "There is no data source"),
        ({"block-1-title": "<script>alert(1)</script>"}, "&lt;script&gt;"),
    ],
    ids=["no-name", "no-words", "no-format", "no-source", "bounds", "type", "source", "markup"],
)  # fmt: skip
def test_a_preview_of_what_is_not_finished_says_so_in_its_place(
    changes: dict[str, Any], words: str, acme: Tenant, eve: Person
) -> None:
    text = previewed(eve, **changes)

    assert words in text
    assert "<script>" not in text


def test_one_bad_section_leaves_the_others(acme: Tenant, eve: Person) -> None:
    text = previewed(
        eve, block=["1", "2"],
        **{"block-1-param-days": "0", "block-2-key": "funnel", "block-2-title": "Good one", "block-2-param-days": "7"},
    )  # fmt: skip

    assert "This section could not be made." in text
    assert "Good one" in text
    assert "7 rows" in text


def test_a_viewer_reads_what_a_report_is_made_of_and_its_preview(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, name="Seen", description="What it is for")
    make_schedule(acme, template)
    browser = bob.browser()

    page = browser.get(page_of(template)).content.decode()
    shown = browser.get(f"{page_of(template)}/preview", headers=HTMX)
    refused = browser.post(page_of(template), typed())

    assert "What it is for" in page
    assert "Funnel (7 days)" in page
    assert "At 08:00" in page
    assert "<textarea" not in page
    assert not [act for act in ("/run", "/delete", "/pause", "/schedules") if f'{act}"' in page]
    assert "Seen" in shown.content.decode()
    assert refused.status_code == 403


def test_deleting_says_how_many_schedules_go_and_the_runs_stay(acme: Tenant, eve: Person) -> None:
    template = make_template(acme, name="Old & tired", formats=["csv"])
    make_schedule(acme, template, name="A")
    make_schedule(acme, template, name="B")
    run = made_run(template)
    browser = eve.browser()

    page = browser.get(page_of(template)).content.decode()
    answer = browser.post(f"{page_of(template)}/delete")
    shown = browser.get(page_of(run)).content.decode()

    assert 'data-confirm="Delete the report “Old &amp; tired”?"' in page
    assert "Deletes 2 schedules; past runs stay." in page
    assert answer["Location"] == LIST
    assert "is deleted with its schedules" in said(answer)
    assert not ReportSchedule.objects.for_tenant(acme).exists()
    assert "Old &amp; tired (deleted)" in shown


def test_the_history_says_who_asked_who_got_it_and_holds_the_files(acme: Tenant, bob: Person) -> None:
    template = make_template(acme, formats=["csv"], destination_ids=[make_mail(acme, "Board")])
    run = made_run(template)

    text = bob.browser().get(page_of(template)).content.decode().partition('id="runs-title"')[2]

    assert page_of(run) in text
    assert "system" in text
    assert "Board" in text
    assert f"/api/v1/reports/runs/{run.pk}/artifacts/csv" in text


def test_the_history_goes_on_by_key(acme: Tenant, bob: Person) -> None:
    template = make_template(acme)
    now = timezone.now()
    ReportRun.objects.bulk_create(
        ReportRun(
            id=new_id(), tenant=acme, template=template, definition={"name": "R"}, triggered_by="cron", created_at=now,
            started_at=now, data_until=now,
        )
        for _ in range(30)
    )  # fmt: skip
    browser, seen, key = bob.browser(), [], ""

    while True:
        page = browser.get(f"{page_of(template)}/runs", {"after": key} if key else {}, headers=HTMX)
        seen += [run.pk for run, _, _ in page.context["runs"]]
        key = page.context["runs_key"]
        if not key:
            break

    assert len(seen) == len(set(seen)) == 30
    assert "a deleted schedule" in page.content.decode()


@pytest.mark.parametrize("act", ["", "/preview", "/runs", "/row"])
def test_another_tenants_report_is_not_found(act: str, acme: Tenant, charlie: Person) -> None:
    assert charlie.browser().get(f"{page_of(make_template(acme))}{act}").status_code == 404


@pytest.mark.parametrize("act", ["", "/run", "/delete", "/schedules"])
def test_nobody_acts_on_another_tenants_report(act: str, acme: Tenant, charlie: Person) -> None:
    template = make_template(acme)

    answer = charlie.browser().post(f"{page_of(template)}{act}", typed())

    assert answer.status_code == 404
    assert templates(acme) == [template]
    assert not ReportRun.objects.for_tenant(acme).exists()


def test_the_editor_asks_as_often_for_many_schedules_and_runs_as_for_one(
    acme: Tenant, eve: Person, django_assert_max_num_queries: Any
) -> None:
    template = make_template(acme)
    schedules = [make_schedule(acme, template, name=f"S{number}") for number in range(20)]
    now = timezone.now()
    ReportRun.objects.bulk_create(
        ReportRun(
            id=new_id(), tenant=acme, template=template, schedule=schedules[number % 20], definition={"name": "R"},
            triggered_by="cron", created_at=now, started_at=now, data_until=now,
        )
        for number in range(40)
    )  # fmt: skip
    browser = eve.browser()

    with django_assert_max_num_queries(16):
        page = browser.get(page_of(template))

    assert page.status_code == 200
