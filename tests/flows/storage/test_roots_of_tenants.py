"""Roots of this machine with a folder for each tenant: nobody reads, lists or moves another's files."""

from pathlib import Path
from typing import Any

import pytest

from flows.decisions.vocabulary import ConnectorType
from flows.ir.parsing import parse_pipeline_ir
from flows.services.connection_tests import try_connector
from flows.services.previewing import sample_node
from flows.services.sourcing import find_files, opened_sources
from flows.storage.base import StorageError
from flows.storage.opening import open_store
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import NOW, dispatched_run, drop, make_pipeline, plain_ir

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(tmp_path: Path, settings: Any) -> Path:
    """Return a folder with one for each tenant; each has an inbox with a file called after its owner."""
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path / "files" / "{tenant}")]
    settings.FLOW_TEMP_DIR = str(tmp_path / "work")
    for slug in ("acme", "globex"):
        drop(tmp_path / "files" / slug / "inbox", f"{slug}.csv", [(1, 2)])
    return tmp_path / "files"


def names_found(tenant: Tenant, path: str = "inbox/") -> list[str]:
    """Return the files that a run of the tenant would take."""
    ir = plain_ir()
    ir["nodes"][0]["config"]["path"] = path
    ir["nodes"][0]["config"]["pattern"]["value"] = "*"
    run = dispatched_run(make_pipeline(tenant, ir))
    with opened_sources(run, parse_pipeline_ir(ir)) as sources:
        return [file.name for file in find_files(run, sources["src"], at=NOW)]


def test_a_run_finds_the_files_of_its_tenant(acme: Tenant, globex: Tenant, shared: Path) -> None:
    assert (names_found(acme), names_found(globex)) == (["acme.csv"], ["globex.csv"])


@pytest.mark.parametrize(
    "folder", ["acme/inbox", "", "{tenant}/inbox", "acme-2"], ids=["whole", "top", "token", "alike"]
)
def test_a_run_reaches_no_folder_of_another_tenant(globex: Tenant, shared: Path, folder: str) -> None:
    with pytest.raises(StorageError, match="FLOW_LOCAL_FS_ROOTS"):
        names_found(globex, f"{shared}/{folder}")


def test_a_sample_shows_the_tenants_own_file(globex: Tenant, shared: Path) -> None:
    ir = plain_ir()
    ir["nodes"][0]["config"]["path"] = f"{shared}/acme/inbox"

    with pytest.raises(StorageError, match="FLOW_LOCAL_FS_ROOTS"):
        sample_node(pipeline=make_pipeline(globex, ir), ir=parse_pipeline_ir(ir), node_id="typed", limit=5, now=NOW)


def test_the_test_of_a_connector_lists_no_folder_of_another_tenant(globex: Tenant, shared: Path) -> None:
    def tried(slug: str) -> str:
        config = {"basePath": f"{shared}/{slug}/inbox"}
        return try_connector(
            tenant=globex, kind=ConnectorType.LOCAL_FS, config=config, auth_method="none", secret={}
        ).status.value

    assert (tried("acme"), tried("globex")) == ("failed", "ok")


def test_without_a_tenant_a_root_of_each_tenants_own_is_nobodys(shared: Path) -> None:
    with pytest.raises(StorageError):
        open_store(kind="local_fs", path="inbox/", config={}, secret={})
