"""The API of report templates: shapes, roles, keys, strangers, and every field wrongly filled."""

import json
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from reports.models import ReportTemplate
from tests.people import Person
from tests.reports.keeping import FUNNEL, NOBODYS, TREND, make_mail, make_schedule, make_template, section

pytestmark = pytest.mark.django_db
PATH = "/api/v1/reports/templates"
KEYS = [
    "id", "tenantId", "name", "description", "ownerUserId", "dataSources", "sections", "formats", "narrative",
    "filters", "enabled", "createdAt", "updatedAt",
]  # fmt: skip
BODY: dict[str, Any] = {"name": "Weekly", "dataSources": [FUNNEL], "formats": ["pdf", "csv"]}
NUL, SURROGATE = "a\0b", "a\ud800b"
HUGE = "x" * 900_000


def nested(levels: int) -> dict[str, Any]:
    """Return an object of so many levels."""
    return {"a": nested(levels - 1)} if levels else {}


def post(client: APIClient, body: Any, path: str = PATH) -> Any:
    """POST a JSON body."""
    return client.post(path, json.dumps(body), content_type="application/json")


def patch(client: APIClient, template_id: str, body: Any) -> Any:
    """PATCH a JSON body."""
    return client.patch(f"{PATH}/{template_id}", json.dumps(body), content_type="application/json")


def named(answer: Any) -> list[str]:
    """Return the fields that an error names."""
    return list(answer.json()["error"].get("fields", {}))


# --- shapes


def test_a_template_reads_back_with_the_documented_keys_in_order_and_the_defaults(eve: Person) -> None:
    answer = post(eve.api(), {"name": "Bare"})

    assert answer.status_code == 201
    template = answer.json()
    assert list(template) == KEYS
    assert {name: template[name] for name in KEYS[3:11] if name != "ownerUserId"} == {
        "description": "", "dataSources": [], "sections": [], "formats": ["pdf"],
        "narrative": {"enabled": True, "prompt": None, "modelOverride": None}, "filters": {"destinations": []},
        "enabled": True,
    }  # fmt: skip
    assert template["tenantId"] == str(eve.tenant.pk)
    assert template["createdAt"] == template["updatedAt"]
    assert template["createdAt"].endswith("Z")


def test_whoever_signs_in_and_creates_a_template_owns_it_and_a_key_owns_nothing(eve: Person) -> None:
    by_key = post(eve.api(), BODY).json()
    by_person = eve.browser().post(PATH, json.dumps(BODY), content_type="application/json").json()

    assert (by_key["ownerUserId"], by_person["ownerUserId"]) == (None, str(eve.user.pk))


def test_everything_reads_back_as_it_was_sent(eve: Person) -> None:
    mail = str(make_mail(eve.tenant))
    body = {
        "name": "Board 📈", "description": "Line one\nline two", "ownerUserId": str(eve.user.pk),
        "dataSources": [FUNNEL, {"sourceKey": "daily_trend", "params": {"days": 30, "channelId": "wéb 📈"}}],
        "sections": [section("s-1"), section("S_2", 1)], "formats": ["html", "markdown", "csv", "pdf"],
        "narrative": {"enabled": False, "prompt": "Be brief.\nSay why.", "modelOverride": "small"},
        "filters": {"destinations": [mail]}, "enabled": False,
    }  # fmt: skip

    template = post(eve.api(), body).json()

    assert {name: template[name] for name in body} == body
    assert eve.api().get(f"{PATH}/{template['id']}").json() == template


def test_params_that_are_not_given_stay_away_and_defaults_are_the_sources(eve: Person) -> None:
    answer = post(eve.api(), {**BODY, "dataSources": [{"sourceKey": "daily_trend"}]})

    assert answer.json()["dataSources"] == [{"sourceKey": "daily_trend", "params": {}}]


BAD_PARAMS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("funnel", {"days": -7, "colour": "green"}, ["days", "colour"]),
    ("funnel", {"days": "7"}, ["days"]),
    ("funnel", {"days": 366}, ["days"]),
    ("offer_performance", {"limit": 0}, ["limit"]),
    ("why_not_ranked", {}, ["offerId"]),
    ("daily_trend", {"deep": {"list": [1, None, "x"]}}, ["deep"]),
]


