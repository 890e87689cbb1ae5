"""Masks that overlap are refused when they are saved, with a name that both would take."""

from pathlib import Path
from typing import Any

import pytest

from flows.models import Pipeline
from flows.services import delete_pipeline, pause_pipeline, publish_version, save_version, update_pipeline
from kaireon.platform.errors import Unprocessable
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector
from tests.people import Person
from tests.platform.together import run_together
from tests.triggers.files.world import NOW, trigger_ir, watching
from triggers.models import FileTrigger
from triggers.services import overlaps

pytestmark = pytest.mark.django_db
AT_CONTROL = "ir.trigger.controlFilePattern"


def refusal(tenant: Tenant, name: str = "Second", **trigger: Any) -> dict[str, list[str]]:
    """Return why a pipeline cannot be saved."""
    with pytest.raises(Unprocessable) as refused:
        watching(tenant, name, trigger_ir(**trigger))
    return refused.value.fields


def regex(value: str) -> dict[str, Any]:
    """Return a source's config with a regular expression."""
    return {"pattern": {"type": "regex", "value": value}}


def test_an_overlap_names_the_other_pipeline_and_a_name_that_both_take(acme: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))

    fields = refusal(acme, control="customers.*")

    assert list(fields) == [AT_CONTROL]
    assert "that of the pipeline First: both take customers.done." in fields[AT_CONTROL][0]


def test_without_a_sentinel_the_trigger_is_to_blame(acme: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(mask="orders*.csv"))

    assert list(refusal(acme, mask="*.csv")) == ["ir.trigger"]


def test_a_sentinel_and_another_ones_data_are_compared_too(acme: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(mask="orders*"))

    assert list(refusal(acme, control="*.done")) == [AT_CONTROL]


def test_disjoint_masks_share_a_folder(acme: Tenant, inbox: Path) -> None:
    for name in ("customers", "accounts", "propositions"):
        watching(acme, name, trigger_ir(control=f"{name}.done"))

    assert FileTrigger.objects.for_tenant(acme).values("folder").distinct().count() == 1


def test_one_may_insist(acme: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))

    watching(acme, "Second", trigger_ir(control="customers.*", allowOverlap=True))

    assert FileTrigger.objects.for_tenant(acme).count() == 2


def test_the_one_that_another_insisted_against_is_saved_as_before(acme: Tenant, inbox: Path) -> None:
    first = watching(acme, "First", trigger_ir(control="*.done"))
    watching(acme, "Second", trigger_ir(control="customers.*", allowOverlap=True))

    _save(first, trigger_ir(control="*.done", debounceSeconds=5))

    with pytest.raises(Unprocessable):
        _save(first, trigger_ir(control="*.don?"))


@pytest.mark.parametrize(
    "elsewhere",
    [{"path": "outbox"}, {"path": "inbox/deeper"}, {"path": "inboxes"}],
)
def test_another_folder_is_another_matter(acme: Tenant, inbox: Path, elsewhere: dict[str, Any]) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))

    watching(acme, "Second", trigger_ir(control="*.done", config=elsewhere))


@pytest.mark.parametrize("spelling", ["inbox", "inbox/", "inbox//", "{inbox}", "{inbox}/"])
def test_one_folder_is_one_however_it_is_spelled(acme: Tenant, inbox: Path, spelling: str) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))

    assert refusal(acme, control="*.done", config={"path": spelling.format(inbox=inbox)})


def test_another_tenant_is_another_matter(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))

    watching(globex, "First", trigger_ir(control="*.done"))


def test_one_bucket_is_one_through_whatever_connector(acme: Tenant) -> None:
    secret = {"accessKeyId": "a", "secretAccessKey": "b"}

    def save(name: str, path: str) -> None:
        config = {"bucket": "arrivals", "region": "eu-central-1"}
        connector = make_connector(acme, name, type="aws_s3", config=config, auth_config=secret)
        ir = trigger_ir(control="*.done", config={"path": path})
        ir["nodes"][0]["connector"] = "s3"
        watching(acme, name, ir, connector_id=connector.pk)

    save("First", "inbox/")
    with pytest.raises(Unprocessable):
        save("Second", "s3://arrivals/inbox")
    save("Third", "inbox/deeper")


def test_a_paused_pipeline_counts(acme: Tenant, inbox: Path) -> None:
    first = watching(acme, "First", trigger_ir(control="*.done"))
    pause_pipeline(tenant=acme, pipeline_id=first.pk, actor=SYSTEM, now=NOW)

    assert refusal(acme, control="*.done")


def test_one_that_is_gone_does_not(acme: Tenant, inbox: Path) -> None:
    first = watching(acme, "First", trigger_ir(control="*.done"))
    delete_pipeline(tenant=acme, pipeline_id=first.pk, actor=SYSTEM, now=NOW)

    watching(acme, "Second", trigger_ir(control="*.done"))


