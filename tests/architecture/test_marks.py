"""The marks that every file keeps: small, documented, without hidden imports, and with tests beside it."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from tests.architecture.sources import PACKAGES, REPOSITORY, Function, Source, product, suite

LONGEST_FILE, LONGEST_FUNCTION = 300, 40
# A ratchet: raise it whenever the suite has grown past it. The mark to pass is 1.5.
TESTS_PER_SOURCE = 1.0

# Where a broad `except` ends a failure instead of raising it on, and why: the loop, and tenants that stand apart.
BROAD_EXCEPTS = {
    "kaireon/platform/loops.py": "a loop outlives every failure of one step",
    "alerts/services/settling.py": "one tenant's failure stops no other's",
    "kaireon/cron.py": "one subsystem's failure stops no other's",
    "kaireon/platform/notifications/services/destinations.py": "one listener's failure stops no other delivery",
    "alerts/services/ticking.py": "one tenant's failure stops no other's",
    "reports/services/ticking.py": "one schedule's failure stops no other's",
    "reports/services/running.py": "one report's failure stops no other's",
    "reports/services/isolating.py": "one run's failure stops no other's",
    "flows/services/isolating.py": "one run's failure stops no other's",
    "flows/services/running.py": "one run's failure stops no other's",
    "triggers/services/deciding.py": "one schedule's failure stops no other's",
    "triggers/services/isolating.py": "one trigger's, folder's or file's failure stops no other's",
    "triggers/services/releasing.py": "one held occurrence's failure stops no other's",
    "triggers/services/syncing.py": "one pipeline's failure stops no other's",
    "triggers/services/ticking.py": "one part's failure stops no other part of a tick",
    "kaireon/management/commands/tick.py": "the failure of flows stops neither alerts nor reports",
    "reports/dashboards/reading.py": "one section's failure takes no page down",
}
# Read by a library, a shell or the launcher instead of the settings.
NOT_READ_BY_SETTINGS = {"KAIREON_USER_PASSWORD", "AWS_REGION"}
VAGUE_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|manager|handler|misc|stuff)(_|\.py$|/)")


def failing(sources: list[Source], check: Callable[[Source], Iterator[str]]) -> str:
    """Return what a check finds in the sources, a line each."""
    return "\n".join(f"{source.path}: {finding}" for source in sources for finding in check(source))


def test_no_file_is_longer_than_300_lines() -> None:
    long = {source.path: source.lines for source in [*product(), *suite()] if source.lines > LONGEST_FILE}

    assert {path: lines for path, lines in long.items() if not path.startswith("tests/")} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    def long(source: Source) -> Iterator[str]:
        for function in source.functions():
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{function.name} has {lines} lines"

    found = failing(product(), long)

    assert not found, found


def test_every_module_has_a_docstring() -> None:
    empty_allowed = {source.path for source in product() if not source.text.strip() and "/management/" in source.path}
    bare = [
        source.path for source in [*product(), *suite()] if source.text.strip() and not ast.get_docstring(source.tree)
    ]
    blank = [source.path for source in product() if not source.text.strip() and source.path not in empty_allowed]

    assert bare + blank == []


def test_every_service_and_every_decision_has_a_docstring() -> None:
    def bare(source: Source) -> Iterator[str]:
        for definition in source.public_definitions():
            if not ast.get_docstring(definition):
                yield definition.name

    found = failing([source for source in product() if source.is_of("services") or source.is_of("decisions")], bare)

    assert not found, found


def test_services_are_called_by_keyword() -> None:
    def positional(source: Source) -> Iterator[str]:
        for definition in source.public_definitions():
            if isinstance(definition, Function) and len(definition.args.args) > 2:
                yield definition.name

    modules = [source for source in product() if source.path.endswith("/services.py")]
    found = {f"{source.path}: {finding}" for source in modules for finding in positional(source)}

    # Reads like the logger's method that it stands beside.
    assert found == {"kaireon/platform/telemetry/services.py: log_failure"}


def test_no_import_hides_in_a_function() -> None:
    def hidden(source: Source) -> Iterator[str]:
        for function in source.functions():
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"line {node.lineno} in {function.name}"

    found = failing([*product(), *suite()], hidden)

    assert not found, found


def test_decisions_read_no_clock_and_import_nothing_that_acts() -> None:
    acting = re.compile(r"^(django|rest_framework|psycopg|requests|time|socket|subprocess|os|pathlib|secrets)(\.|$)")

    def impure(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from (f"imports {name}" for name in names if acting.match(name))
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                yield f"reads the clock in line {node.lineno}"

    found = failing([source for source in product() if source.is_of("decisions")], impure)

    assert not found, found


def test_services_are_given_the_time() -> None:
    def reads_clock(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node).startswith(
                ("timezone.now", "datetime.now", "datetime.utcnow", "date.today")
            ):
                yield f"line {node.lineno}: {ast.unparse(node)}"

    sources = [source for source in product() if source.is_of("services") and source.path not in CLOCKS]
    found = failing(sources, reads_clock)

    assert not found, found


# Work that takes longer than its caller's `now` stays true.
CLOCKS = {"kaireon/platform/vault/services.py": "stamps the rows that a rotation of hours rewrites"}


def test_a_broad_except_stands_only_where_a_reason_does() -> None:
    def broad(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.ExceptHandler)
                and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
                and ast.unparse(node.body[-1]) != "raise"
            ):
                yield f"line {node.lineno}"

    found = {source.path: list(broad(source)) for source in product()}

    assert {path for path, lines in found.items() if lines} == set(BROAD_EXCEPTS)


def test_a_broad_except_logs_with_its_trace() -> None:
    sources = {source.path: source for source in product()}

    assert [
        path
        for path in BROAD_EXCEPTS
        if not re.search("exc_info|exception|log_failure|in_one_line", sources[path].text)
    ] == []


def test_no_name_is_a_drawer_for_anything() -> None:
    assert [source.path for source in [*product(), *suite()] if VAGUE_NAMES.search(source.path)] == []


def test_nothing_happens_in_save_and_nothing_by_signal() -> None:
    def hidden(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                is_model = any(ast.unparse(base).endswith("Model") for base in node.bases)
                names = {item.name for item in node.body if isinstance(item, Function)}
                if is_model and names & {"save", "delete"}:
                    yield f"{node.name} overrides save or delete"
            if isinstance(node, ast.ImportFrom) and "signals" in (node.module or ""):
                yield f"line {node.lineno} imports signals"

    found = failing(product(), hidden)

    assert not found, found


def test_whole_rows_are_never_saved() -> None:
    def whole(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save":
                keywords = {keyword.arg for keyword in node.keywords}
                if not keywords & {"update_fields", "force_insert", "using"}:
                    yield f"line {node.lineno}: {ast.unparse(node)}"

    found = failing([source for source in product() if "forms" not in source.path], whole)

    assert not found, found


# Ways around the scope of a tenant's rows that the query set cannot see, and why each is safe.
PAST_THE_SCOPE = {
    "kaireon/platform/tenancy/scoping.py": "declares it",
    "kaireon/platform/notifications/selectors.py": "a statement that names the tenant",
    "outbox/models.py": "the publisher tier serves every tenant; pages and API read through the scope",
    "reports/services/queueing.py": "both sides are read across tenants, joined by the schedule",
    "triggers/services/leasing.py": "a tick lists the folders of all tenants, and of one only where it says so",
    "triggers/services/sharing.py": "both sides are read across tenants, joined by the tenant and the file",
    "kaireon/platform/health/selectors.py": "receipts have no tenant; they are read beside their alerts",
}


def test_the_scope_of_a_tenants_rows_is_passed_only_where_a_reason_stands() -> None:
    pattern = re.compile(r"\b(Exists|Subquery)\(|\.unscoped\b|\b_base_manager\b|unscoped = |\.raw\(")

    assert {source.path for source in product() if pattern.search(source.text)} == set(PAST_THE_SCOPE)


# --- Configuration


def read_variables() -> set[str]:
    """Return every variable that the product reads from its environment; `X_FILE` stands for a secret's X."""
    typed = r"(?:env|ENVIRON)\.(?:get|str|bool|int|float|secret|number|words|choice|switch|rate)"
    readers = rf"(?:{typed}|environ\.get|environ|getenv|\.secret|\.number)"
    pattern = re.compile(readers + r"[(\[]\s*f?\"([A-Z][A-Z0-9_]+)\"")
    found = {name for source in product() for name in pattern.findall(source.text)}
    constants = {
        value
        for source in product()
        for value in re.findall(r"^[A-Z_]+ = \"(KAIREON_[A-Z_]+)\"", source.text, re.MULTILINE)
    }
    found |= constants
    return {name for name in found if name.removesuffix("_FILE") not in found - {name}}


