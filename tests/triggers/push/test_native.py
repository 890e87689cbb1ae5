"""A producer names the pipeline and the file: it fires, or the answer says why not."""

from pathlib import Path
from typing import Any

import pytest

from flows.models import PipelineRun
from flows.services import pause_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.platform.together import run_together
from tests.triggers.files.world import NOW, drop, ledger, poll, runs_of, trigger_ir, watching
from tests.triggers.push.world import native, push
from triggers.decisions.vocabulary import Via
from triggers.models import FileTrigger, Occurrence

pytestmark = pytest.mark.django_db
NOBODYS = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"


def ignored(answer: Any) -> str:
    """Return why the one pipeline of an answer was ignored; nothing was dispatched."""
    assert answer.json()["dispatched"] == []
    (entry,) = answer.json()["ignored"]
    return str(entry["reason"])


def test_a_push_fires_one_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    answer = push(native(pipeline))

    (run,) = runs_of(pipeline)
    assert answer.status_code == 202
    assert answer.json() == {"dispatched": [{"pipelineId": str(pipeline.pk), "runId": str(run.pk)}], "ignored": []}
    assert (run.trigger_source, Occurrence.objects.for_tenant(acme).get().via) == ("file_arrival", Via.PUSH)


@pytest.mark.parametrize("said", ["inbox/a.csv", "a.csv", "/inbox/a.csv", "files/inbox/a.csv", "local_fs/inbox/a.csv"])
def test_the_key_may_leave_out_the_front_of_the_path(acme: Tenant, inbox: Path, said: str) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    assert len(push(native(pipeline, said)).json()["dispatched"]) == 1


def test_the_key_may_be_the_whole_path(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    assert len(push(native(pipeline, str(inbox / "a.csv"))).json()["dispatched"]) == 1


def test_the_same_push_again_is_ignored_and_names_the_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    push(native(pipeline))

    again = push(native(pipeline))

    (run,) = runs_of(pipeline)
    assert again.status_code == 200
    assert ignored(again).count(str(run.pk)) == 1
    assert Occurrence.objects.for_tenant(acme).get().repeats == 1


def test_a_push_within_the_debounce_is_kept_and_says_until_when(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme, ir=trigger_ir(debounceSeconds=3_600))
    drop(inbox, "a.csv", "b.csv")
    push(native(pipeline, "a.csv"))

    kept = push(native(pipeline, "b.csv"))
    again = push(native(pipeline, "b.csv"))

    assert (kept.status_code, again.status_code) == (202, 202)
    assert ignored(kept).startswith("kept: fires at 20")
    assert ignored(again).startswith("kept: fires at 20")
    assert ledger(pipeline) == [("a.csv", "fired"), ("b.csv", "held")]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("inbox/gone.csv", "no such file"),
        ("inbox/a.txt", "a.txt does not match the pattern *.csv"),
        ("outbox/a.csv", "does not lie in the folder"),
        ("inbox/deeper/a.csv", "does not lie in the folder"),
        ("inbox/", "does not lie in the folder"),
        (".a.csv", "does not match the pattern"),
    ],
)
def test_what_is_not_there_or_does_not_match_is_ignored_with_the_reason(
    acme: Tenant, inbox: Path, key: str, reason: str
) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv", "a.txt", ".a.csv")

    answer = push(native(pipeline, key))

    assert answer.status_code == 200
    assert reason in ignored(answer)
    assert runs_of(pipeline) == []


def test_a_paused_pipeline_ignores_a_push_and_fires_after_its_resume(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW)
    drop(inbox, "a.csv")

    answer = push(native(pipeline))

    assert (answer.status_code, ignored(answer)) == (200, "The pipeline is paused.")
    assert ledger(pipeline) == []


def test_a_parked_trigger_says_why(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    FileTrigger.objects.for_tenant(acme).update(state="parked", reason="Its folder is nobody's.")

    assert ignored(push(native(pipeline))) == "The trigger is parked: Its folder is nobody's."


def test_a_pipeline_without_a_trigger_ignores_a_push(acme: Tenant, inbox: Path) -> None:
    ir = trigger_ir()
    del ir["trigger"]

    answer = push(native(watching(acme, ir=ir)))

    assert (answer.status_code, "no file-arrival trigger" in ignored(answer)) == (200, True)


def test_an_unknown_pipeline_is_not_found(acme: Tenant, inbox: Path) -> None:
    answer = push(native(watching(acme), pipelineId=NOBODYS))

    assert answer.status_code == 404


def test_a_pipeline_of_another_tenant_is_not_found(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")

    answer = push(native(pipeline, tenantId=str(globex.pk)))

    assert answer.status_code == 404
    assert not PipelineRun.objects.across_tenants().exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"objectKey": "a\x00b"}, "objectKey"),
        ({"objectKey": "a\nb"}, "objectKey"),
        ({"objectKey": ""}, "objectKey"),
        ({"objectKey": 7}, "objectKey"),
        ({"objectKey": "x" * 1_025}, "objectKey"),
        ({"pipelineId": "7"}, "pipelineId"),
        ({"pipelineId": None}, "pipelineId"),
        ({"tenantId": ["a"]}, "tenantId"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(
    acme: Tenant, inbox: Path, changes: dict[str, Any], field: str
) -> None:
    answer = push(native(watching(acme), **changes))

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [field]


@pytest.mark.parametrize("key", ["inbox/../secret.csv", "..", "./a.csv", "inbox/" + "x" * 300])
def test_a_key_that_no_store_could_have_is_refused(acme: Tenant, inbox: Path, key: str) -> None:
    answer = push(native(watching(acme), key))

    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == ["objectKey"]


@pytest.mark.parametrize("body", [[], "text", None, 7, {}])
def test_another_body_than_an_object_is_refused(db: None, body: Any) -> None:
    assert push(body).status_code == 400


def test_a_body_of_ten_megabytes_is_refused_unread(db: None) -> None:
    assert push({"objectKey": "x" * 10_000_000}).status_code == 413


@pytest.mark.django_db(transaction=True)
def test_pushes_and_polls_at_once_make_one_run(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    drop(inbox, "a.csv")
    statuses: list[int] = []

    def pushing() -> None:
        statuses.append(push(native(pipeline)).status_code)

    def polling() -> None:
        poll()

    run_together(*[pushing] * 5, *[polling] * 2)

    assert (len(runs_of(pipeline)), ledger(pipeline)) == (1, [("a.csv", "fired")])
    assert set(statuses) <= {200, 202}


def test_a_link_out_of_the_folder_is_not_followed(acme: Tenant, inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("id,amount\n1,2\n")
    (inbox / "a.csv").symlink_to(tmp_path / "secret.csv")
    pipeline = watching(acme)

    answer = push(native(pipeline))

    assert (answer.status_code, answer.json()["dispatched"]) == (200, [])