@pytest.mark.parametrize(("key", "params", "names"), BAD_PARAMS, ids=[f"{key} {names}" for key, _, names in BAD_PARAMS])
def test_params_that_their_source_does_not_take_are_named(
    eve: Person, key: str, params: dict[str, Any], names: list[str]
) -> None:
    client, bad = eve.api(), [TREND, {"sourceKey": key, "params": params}]
    template = post(client, {**BODY, "dataSources": [TREND]}).json()

    created = post(client, {**BODY, "dataSources": bad})
    changed = client.patch(f"{PATH}/{template['id']}", {"dataSources": bad}, format="json")

    for answer in (created, changed):
        assert answer.status_code == 422
        assert set(answer.json()["error"]["fields"]) == {f"dataSources[1].params.{name}" for name in names}
    assert client.get(f"{PATH}/{template['id']}").json() == template


def test_params_of_an_older_release_keep_nobody_from_changing_the_rest(eve: Person) -> None:
    client = eve.api()
    template = post(client, BODY).json()
    bad = [{"sourceKey": "funnel", "params": {"days": 9999}}]
    ReportTemplate.objects.for_tenant(eve.tenant).update(data_sources=bad, sections=[])

    answer = client.patch(f"{PATH}/{template['id']}", {"name": "Renamed"}, format="json")

    assert (answer.status_code, answer.json()["dataSources"]) == (200, bad)


def test_the_list_is_an_envelope_newest_first(eve: Person) -> None:
    client = eve.api()
    ids = [post(client, {**BODY, "name": name}).json()["id"] for name in ("one", "two", "three")]

    page = client.get(f"{PATH}/").json()

    assert [template["id"] for template in page["data"]] == ids[::-1]
    assert page["pagination"] == {"total": 3, "limit": 100, "hasMore": False, "cursor": None}
    assert [list(template) for template in page["data"]] == [KEYS] * 3


def test_the_list_pages_by_cursor(eve: Person) -> None:
    client, seen, cursor = eve.api(), list[str](), ""
    for number in range(5):
        post(client, {**BODY, "name": f"Report {number}"})

    for _ in range(3):
        page = client.get(PATH, {"limit": "2", "cursor": cursor}).json()
        seen += [template["name"] for template in page["data"]]
        cursor = page["pagination"]["cursor"] or ""

    assert (seen, cursor) == ([f"Report {number}" for number in range(4, -1, -1)], "")


