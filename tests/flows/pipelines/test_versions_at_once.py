"""Two people at once: versions come one after the other, names and caps hold."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from flows.models import Pipeline, PipelineVersion
from flows.services import create_pipeline, save_version
from kaireon.platform.errors import Conflict, DomainError, Unprocessable
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_pipeline, orders_ir

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, act: Any) -> list[Any]:
    """Do something in several threads and return what each came to, errors included."""

    def run(number: int) -> Any:
        try:
            return act(number)
        except DomainError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_every_save_is_a_version_of_its_own(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)

    saved = at_once(
        6, lambda number: save_version(
            tenant=acme, pipeline_id=pipeline.pk, ir=orders_ir(), comment=str(number), actor=SYSTEM, now=NOW
        ).version,
    )  # fmt: skip

    assert sorted(saved) == [2, 3, 4, 5, 6, 7]
    assert Pipeline.objects.for_tenant(acme).get().latest_version == 7


def test_of_saves_to_one_version_one_wins(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)

    saved = at_once(
        4, lambda number: save_version(
            tenant=acme, pipeline_id=pipeline.pk, ir=orders_ir(), actor=SYSTEM, now=NOW, expected_version=1
        ),
    )  # fmt: skip

    assert sum(isinstance(each, PipelineVersion) for each in saved) == 1
    assert sum(isinstance(each, Conflict) for each in saved) == 3


def test_a_cap_and_a_name_hold_against_many_at_once(acme: Tenant) -> None:
    acme.settings = {"guardrails": {"maxPipelines": 2}}
    acme.save()

    capped = at_once(5, lambda number: create_pipeline(
        tenant=acme, values={"name": f"Pipeline {number}", "ir": orders_ir()}, actor=SYSTEM, now=NOW
    ))  # fmt: skip

    assert sum(isinstance(each, Unprocessable) for each in capped) == 3
    assert Pipeline.objects.for_tenant(acme).count() == 2


def test_a_saved_version_cannot_be_changed_past_the_product(acme: Tenant) -> None:
    make_pipeline(acme)

    with pytest.raises(Exception, match="never changed"):
        PipelineVersion.objects.for_tenant(acme).update(ir={})
