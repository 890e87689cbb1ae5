"""The Schedule and the Triggers tab: forms made from the IR, what saving does, what is done with what is live."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flows.models import Pipeline
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_pipeline
from tests.pages.flow_world import draft_of, edit_of, events_of, make_run, said
from tests.pages.scheduler_world import (
    ARRIVAL,
    HOURLY,
    MINUTE,
    awaiting,
    break_folder,
    change_schedule,
    change_trigger,
    hold,
    make_occurrence,
    park,
    part_of,
    scheduled,
)
from tests.people import Person
from triggers.decisions.vocabulary import Outcome, TriggerState
from triggers.models import FileTrigger, PipelineSchedule, TriggerSecret

pytestmark = pytest.mark.django_db

TEXTAREA = re.compile(r'id="flow-draft"[^>]*>\n(.*?)</textarea>', re.DOTALL)


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline that runs by hand."""
    return make_pipeline(acme)


def timing(person: Person, pipeline: Pipeline, part: str, draft: Any = None, **typed: str) -> Any:
    """Post the form of a tab: with `act` something was typed or pressed."""
    text = json.dumps(draft_of(pipeline) if draft is None else draft)
    body = {"draft": text, **{_control(name): value for name, value in typed.items()}}
    return person.browser().post(f"/data/flow-pipelines/{pipeline.pk}/timing/{part}", body)


def _control(name: str) -> str:
    """Return a control's name: `f__schedule__HERE` stands for `f.schedule.__here`."""
    return name.replace("__", ".").replace("HERE", "__here")


def drafted(answer: Any) -> dict[str, Any]:
    """Return the draft that an answer puts back."""
    found = TEXTAREA.search(answer.content.decode())
    assert found is not None, answer.content.decode()[:500]
    draft: dict[str, Any] = json.loads(found[1].replace("&quot;", '"').replace("&#x27;", "'"))
    return draft


def foretold(person: Person, pipeline: Pipeline, part: str = "schedule", **changes: Any) -> str:
    """Return what saving a draft is said to do."""
    text = json.dumps({**draft_of(pipeline), **changes})
    answer = person.browser().post(part_of(pipeline, f"foretell/{part}"), {"draft": text})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_draft_without_a_schedule_offers_to_add_one(pipeline: Pipeline, eve: Person) -> None:
    answer = timing(eve, pipeline, "schedule")

    text = answer.content.decode()
    assert 'value="add:schedule"' in text
    assert "runs by hand" in text
    assert "HX-Retarget" not in answer


def test_adding_a_schedule_begins_with_one_that_is_sound(pipeline: Pipeline, eve: Person) -> None:
    answer = timing(eve, pipeline, "schedule", act="add:schedule")

    assert drafted(answer)["schedule"] == {"kind": "cron", "expression": "0 9 * * *"}
    assert answer["HX-Retarget"] == "#timing-schedule"
    assert "Not sound yet" not in answer.content.decode()
    assert set(json.loads(answer["HX-Trigger-After-Swap"])) == {"k-draft", "k-timing"}


def test_what_is_typed_goes_into_the_draft_and_leaves_the_form_alone(pipeline: Pipeline, eve: Person) -> None:
    answer = timing(
        eve, pipeline, "schedule", {**draft_of(pipeline), "schedule": HOURLY}, act="typed", f__schedule__HERE="1",
        f__schedule__kind="cron", f__schedule__expression="30 2 * * 1-5", f__schedule__timezone="Europe/Berlin",
        f__schedule__catchUp="all", f__schedule__overlap="queue", f__schedule__enabled="on",
    )  # fmt: skip

    schedule = drafted(answer)["schedule"]
    assert schedule["expression"] == "30 2 * * 1-5"
    assert (schedule["timezone"], schedule["catchUp"]) == ("Europe/Berlin", "all")
    assert "HX-Retarget" not in answer
    assert "f.schedule.expression" not in answer.content.decode()


def test_what_is_wrong_leads_to_its_field(pipeline: Pipeline, eve: Person) -> None:
    answer = timing(
        eve, pipeline, "schedule", act="typed", f__schedule__HERE="1", f__schedule__kind="cron",
        f__schedule__expression="61 2 * * *", f__schedule__timezone="Europe/Atlantis", f__schedule__enabled="on",
    )  # fmt: skip

    text = answer.content.decode()
    assert 'href="#f-schedule-expression"' in text
    assert "61 is not from 0 to 59" in text
    assert "There is no time zone Europe/Atlantis" in text