def test_a_list_of_many_costs_no_more_queries_than_one_of_few(
    eve: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = eve.api()
    client.get(PATH)
    for _ in range(20):
        make_template(eve.tenant)

    # The key, the count, the page.
    with django_assert_num_queries(3):
        client.get(PATH)


# --- changing


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Monthly"},
        {"description": ""},
        {"dataSources": []},
        {"sections": [section("only")]},
        {"formats": ["markdown"]},
        {"narrative": {"enabled": False, "prompt": None, "modelOverride": None}},
        {"filters": {"destinations": []}},
        {"enabled": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_patch_changes_only_what_it_names(eve: Person, change: dict[str, Any]) -> None:
    client = eve.api()
    filters = {"destinations": [str(make_mail(eve.tenant))]}
    template = post(client, {**BODY, "description": "Old", "filters": filters}).json()

    answer = patch(client, template["id"], change)

    assert answer.status_code == 200
    changed = answer.json()
    assert {name for name in KEYS if changed[name] != template[name]} == {*change, "updatedAt"}
    assert changed[next(iter(change))] == next(iter(change.values()))
    assert client.get(f"{PATH}/{template['id']}").json() == changed


def test_an_empty_patch_changes_nothing_but_the_time(eve: Person) -> None:
    template = post(eve.api(), BODY).json()

    changed = patch(eve.api(), template["id"], {}).json()

    assert {name for name in KEYS if changed[name] != template[name]} <= {"updatedAt"}


def test_a_part_is_patched_as_a_whole(eve: Person) -> None:
    narrative = {"enabled": False, "prompt": "Be brief.", "modelOverride": "small"}
    template = post(eve.api(), {**BODY, "narrative": narrative}).json()

    changed = patch(eve.api(), template["id"], {"narrative": {"prompt": ""}}).json()

    assert changed["narrative"] == {"enabled": True, "prompt": None, "modelOverride": None}


def test_a_part_of_a_patch_is_not_itself_partial(eve: Person) -> None:
    template = post(eve.api(), BODY).json()

    answer = patch(eve.api(), template["id"], {"dataSources": [{}], "sections": [{"id": "s1"}]})

    assert answer.status_code == 400
    assert named(answer) == ["dataSources[0].sourceKey", "sections[0].title", "sections[0].dataSourceIndex"]


def test_a_deleted_template_is_gone_with_its_schedules(eve: Person) -> None:
    client, template = eve.api(), make_template(eve.tenant)
    schedule = make_schedule(eve.tenant, template)

    answer = client.delete(f"{PATH}/{template.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{PATH}/{template.pk}").status_code == 404
    assert client.get(f"/api/v1/reports/schedules/{schedule.pk}").status_code == 404
    assert client.delete(f"{PATH}/{template.pk}").status_code == 404


# --- what cannot be: 422, on creation and in a PATCH

INDEX = "sections[0].dataSourceIndex"
IMPOSSIBLE = [
    pytest.param({"dataSources": [{"sourceKey": "moon"}]}, ["dataSources[0].sourceKey"], id="an unknown source"),
    pytest.param({"dataSources": [FUNNEL, {"sourceKey": ""}]}, ["dataSources[1].sourceKey"], id="an empty source"),
    pytest.param({"dataSources": [FUNNEL], "sections": [section("s1", 1)]}, [INDEX], id="beyond"),
    pytest.param({"dataSources": [FUNNEL], "sections": [section("s1", -1)]}, [INDEX], id="below"),
    pytest.param({"dataSources": [FUNNEL, TREND], "sections": [section("a"), section("a", 1)]}, ["sections[1].id"],
                 id="an id twice"),
    pytest.param({"dataSources": [], "sections": [section("a")]}, ["dataSources", "sections[0].dataSourceIndex"],
                 id="sections of nothing"),
    pytest.param({"formats": []}, ["formats"], id="no format"),
    pytest.param({"formats": ["pdf", "docx", "pdf"]}, ["formats[1]", "formats[2]"], id="formats"),
    pytest.param({"formats": ["PDF"]}, ["formats[0]"], id="a format in capitals"),
    pytest.param({"filters": {"destinations": [NOBODYS]}}, ["filters.destinations[0]"], id="destination"),
    pytest.param({"ownerUserId": NOBODYS}, ["ownerUserId"], id="owner"),
    pytest.param({"formats": ["docx"], "filters": {"destinations": [NOBODYS]}},
                 ["formats[0]", "filters.destinations[0]"], id="two at once"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "paths"), IMPOSSIBLE)
def test_what_cannot_be_is_422_and_named_on_creation_and_in_a_patch(
    eve: Person, change: dict[str, Any], paths: list[str]
) -> None:
    client, kept = eve.api(), make_template(eve.tenant)

    created = post(client, {**BODY, **change})
    patched = patch(client, str(kept.pk), {**change, "name": "Changed"})

    assert [(answer.status_code, named(answer)) for answer in (created, patched)] == [(422, paths)] * 2
    assert [row.name for row in ReportTemplate.objects.for_tenant(eve.tenant)] == ["Weekly"]


def test_another_tenants_destination_is_as_unknown_as_none(eve: Person, globex: Tenant) -> None:
    foreign = str(make_mail(globex))

    answer = post(eve.api(), {**BODY, "filters": {"destinations": [str(make_mail(eve.tenant)), foreign]}})

    assert (answer.status_code, named(answer)) == (422, ["filters.destinations[1]"])


# --- what cannot be read: 400, on creation and in a PATCH

MISTYPED: dict[str, dict[str, Any]] = {
    "name": {"null": None, "number": 7, "empty": "", "blank": "  ", "too long": "x" * 121, "huge": HUGE,
        "NUL": NUL, "surrogate": SURROGATE, "line feed": "a\nBcc: b", "override": "a\u202eb", "list": []},
    "description": {"null": None, "number": 7, "too long": "x" * 2001, "NUL": NUL, "surrogate": SURROGATE},
    "dataSources": {"null": None, "object": {}, "text": "funnel", "too many": [FUNNEL] * 51,
        "very many": [0] * 300_000},
    "sections": {"null": None, "object": {}, "too many": [section("a")] * 101, "very many": [[]] * 200_000},
    "formats": {"null": None, "text": "pdf", "object": {"pdf": True}, "too many": ["pdf"] * 21},
    "narrative": {"null": None, "true": True, "list": []},
    "filters": {"null": None, "list": [], "text": "x"},
    "enabled": {"null": None, "1": 1, "text": "true"},
    "ownerUserId": {"number": 7, "text": "eve", "braces": "{" + NOBODYS + "}", "huge": HUGE},
    "tenantId": {"a stranger's": NOBODYS},
    "id": {"mine": NOBODYS},
    "<script>": {"unknown": 1},
}  # fmt: skip
UNREADABLE = [
    *[
        pytest.param({field: value}, [field], id=f"{field} is {name}")
        for field, wrong in MISTYPED.items()
        for name, value in wrong.items()
    ],
    pytest.param({"dataSources": [FUNNEL, 5]}, ["dataSources[1]"], id="a source is a number"),
    pytest.param({"dataSources": [{"params": {}}]}, ["dataSources[0].sourceKey"], id="a source without its key"),
    pytest.param({"dataSources": [{"sourceKey": 5}]}, ["dataSources[0].sourceKey"], id="a source's key is a number"),
    pytest.param({"dataSources": [{"sourceKey": HUGE}]}, ["dataSources[0].sourceKey"], id="a source's key is huge"),
    pytest.param({"dataSources": [{**FUNNEL, "limit": 5}]}, ["dataSources[0].limit"], id="a source with more"),
    pytest.param({"dataSources": [{**FUNNEL, "params": []}]}, ["dataSources[0].params"], id="params are a list"),
    pytest.param({"dataSources": [{**FUNNEL, "params": None}]}, ["dataSources[0].params"], id="params are null"),
    pytest.param({"dataSources": [{**FUNNEL, "params": nested(50)}]}, ["dataSources[0].params"], id="params are deep"),
    pytest.param({"dataSources": [{**FUNNEL, "params": {"a": NUL}}]}, ["dataSources[0].params"], id="NUL in params"),
    pytest.param({"dataSources": [{**FUNNEL, "params": {SURROGATE: 1}}]}, ["dataSources[0].params"], id="half a pair"),
    pytest.param({"dataSources": [{**FUNNEL, "params": {"a": HUGE}}]}, ["dataSources[0].params"], id="huge params"),
    pytest.param({"dataSources": [{**FUNNEL, "params": {"a": list(range(2000))}}]}, ["dataSources[0].params"],
                 id="long params"),
    pytest.param({"sections": [{"title": "x", "dataSourceIndex": 0}]}, ["sections[0].id"], id="a section without id"),
    pytest.param({"sections": [{"id": "a"}]}, ["sections[0].title", INDEX], id="half a section"),
    pytest.param({"sections": [{**section("a"), "id": "a b"}]}, ["sections[0].id"], id="an id with a space"),
    pytest.param({"sections": [{**section("a"), "id": "../x"}]}, ["sections[0].id"], id="an id that climbs"),
    pytest.param({"sections": [{**section("a"), "title": ""}]}, ["sections[0].title"], id="no title"),
    pytest.param({"sections": [{**section("a"), "title": HUGE}]}, ["sections[0].title"], id="a huge title"),
    pytest.param({"sections": [{**section("a"), "dataSourceIndex": "0"}]}, ["sections[0].dataSourceIndex"], id="text"),
    pytest.param({"sections": [{**section("a"), "dataSourceIndex": True}]}, ["sections[0].dataSourceIndex"], id="true"),
    pytest.param({"sections": [{**section("a"), "dataSourceIndex": 0.0}]}, ["sections[0].dataSourceIndex"], id="0.0"),
    pytest.param({"sections": [{**section("a"), "dataSourceIndex": 10**30}]}, ["sections[0].dataSourceIndex"],
                 id="thirty digits"),
    pytest.param({"formats": [1]}, ["formats[0]"], id="a format is a number"),
    pytest.param({"formats": [["pdf"]]}, ["formats[0]"], id="a format is a list"),
    pytest.param({"formats": [HUGE]}, ["formats[0]"], id="a format is huge"),
    pytest.param({"narrative": {"on": True}}, ["narrative.on"], id="a narrative with more"),
    pytest.param({"narrative": {"enabled": "yes"}}, ["narrative.enabled"], id="enabled is text"),
    pytest.param({"narrative": {"prompt": 5}}, ["narrative.prompt"], id="the prompt is a number"),
    pytest.param({"narrative": {"prompt": "x" * 4001}}, ["narrative.prompt"], id="a long prompt"),
    pytest.param({"narrative": {"prompt": NUL}}, ["narrative.prompt"], id="NUL in the prompt"),
    pytest.param({"narrative": {"modelOverride": "a\nb"}}, ["narrative.modelOverride"], id="a model of two lines"),
    pytest.param({"filters": {"offers": []}}, ["filters.offers"], id="another filter"),
    pytest.param({"filters": {"destinations": "all"}}, ["filters.destinations"], id="destinations are text"),
    pytest.param({"filters": {"destinations": ["ops"]}}, ["filters.destinations[0]"], id="a destination is a name"),
    pytest.param({"filters": {"destinations": [None]}}, ["filters.destinations[0]"], id="a destination is null"),
    pytest.param({"filters": {"destinations": [NOBODYS] * 51}}, ["filters.destinations"], id="too many destinations"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "paths"), UNREADABLE)
def test_what_cannot_be_read_is_400_and_named_on_creation_and_in_a_patch(
    eve: Person, change: dict[str, Any], paths: list[str]
) -> None:
    client, kept = eve.api(), make_template(eve.tenant)

    created = post(client, {**BODY, **change})
    patched = patch(client, str(kept.pk), change)

    assert [(answer.status_code, named(answer)) for answer in (created, patched)] == [(400, paths)] * 2
    assert max(len(created.content), len(patched.content)) < 5_000
    assert ReportTemplate.objects.for_tenant(eve.tenant).count() == 1


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"5", b'"x"', b"{", b'{"name": "a", "name": "b"}', b"\xff"])
def test_a_body_that_is_none_is_400(eve: Person, body: bytes) -> None:
    answer = eve.api().post(PATH, body, content_type="application/json")

    assert (answer.status_code, "error" in answer.json()) == (400, True)