def listed_variables() -> set[str]:
    """Return the variables of .env.example."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


# Set by the product for libraries or by the launcher for its children, never by an operator.
OURS_ALONE = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "KAIREON_TESTING", "PYTHONUNBUFFERED", "PATH"}


def test_every_variable_that_is_read_is_in_the_example_file() -> None:
    assert read_variables() - listed_variables() - OURS_ALONE == set()


def test_every_variable_of_the_example_file_is_read() -> None:
    launcher = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in ("Makefile", "Procfile"))
    shells = {name for name in listed_variables() if re.search(rf"\b{name}\b", launcher)}

    assert listed_variables() - read_variables() - shells - NOT_READ_BY_SETTINGS == set()


# --- Tests


def test_there_are_no_fewer_lines_of_tests_for_a_line_of_source_than_before(capsys: pytest.CaptureFixture[str]) -> None:
    lines = {
        name: sum(source.code_lines for source in sources)
        for name, sources in (("test", suite()), ("source", product()))
    }

    with capsys.disabled():
        ratio = lines["test"] / lines["source"]
        sys.stdout.write(f"\n{lines['test']:,} lines of tests : {lines['source']:,} of source = {ratio:.2f}\n")
    assert ratio >= TESTS_PER_SOURCE


def test_every_model_has_suite() -> None:
    texts = "\n".join(source.text for source in suite() if not source.path.startswith("tests/architecture/"))
    ours = [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]

    assert Group not in ours
    assert [model.__name__ for model in ours if not re.search(rf"\b{model.__name__}\b", texts)] == []


def test_test_names_finish_a_sentence() -> None:
    short = [
        f"{source.path}: {function.name}"
        for source in suite()
        if "/test_" in source.path
        for function in source.tree.body
        if isinstance(function, Function)
        and function.name.startswith("test_")
        and len(function.name) < len("test_it_is_so")
    ]

    assert short == []


def test_no_test_patches_requests_or_the_orm() -> None:
    pattern = re.compile(r"(mock\.patch|unittest\.mock|monkeypatch\.setattr\(requests|monkeypatch\.setattr\(.*objects)")

    assert [source.path for source in suite() if pattern.search(source.text) and "test_marks" not in source.path] == []


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout
