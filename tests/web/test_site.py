"""What the site does: search, menu, colours, keyboard, without scripts, from disk, on paper."""

import re

import pytest

from ..book.pages import HTML

CHAPTER, LANDING = "book/03-algorithm.html", "book/index.html"
PHONE = 390

# What a learner sees, and the section that must come first or second.
SYMPTOMS = {
    "eval output still changes": "i-called-eval-why-does-the-output-still-change",
    "LSTM dropout has no effect": "why-does-the-dropout-argument-of-nn-lstm-change-nothing",
    "attention weights do not sum to 1": "why-do-my-attention-weights-no-longer-sum-to-1",
    "slower training": "does-dropout-make-training-slower",
    "zeros at p = 0 in bfloat16": "why-are-elements-zeroed-at-p-0-in-bfloat16",
    "torch.compile different masks": "why-does-torch-compile-drop-other-units-than-eager-mode",
    "backward fails in evaluation": "why-does-backward-fail-only-when-p-is-0-or-in-evaluation",
}


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_search_finds_a_symptom(visit, symptom):
    page = visit(LANDING)
    page.keyboard.press("Control+k")
    page.keyboard.type(symptom)
    page.keyboard.press("Enter")
    page.wait_for_selector(".search-results")
    links = page.locator(".search-results a").evaluate_all(
        "(all) => all.map((a) => a.hash)"
    )
    assert "#" + SYMPTOMS[symptom] in links[:2]
    page.locator(".search-results a").first.click()
    page.locator(":target").wait_for(state="visible")


def test_search_without_a_result_says_so(visit):
    page = visit("search.html?q=xyzzy")
    assert page.get_by_role("heading", name="Nothing found for “xyzzy”").is_visible()


def test_search_does_not_run_what_it_is_given(visit):
    page = visit("search.html?q=%3Cimg src=x onerror=alert(1)%3E dropout")
    assert page.locator("#search-results img").count() == 0


def test_menu_and_contents_on_a_phone(visit):
    page = visit(CHAPTER, width=PHONE)
    for button, box in (("Menu", "#site-menu"), ("On this page", "#page-contents")):
        assert not page.locator(box).is_visible()
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        assert page.locator(box).is_visible()
        page.keyboard.press("Escape")
        assert not page.locator(box).is_visible()
    page.get_by_role("button", name="Menu").click()
    page.locator("#site-menu").get_by_role("link", name="Glossary").click()
    assert page.url.endswith("glossary.html")


def test_colours_are_chosen_and_kept(visit):
    page = visit(LANDING, theme="light")
    button = page.locator("[data-do=theme]")
    seen = []
    for _ in range(3):
        seen.append(button.get_attribute("aria-label"))
        button.click()
    assert seen == [
        "Colours: as the system has them", "Colours: light", "Colours: dark",
    ]  # fmt: skip
    button.click()
    button.click()
    page.goto(page.url.replace("index", "glossary"))
    assert page.locator("html").get_attribute("data-theme") == "dark"
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", paper)[:3])) < 60


@pytest.mark.parametrize("path", [LANDING, CHAPTER, "search.html"])
def test_keyboard_reaches_every_control(visit, path):
    page = visit(path)
    page.evaluate("document.activeElement.blur()")
    count = page.evaluate(
        """() => { const all = [...document.querySelectorAll(
            "a[href], button, input, select, summary, [tabindex='0']")]
            .filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled
                && (e.type !== "radio" || e.checked)); // arrow keys lead to the others
            all.forEach((e, i) => (e.dataset.walk = i)); return all.length; }"""
    )
    reached = set()
    for _ in range(count + 20):
        page.keyboard.press("Tab")
        at, outlined = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [e.dataset.walk, s.outlineStyle !== "none" || s.boxShadow !== "none" || e.outerHTML]; }"""
        )
        if at is not None:
            assert outlined is True, "the focus does not show"
            reached.add(int(at))
    names = page.evaluate(
        """(reached) => [...document.querySelectorAll("[data-walk]")]
            .filter((e) => !reached.includes(+e.dataset.walk)).map((e) => e.outerHTML.slice(0, 120))""",
        sorted(reached),
    )
    assert count > 10 and names == []


def test_copy_button_copies_a_cell(visit):
    page = visit(CHAPTER, permissions=["clipboard-read", "clipboard-write"])
    cell = page.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_terms_show_their_meaning(visit):
    page = visit(CHAPTER)
    term = page.locator("a[data-meaning]", has_text="keep mask").first
    assert "True where an element is kept" in term.get_attribute("data-meaning")
    shown = "(e) => getComputedStyle(e, '::after').content"
    assert term.evaluate(shown) == "none"
    term.hover()
    assert "True where an element is kept" in term.evaluate(shown)


def test_a_link_into_a_folded_solution_opens_it(visit):
    page = visit(CHAPTER)
    folded = page.locator("details.solution").first
    assert folded.get_attribute("open") is None
    page.goto(f"{page.url}#{folded.get_attribute('id')}")
    assert folded.get_attribute("open") is not None


def test_readable_without_scripts(visit):
    page = visit(CHAPTER, java_script_enabled=False)
    article = page.locator("article")
    assert article.inner_text().count("\n") > 200
    assert article.locator("math").first.bounding_box()["width"] > 2
    picture = article.locator("figure img").first
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["height"] > 100
    assert page.locator(".needs-script").first.is_hidden()
    assert page.locator("#site-menu").get_by_role("link", name="Glossary").is_visible()
    solution = article.locator("details.solution").first
    solution.locator("summary").click()
    assert solution.locator("p").first.is_visible()


def test_menu_works_on_a_phone_without_scripts(visit):
    page = visit(LANDING, width=PHONE, java_script_enabled=False)
    page.get_by_role("button", name="Menu").click()
    assert page.locator("#site-menu").get_by_role("link", name="Glossary").is_visible()


def test_works_from_disk(visit, wait_until):
    page = visit("index.html", base=HTML.as_uri())
    page.wait_for_url("**/book/index.html")
    page.locator("#site-menu").get_by_role("link", name="3. The core algorithm").click()
    page.wait_for_url("**/book/03-algorithm.html")
    wait_until(page, "document.fonts.check('1em \"Book Math\"')")
    page.locator("#site-menu input").fill("siamese network same mask")
    page.keyboard.press("Enter")
    page.wait_for_selector(".search-results")
    page.locator(".search-results a").first.click()
    assert "siamese" in page.locator(":target h3").inner_text()


def test_nothing_to_press_on_paper(visit):
    page = visit(CHAPTER)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for hidden in ("#site-menu", "#page-contents", ".page-bar", ".prev-next", ".copybtn"):
        assert page.locator(hidden).first.is_hidden(), hidden
    assert page.locator("details.solution p").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.solution").first.get_attribute("open") is None


def test_previous_and_next_walk_through_the_book(visit):
    page = visit(LANDING)
    walked = []
    while page.locator(".to-next").count():
        page.locator(".to-next").click()
        page.wait_for_load_state("domcontentloaded")
        walked.append(page.url.rsplit("/", 1)[1])
    menu = page.locator("#site-menu nav a").evaluate_all(
        "(all) => all.map((a) => a.pathname.split('/').pop())"
    )
    assert walked == menu
    page.locator(".to-previous").click()
    assert page.url.endswith(walked[-2])


def test_notebook_download(visit):
    page = visit(CHAPTER)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download this notebook").click()
    assert download.value.suggested_filename == "03-algorithm.ipynb"


def test_missing_page_leads_back(visit):
    page = visit("404.html")
    assert "Nothing here" in page.locator("h1").inner_text()
    # It may stand for any address, so its own must not depend on where it is shown.
    addresses = page.locator(
        "link[rel=stylesheet], script[src], #site-menu a"
    ).evaluate_all(
        "(all) => all.map((e) => e.getAttribute('href') ?? e.getAttribute('src'))"
    )
    assert addresses and all(a.startswith("/") for a in addresses), addresses
    page.locator("#site-menu").get_by_role("link", name="Glossary").click()
    assert page.locator("h1").inner_text().startswith("Glossary")
