"""Chromium for the whole session, a signed-in page per test, and everything the browser complained about."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from interactions.models import DecisionTrace
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_tenant, create_user
from tests.people import PASSWORD
from tests.servers import Receiver

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
]  # fmt: skip
EMAIL = "admin@acme.example"
WIDER_THAN_PAGE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const inBox = (element) => element.closest(".k-scroll, [data-simplebar]") !== null;
  return Array.from(document.querySelectorAll("body *"))
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1 && !inBox(element))
    .map((element) => element.outerHTML.slice(0, 120));
}"""


def named(window: tuple[int, str]) -> str:
    """Return how a test is called after its window."""
    return f"{window[0]}-{window[1]}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run Chromium; where it is missing, skip and name it, except in CI."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("Debian's chromium is not installed; .ci/run installs it")
        pytest.skip("needs the program chromium")
    # Playwright's synchronous API keeps an event loop in this thread, which Django takes for an async caller.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@dataclass
class Window:
    """A page with what the browser complained about."""

    page: Page
    base: str
    width: int = 1280
    theme: str = "light"
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Keep every console error and uncaught exception."""
        self.page.on("console", lambda entry: self._keep(entry.type, entry.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _keep(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def open(self, path: str) -> None:
        """Go to a path of ours and wait until its late parts have arrived."""
        self.page.goto(self.base + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has loaded and no fragment is on its way."""
        self.page.wait_for_load_state("load")
        self.page.wait_for_function("document.querySelector('.htmx-request') === null")

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> None:
        """Sign in through the form."""
        self.open("/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Overview", level=1).wait_for()
        self.settle()

    def too_wide(self) -> list[str]:
        """Return what makes the page scroll sideways; nothing when it does not."""
        return [str(element) for element in self.page.evaluate(WIDER_THAN_PAGE)]

    def serious_issues(self) -> list[str]:
        """Return what axe-core finds serious or critical on the page as it stands."""
        self.page.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{issue['id']}: {node['html'][:160]}"
            for issue in found["violations"]
            if issue["impact"] in {"serious", "critical"}
            for node in issue["nodes"]
        ]


def drop_tables_of_tenants() -> None:
    """Drop what pipelines and schemas made in PostgreSQL: no flush knows these tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname LIKE 't\\_%' OR nspname = 'dlq'")
        found = [f"SCHEMA {name}" for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'ds\\_%'"
        )
        found += [f"TABLE public.{name}" for (name,) in cursor.fetchall()]
        for each in found:
            cursor.execute(f"DROP {each} CASCADE")


@pytest.fixture
def tenant(transactional_db: None) -> Iterator[Tenant]:
    """Yield a tenant with its defaults, an admin, and decisions of the last day, one in three degraded lately."""
    now = timezone.now()
    tenant = create_tenant(name="Acme Bank", now=now)
    create_user(email=EMAIL, password=PASSWORD, tenant=tenant, role=Role.ADMIN, now=now)
    DecisionTrace.objects.bulk_create(
        DecisionTrace(
            tenant=tenant, idempotency_key=str(new_id()), customer_id="c-1",
            occurred_at=now - timedelta(minutes=7 * number, seconds=5),
            degraded_scoring=number < 10 and number % 3 == 0,
            after_qualification=10, after_contact_policy=10, final_count=3, selected_count=1, total_latency_ms=20.0,
        )
        for number in range(200)
    )  # fmt: skip
    yield tenant
    drop_tables_of_tenants()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Run a webhook server whose address tenants may use."""
    server = Receiver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [server.place]
    yield server
    server.close()


@pytest.fixture
def window(browser: Browser, live_server: Any, tenant: Tenant, request: pytest.FixtureRequest) -> Iterator[Window]:
    """Open a window; its width and theme are the test's parameter. It closes before the tenant is taken away."""
    width, theme = getattr(request, "param", (1280, "light"))
    scheme: Literal["dark", "light"] = "dark" if theme == "dark" else "light"
    context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(15_000)
    opened = Window(context.new_page(), live_server.url, width, theme)
    opened.listen()
    yield opened
    context.close()