def test_a_version_that_is_not_live_does_not_and_is_refused_when_published(acme: Tenant, inbox: Path) -> None:
    first, second = (watching(acme, name, trigger_ir(control=f"{name}.done")) for name in ("a", "b"))
    _save(first, trigger_ir(control="c.done"), publish=False)
    _save(second, trigger_ir(control="c.done"))

    with pytest.raises(Unprocessable, match=r"both take c\.done"):
        publish_version(tenant=acme, pipeline_id=first.pk, version=2, actor=SYSTEM, now=NOW)


def test_a_connector_that_leads_into_anothers_folder_is_refused(acme: Tenant) -> None:
    secret = {"accessKeyId": "a", "secretAccessKey": "b"}
    here, there = (
        make_connector(acme, name, type="aws_s3", config={"bucket": name, "region": "eu-central-1"}, auth_config=secret)
        for name in ("here", "there")
    )
    ir = trigger_ir(control="*.done")
    ir["nodes"][0]["connector"] = "s3"
    watching(acme, "First", ir, connector_id=here.pk)
    second = watching(acme, "Second", ir, connector_id=there.pk)

    with pytest.raises(Unprocessable):
        update_pipeline(
            tenant=acme, pipeline_id=second.pk, changes={"connector_id": here.pk}, actor=SYSTEM, now=NOW
        )  # fmt: skip


def test_what_cannot_be_decided_is_saved_and_validation_warns(eve: Person, inbox: Path) -> None:
    watching(eve.tenant, "First", trigger_ir(config=regex(r"orders-[xyz]{3}\.csv")))
    second = watching(eve.tenant, "Second", trigger_ir(config=regex(r"[a-z]+-q+\.csv")))

    answer = eve.api().post(f"/api/v1/pipelines/{second.pk}/validate", {}, format="json").json()

    (warning,) = [each for each in answer["warnings"] if each["path"] == "trigger"]
    assert answer["valid"]
    assert "that of the pipeline First cannot be decided" in warning["message"]


def test_a_regular_expression_is_refused_where_a_name_proves_it(acme: Tenant, inbox: Path) -> None:
    watching(acme, "First", trigger_ir(config=regex(r"orders_\d{8}\.csv")))

    assert "both take orders_11111111.csv" in refusal(acme, mask="orders_*.csv")["ir.trigger"][0]


def test_a_sentinel_that_fits_its_own_data_is_warned_of(eve: Person, inbox: Path) -> None:
    pipeline = watching(eve.tenant, "First", trigger_ir(control="customers.*", mask="customers*.csv"))

    answer = eve.api().post(f"/api/v1/pipelines/{pipeline.pk}/validate", {}, format="json").json()

    (warning,) = [each for each in answer["warnings"] if each["path"] == "trigger.controlFilePattern"]
    assert "such as customers.csv" in warning["message"]


def test_validation_refuses_as_saving_does(eve: Person, inbox: Path) -> None:
    watching(eve.tenant, "First", trigger_ir(control="*.done"))
    second = watching(eve.tenant, "Second", trigger_ir(control="*.ready"))
    body = {"ir": trigger_ir(control="a.*")}

    answer = eve.api().post(f"/api/v1/pipelines/{second.pk}/validate", body, format="json").json()

    assert [each["path"] for each in answer["errors"]] == ["trigger.controlFilePattern"]


def test_masks_that_take_too_long_to_compare_are_refused(
    acme: Tenant, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching(acme, "First", trigger_ir(control="*.done"))
    monkeypatch.setattr(overlaps, "LONGEST_SECONDS", 0.0)

    assert "too long to compare" in refusal(acme, control="*.ready")[AT_CONTROL][0]


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_once_one_is_refused(acme: Tenant, inbox: Path) -> None:
    refused: list[str] = []

    def save(name: str, control: str) -> None:
        try:
            watching(acme, name, trigger_ir(control=control))
        except Unprocessable as error:
            refused.append(error.message)

    run_together(*[lambda name=name: save(name, f"{name}*") for name in ("a", "ab", "abc", "abcd")])

    assert len(refused) == 3
    assert FileTrigger.objects.for_tenant(acme).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_publishes_at_once_one_is_refused(acme: Tenant, inbox: Path) -> None:
    """No lock but that of the masks is in the way here: each holds its own pipeline."""
    both = [watching(acme, name, trigger_ir(control=f"{name}.done")) for name in ("a", "b")]
    refused: list[str] = []

    def publish(pipeline: Pipeline) -> None:
        try:
            _save(pipeline, trigger_ir(control="c.done"))
        except Unprocessable as error:
            refused.append(error.message)

    run_together(*[lambda pipeline=pipeline: publish(pipeline) for pipeline in both])

    assert len(refused) == 1


def _save(pipeline: Pipeline, ir: dict[str, Any], *, publish: bool = True) -> None:
    save_version(
        tenant=pipeline.tenant, pipeline_id=pipeline.pk, ir=ir | {"id": "orders"}, actor=SYSTEM, now=NOW,
        publish=publish,
    )  # fmt: skip