@pytest.mark.parametrize(
    ("kind", "needed"), [("interval", {"minutes": 60}), ("rrule", {"rule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0"})]
)
def test_another_kind_begins_with_what_it_needs(
    kind: str, needed: dict[str, Any], pipeline: Pipeline, eve: Person
) -> None:
    answer = timing(
        eve, pipeline, "schedule", {**draft_of(pipeline), "schedule": HOURLY}, act="pick", f__schedule__HERE="1",
        f__schedule__kind=kind, f__schedule__expression="0 * * * *", f__schedule__enabled="on",
    )  # fmt: skip

    assert drafted(answer)["schedule"] == {"kind": kind, **needed}
    assert "Not sound yet" not in answer.content.decode()


def test_a_schedule_is_switched_off_and_removed(pipeline: Pipeline, eve: Person) -> None:
    draft = {**draft_of(pipeline), "schedule": HOURLY}
    typed = {"f__schedule__HERE": "1", "f__schedule__kind": "cron", "f__schedule__expression": "0 * * * *"}

    off = timing(eve, pipeline, "schedule", draft, act="typed", **typed)
    gone = timing(eve, pipeline, "schedule", draft, act="remove:schedule", **typed)

    assert drafted(off)["schedule"]["enabled"] is False
    assert "schedule" not in drafted(gone)


def test_a_trigger_is_added_at_the_first_source_with_a_control_file_and_a_deadline(
    pipeline: Pipeline, eve: Person
) -> None:
    added = drafted(timing(eve, pipeline, "trigger", act="add:trigger"))
    answer = timing(
        eve, pipeline, "trigger", added, act="typed", f__trigger__HERE="1", f__trigger__sourceId="src",
        f__trigger__controlFilePattern__HERE="1", f__trigger__controlFilePattern__type="glob",
        f__trigger__controlFilePattern__value="orders.done", f__trigger__debounceSeconds="30",
        f__trigger__deadline__HERE="1", f__trigger__deadline__windowMinutes="90", f__trigger__deadline__onMiss="fail",
    )  # fmt: skip

    assert added["trigger"] == {"kind": "file_arrival", "sourceId": "src"}
    assert drafted(answer)["trigger"] == {
        "kind": "file_arrival", "sourceId": "src", "controlFilePattern": {"type": "glob", "value": "orders.done"},
        "debounceSeconds": 30, "deadline": {"windowMinutes": 90, "onMiss": "fail"},
    }  # fmt: skip


def test_a_mask_that_overlaps_with_another_pipelines_is_said_as_it_is_typed(acme: Tenant, eve: Person) -> None:
    awaiting(acme, "First one")
    second = make_pipeline(acme, "Second one")

    answer = timing(eve, second, "trigger", {**draft_of(second), "trigger": ARRIVAL})

    assert "First one" in answer.content.decode()


def test_a_draft_that_cannot_be_read_and_a_part_that_is_none(pipeline: Pipeline, eve: Person) -> None:
    address = f"/data/flow-pipelines/{pipeline.pk}/timing"

    broken = eve.browser().post(f"{address}/schedule", {"draft": "{"})
    unknown = eve.browser().post(f"{address}/weather", {"draft": "{}"})

    assert "The draft cannot be read, line 1" in broken.content.decode()
    assert unknown.status_code == 404


def test_a_viewer_types_nothing_and_sees_when_it_runs(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)

    assert timing(bob, pipeline, "schedule").status_code == 403
    assert bob.browser().post(part_of(pipeline, "foretell/schedule"), {"draft": "{}"}).status_code == 403
    text = bob.browser().get(edit_of(pipeline)).content.decode()
    assert "Every hour UTC" in text
    assert "Save and publish" not in text


