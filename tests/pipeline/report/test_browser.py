from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from pipeline.report.wording import short
from tests.pipeline.report.conftest import Reported
from tests.pipeline.report.materials import HOSTILE

# Images that failed to load or are told in no words, drawings without a name, and words that fell out of a drawing.
WITHOUT_WORDS = """
[...document.images].filter(image => !image.alt || !image.naturalWidth).length
+ [...document.querySelectorAll("svg")].filter(drawing => !(drawing.ariaLabelledByElements
    ?? drawing.getAttribute("aria-labelledby").split(" ").map(id => document.getElementById(id)))
    .every(element => element && element.textContent)).length
"""
# The contrast of the page's text with its background (WCAG 2).
CONTRAST = """() => {
  const style = getComputedStyle(document.body);
  const luminance = color => color.match(/[\\d.]+/g).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const both = [style.color, style.backgroundColor].map(luminance).sort((a, b) => b - a);
  return (both[0] + 0.05) / (both[1] + 0.05);
}"""


def opened(browser: Browser, path: Path, width: int = 1280, **options: Any) -> tuple[Page, list[str]]:
    """The page, and what the browser complains of, requests for anything else included."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: None if request.url.startswith("data:") else complaints.append(request.url))
    page.goto(path.as_uri())
    return page, [complaint for complaint in complaints if complaint != path.as_uri()]


def pages(reported: Reported) -> list[Path]:
    paths = [reported.report(outcome) for outcome in (reported.pushed, reported.refused, reported.stopped)]
    return [*paths, paths[0].with_name("index.html")]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_whole(reported: Reported, browser: Browser, width: int, scheme: Any) -> None:
    """On a desk and on a telephone nothing runs over the edge, nothing is complained of, nothing is fetched."""
    for path in pages(reported):
        page, complaints = opened(browser, path, width, color_scheme=scheme)
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(WITHOUT_WORDS) == 0
        assert page.evaluate(CONTRAST) > 7
        page.close()


def test_without_scripts(reported: Reported, browser: Browser) -> None:
    """The page has none: with scripts switched off it says the same."""
    path = reported.report(reported.pushed)
    (page, _), (without, _) = opened(browser, path), opened(browser, path, java_script_enabled=False)
    assert page.locator("script").count() == 0
    assert without.locator("main").inner_text() == page.locator("main").inner_text()
    page.close()
    without.close()


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_are_text(reported: Reported, browser: Browser, label: str) -> None:
    """In tables, drawings and under pictures they read as they are, and are no elements."""
    page, complaints = opened(browser, reported.report(reported.pushed))
    assert complaints == []
    assert page.locator("section#classes td:first-child").get_by_text(label, exact=True).count() == 1
    drawn = page.locator("section#data svg text").all_text_contents()
    assert short(label, 18) in drawn
    assert page.locator("b").count() == 0
    page.close()


def test_dark_and_light(reported: Reported, browser: Browser) -> None:
    """The page follows the reader's scheme, and its drawings do with it."""
    found = {}
    for scheme in ("light", "dark"):
        page, _ = opened(browser, reported.report(reported.pushed), color_scheme=scheme)
        line = page.locator("section#learning-curves svg path[style*='--series-1']").first
        colors = [page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")]
        colors += [line.evaluate("line => getComputedStyle(line).stroke")]
        colors += [page.locator("svg").first.evaluate("drawing => getComputedStyle(drawing).color")]
        found[scheme] = colors
        page.close()
    assert all(light != dark for light, dark in zip(found["light"], found["dark"], strict=True))


def test_print(reported: Reported, browser: Browser, tmp_path: Path) -> None:
    """On paper the page is light whatever the screen is, unfolded, and without its list of sections."""
    page, _ = opened(browser, reported.report(reported.pushed), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("body").evaluate("body => getComputedStyle(body).color") == "rgb(28, 29, 31)"
    assert not page.locator("nav").is_visible()
    assert page.locator("pre").evaluate("text => text.getBoundingClientRect().height") > 100
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.close()


def test_the_index_leads_to_the_reports(reported: Reported, browser: Browser) -> None:
    """Each run that is linked can be opened, and leads back."""
    page, _ = opened(browser, pages(reported)[-1])
    page.get_by_role("link", name=reported.pushed.json["run_id"]).click()
    assert page.locator("h1").inner_text() == f"Pushed as version {reported.pushed.json['pushed_version']}"
    page.get_by_role("link", name="all runs").click()
    assert page.locator("h1").inner_text() == f"Version {reported.pushed.json['pushed_version']} is live"
    page.close()
