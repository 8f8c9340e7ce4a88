"""The built site on a strict file server, and a real Chromium to look at it with."""

import functools
import http.server
import shutil
import threading
from urllib.parse import urlsplit

import pytest

from ..book.pages import HTML

# What the site is served under in every test: only its own files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'"
)

NO_BROWSER = "no Chromium here: apt-get install chromium (or install Chrome), run again"


class Handler(http.server.SimpleHTTPRequestHandler):
    """A silent file server that sends the content security policy."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    """The address of the built site, without a slash at its end."""
    if not (HTML / "index.html").exists():
        pytest.skip("there is no built book: run make book")
    handler = functools.partial(Handler, directory=HTML)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chromium():
    """One running browser for all tests."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(NO_BROWSER)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # As root, in a container, Chromium starts only without its sandbox.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def wait_until():
    """Wait for an expression to be true. Playwright's own wait evaluates a string inside
    the page when it has to ask twice, which the policy forbids."""

    def wait(page, expression):
        for _ in range(400):
            if page.evaluate(expression):
                return
            page.wait_for_timeout(25)
        raise AssertionError(f"never true: {expression}")

    return wait


@pytest.fixture
def visit(chromium, site):
    """Open pages: visit("book/index.html", theme="dark", width=390, **of the context).

    When the test ends, no page may have logged an error, broken the content security
    policy, failed to get a file or asked another host for one.
    """
    contexts, problems = [], []

    def open_page(path, *, theme="light", width=1280, height=900, base=None, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, **options
        )
        contexts.append(context)
        page = context.new_page()
        watch(page, problems)
        page.goto(f"{base or site}/{path}")
        return page

    def watch(page, problems):
        def check(request):
            address = urlsplit(request.url)
            local = address.scheme in ("data", "blob", "file")
            if not local and address.netloc != urlsplit(site).netloc:
                problems.append(f"foreign request: {request.url}")

        page.on("request", check)
        # What a page still asks for while the reader leaves it is aborted, not failed.
        page.on(
            "requestfailed",
            lambda r: (
                r.failure != "net::ERR_ABORTED" and problems.append(f"failed: {r.url}")
            ),
        )
        page.on("pageerror", lambda e: problems.append(f"error: {e}"))
        page.on(
            "response",
            lambda r: r.status >= 400 and problems.append(f"{r.status}: {r.url}"),
        )
        page.on(
            "console",
            lambda m: (
                m.type in ("error", "warning") and problems.append(f"{m.type}: {m.text}")
            ),
        )

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, "\n".join(dict.fromkeys(problems))