def test_a_save_takes_along_what_had_not_got_into_the_draft_yet(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    body = {
        "draft": json.dumps(draft_of(pipeline)), "seen": "1", "act": "publish", "timing": "schedule",
        "f.schedule.__here": "1", "f.schedule.kind": "interval", "f.schedule.minutes": "45", "f.schedule.enabled": "on",
    }  # fmt: skip

    answer = eve.browser().post(edit_of(pipeline), body)

    assert "is saved and live" in said(answer)
    assert draft_of(pipeline)["schedule"] == {"kind": "interval", "minutes": 45}
    assert PipelineSchedule.objects.for_tenant(acme).get().state == TriggerState.ACTIVE


def test_a_draft_that_cannot_be_read_stays_as_it_was_sent(pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().post(edit_of(pipeline), {"draft": "{", "seen": "1", "act": "publish", "timing": "schedule"})

    assert answer.status_code == 400


def test_saving_says_which_run_it_fires_at_once_and_why(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    text = foretold(eve, pipeline, schedule=HOURLY)
    make_run(pipeline, now=timezone.now() - timedelta(hours=3))
    after_a_run = foretold(eve, pipeline, schedule=HOURLY)

    assert "Saving this fires 1 run now." in text
    assert "has passed, and it has never run: a schedule that is new looks back 24 hours." in text
    assert text.count('<span class="k-number">') == 10
    assert "its last run began before that" in after_a_run


def test_saving_says_that_it_fires_nothing_now_and_what_is_next(acme: Tenant, eve: Person) -> None:
    pipeline = scheduled(acme)

    same = foretold(eve, pipeline)
    none = foretold(eve, pipeline, schedule=None)
    off = foretold(eve, pipeline, schedule={**HOURLY, "enabled": False})
    Pipeline.objects.for_tenant(acme).update(paused_at=timezone.now())
    paused = foretold(eve, pipeline)

    assert "Saving this fires nothing now." in same
    assert "The next run begins" in same
    assert "Saving this fires nothing, now or later." in none
    assert "It is off: saving this fires nothing." in off
    assert "saving this fires nothing until it is resumed" in paused


def test_days_on_which_the_clock_changes_are_marked(pipeline: Pipeline, eve: Person) -> None:
    # Of a year's mornings, two are touched; the rule names the last Sunday of March alone.
    rule = {"kind": "cron", "expression": "30 2 25-31 3 *", "timezone": "Europe/Berlin"}

    assert "Clock changes" in foretold(eve, pipeline, schedule=rule)


@pytest.mark.parametrize("schedule", [{"kind": "cron"}, {"kind": "moon"}, {"kind": "cron", "expression": "61 * * * *"}])
def test_a_schedule_that_is_not_sound_is_not_foretold(schedule: Any, pipeline: Pipeline, eve: Person) -> None:
    text = foretold(eve, pipeline, schedule=schedule)

    assert "Saving this fires" not in text
    assert 'data-tone="bad"' in text


def test_a_trigger_says_in_words_what_it_waits_for(pipeline: Pipeline, eve: Person) -> None:
    deadline = {"windowMinutes": 90, "onMiss": "fail"}

    control = foretold(eve, pipeline, "trigger", trigger={**ARRIVAL, "deadline": deadline, "allowOverlap": True})
    plain = foretold(
        eve, pipeline, "trigger", trigger={"kind": "file_arrival", "sourceId": "src", "debounceSeconds": 0}
    )
    none, broken = foretold(eve, pipeline, "trigger"), foretold(eve, pipeline, "trigger", trigger={"kind": "x"})

    assert "<code>orders.done</code> arrives" in control
    assert "It fires as soon as it is seen." in control
    assert "within 90 minutes of the last run: an alert is raised, and it counts as a failed run" in control
    assert "each fires once per file" in control
    assert "The file must stand still for 5 s first." in plain
    assert "Files may follow each other at once." in plain
    assert "No file starts it." in none
    assert "Correct it on the left first." in broken


def test_the_desk_says_where_the_live_schedule_stands(acme: Tenant, eve: Person) -> None:
    pipeline = scheduled(acme)
    make_occurrence(pipeline, Outcome.SKIPPED_OVERLAP, reason="A run was still under way.")
    hold(pipeline)

    text = eve.browser().get(part_of(pipeline, "schedule")).content.decode()

    assert "The live schedule" in text
    assert "A run was still under way." in text
    assert "What is held now (1) does not fire either." in text
    assert "Tick scheduler now" in text
    assert "Backfill a range" in text


def test_a_pause_says_what_fell_into_it_and_what_a_resume_does(acme: Tenant, eve: Person) -> None:
    pipeline = scheduled(acme, expression="*/10 * * * *")
    paused_at = timezone.now() - 65 * MINUTE
    Pipeline.objects.for_tenant(acme).update(paused_at=paused_at)
    change_schedule(pipeline, state=TriggerState.PAUSED, next_due_at=None)

    text = eve.browser().get(part_of(pipeline, "schedule")).content.decode()

    assert "Resuming fires nothing at once: next is" in text
    assert re.search(r"[67] times fell into the pause; they are noted, and not made up for", text)
    assert "#schedule" in text


def test_a_parked_schedule_and_a_parked_trigger_say_why(acme: Tenant, bob: Person) -> None:
    clock, files = scheduled(acme), awaiting(acme)
    park(clock, reason="No such zone.")
    change_trigger(files, state=TriggerState.PARKED, reason="The connector is gone.")

    assert "It cannot be read: No such zone." in bob.browser().get(part_of(clock, "schedule")).content.decode()
    assert "It cannot watch: The connector is gone." in bob.browser().get(part_of(files, "triggers")).content.decode()


def test_the_desk_of_a_trigger_shows_its_folder_and_its_deadline(acme: Tenant, bob: Person) -> None:
    pipeline = awaiting(acme, deadline={"windowMinutes": 60})
    FileTrigger.objects.for_tenant(acme).update(folder=break_folder(acme), deadline_at=timezone.now() + 2 * 60 * MINUTE)

    text = bob.browser().get(part_of(pipeline, "triggers")).content.decode()

    assert "The folder cannot be listed: The server does not answer." in text
    assert "File due" in text
    assert "Make a secret" not in text


def test_pipelines_without_a_schedule_or_a_trigger_say_so(pipeline: Pipeline, bob: Person) -> None:
    schedule = bob.browser().get(part_of(pipeline, "schedule")).content.decode()
    triggers = bob.browser().get(part_of(pipeline, "triggers")).content.decode()

    assert "has no schedule" in schedule
    assert "waits for no file" in triggers


@pytest.mark.django_db(transaction=True)
def test_a_secret_is_shown_once_changed_over_and_revoked(acme: Tenant, eve: Person) -> None:
    pipeline, browser = awaiting(acme), eve.browser()
    made = browser.post(part_of(pipeline, "secrets"), {"name": "The bank"}).content.decode()
    row = TriggerSecret.objects.for_tenant(acme).get()
    address = part_of(pipeline, f"secrets/{row.pk}")

    again = browser.get(part_of(pipeline, "triggers")).content.decode()
    rotated = browser.post(f"{address}/rotate", {"hours": "1"}).content.decode()
    refused = browser.post(f"{address}/rotate", {"hours": "1"})
    revoked = browser.post(f"{address}/revoke").content.decode()

    assert "shown once" in made
    assert re.search(r"kts_[\w-]{40,}", made)
    assert "The bank" in again
    assert not re.search(r"kts_[\w-]{40,}", again)
    assert "Being replaced" in rotated
    assert refused.status_code == 400
    assert "Revoked" in revoked
    assert TriggerSecret.objects.for_tenant(acme).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_name_with_control_characters_or_without_end_makes_no_secret(acme: Tenant, eve: Person) -> None:
    pipeline = awaiting(acme)

    answers = [eve.browser().post(part_of(pipeline, "secrets"), {"name": name}) for name in ("a\x00b", "W" * 121)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert not TriggerSecret.objects.for_tenant(acme).exists()


def test_a_viewer_makes_and_revokes_nothing(acme: Tenant, bob: Person) -> None:
    pipeline = awaiting(acme)

    answers = [
        bob.browser().post(part_of(pipeline, name))
        for name in ("secrets", f"secrets/{pipeline.pk}/rotate", f"secrets/{pipeline.pk}/revoke", "backfill")
    ]

    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(("start", "end"), [("", ""), ("2026-01-01T00:00", ""), ("yesterday", "2026-01-01T00:00")])
def test_a_range_needs_both_ends(start: str, end: str, acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(part_of(scheduled(acme), "backfill"), {"from": start, "to": end})

    assert answer.status_code == 400
    assert "Give both ends of the range" in answer.content.decode()


def test_the_answer_of_a_form_tells_the_page_that_the_draft_has_changed(pipeline: Pipeline, eve: Person) -> None:
    shown = timing(eve, pipeline, "schedule")

    assert events_of(shown) == {}
    assert "HX-Trigger-After-Swap" not in shown