def test_a_body_of_megabytes_is_413(eve: Person) -> None:
    answer = eve.api().post(PATH, json.dumps({**BODY, "description": "x" * 3_000_000}), content_type="application/json")

    assert answer.status_code == 413


# --- roles, keys, strangers


def test_a_viewer_reads_and_does_not_write(bob: Person) -> None:
    template, client = make_template(bob.tenant), bob.api()

    statuses = [
        client.get(PATH).status_code, client.get(f"{PATH}/{template.pk}").status_code, post(client, BODY).status_code,
        patch(client, str(template.pk), {"name": "x"}).status_code, client.delete(f"{PATH}/{template.pk}").status_code,
    ]  # fmt: skip

    assert statuses == [200, 200, 403, 403, 403]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["reports:write"], [200, 201]),
        (["reports:read"], [200, 403]),
        (["alerts:write"], [403, 403]),
        ([], [200, 201]),
    ],
    ids=["write", "read", "another area", "no restriction"],
)
def test_a_restricted_key_needs_the_scope_of_reports(acme: Tenant, scopes: list[str], expected: list[int]) -> None:
    _, key = create_api_key(
        tenant=acme, name="CI", role=Role.EDITOR, scopes=scopes, actor=SYSTEM, now=timezone.now()
    )  # fmt: skip
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)

    assert [client.get(PATH).status_code, post(client, BODY).status_code] == expected


def test_nobody_reaches_it_without_credentials() -> None:
    assert [APIClient().get(PATH).status_code, post(APIClient(), BODY).status_code] == [401, 401]


@pytest.mark.parametrize("template_id", [NOBODYS, "7", "not-an-id", "%20", "..%2f..", "x" * 500])
def test_an_id_that_is_none_is_404(eve: Person, template_id: str) -> None:
    client = eve.api()
    path = f"{PATH}/{template_id}"

    answers = [client.get(path), client.patch(path, {}, format="json"), client.delete(path)]

    assert [answer.status_code for answer in answers] == [404] * 3


def test_another_tenants_template_is_404_on_every_method(eve: Person, charlie: Person) -> None:
    template = make_template(eve.tenant)
    client = charlie.api()
    path = f"{PATH}/{template.pk}"

    answers = [client.get(path), client.patch(path, {"name": "mine"}, format="json"), client.delete(path)]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert client.get(PATH).json()["data"] == []
    assert ReportTemplate.objects.for_tenant(eve.tenant).get().name == "Weekly"
