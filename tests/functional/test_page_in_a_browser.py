"""The page in a real Chromium: drawn, clicked, searched, in both themes, on a phone, by keyboard, printed."""

import shlex
import tomllib

import pytest
from pathspec import GitIgnoreSpec

from deployer.report.page import Fate, page
from tests.functional.browser import NEEDED, chromium, sync_api
from tests.unit.pages import HOSTILE, content, many, small

__all__ = ["chromium"]
pytestmark = NEEDED
DESK = {"viewport": {"width": 1280, "height": 900}}
TERMS = dict(
    zip(
        HOSTILE,
        ("<script>", "onerror", "onmouse", "&lt;", ".dat", "it's", "über", "break", "--keep"),
        strict=True,
    )
)
"""What finds each of them in the search."""
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The small package's page."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(content()), "utf-8")
    return path


@pytest.fixture
def opened(chromium, file):
    """Opens the page, offline; what it complains about and what it asks of the network fails the test."""
    contexts, troubles = [], []

    def at(path=file, fragment="", **options):
        context = chromium.new_context(offline=True, **{**DESK, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("request", lambda request: troubles.append(request.url) if request.url[:5] != "file:" else None)
        tab.goto(f"{path.as_uri()}{fragment}")
        tab.wait_for_selector("html[data-drawn]")
        return tab

    yield at
    for context in contexts:
        context.close()
    assert troubles == []


def cells(tab):
    """What the map shows, by the names that a screen reader says."""
    return tab.eval_on_selector_all("#map .cell", "cells => cells.map(cell => cell.getAttribute('aria-label'))")


def side(tab):
    """What is said of the chosen file or folder."""
    return tab.inner_text("#side")


def test_the_map_opens_by_distribution_and_tells_a_files_reason_and_evidence(opened):
    tab = opened()
    assert any(cell.startswith("numpy 2.0.0/numpy, folder, 10.1 MB") for cell in cells(tab))
    tab.click("[aria-label^='numpy 2.0.0/numpy, folder']", position={"x": 20, "y": 8})
    assert tab.inner_text("#crumbs strong") == "numpy"
    assert not any("pandas" in cell for cell in cells(tab))
    tab.click("[aria-label^='big.so']")
    assert "trimmed" in side(tab)
    assert "opened" in side(tab)
    assert "request 1f2e at start-up, 3 of 3 sandboxes" in side(tab)
    assert "9.0 MB" in side(tab)
    assert "4.5 MB" in side(tab)
    tab.go_back()
    tab.go_back()
    tab.wait_for_selector("#map [aria-label*='pandas']")  # the page is told of the address a moment later


def test_keep_this_gives_the_command_and_the_setting(opened):
    tab = opened(fragment="#numpy%202.0.0/numpy/fft/pocket.so")
    codes = tab.locator("#side code").all_inner_texts()
    assert codes == ["ldeploy shrink tiles \\\n  --keep '/numpy/fft/pocket.so'", 'keep = ["/numpy/fft/pocket.so"]']
    whole = opened(fragment="#pandas%202.2.2").locator("#side code").all_inner_texts()
    assert whole[0] == "ldeploy shrink tiles \\\n  --keep '/pandas/'"
    kept = opened(fragment="#numpy%202.0.0/numpy/core/used.py")
    assert kept.locator("#side code").count() == 0


def test_the_search_finds_paths_and_the_legend_hides(opened):
    tab = opened()
    tab.keyboard.press("/")
    tab.keyboard.type("EXCEL")
    assert tab.inner_text("#list-title") == "1 file with “EXCEL”"
    assert tab.inner_text("#rows tr td") == "pandas/io/excel.py"
    assert tab.locator("#map .cell.faint").count() > 0
    tab.click("#rows button")
    assert "never touched" in side(tab)
    tab.fill("#search", "")
    assert tab.locator("#map .cell.faint").count() == 0
    tab.click("#crumbs button >> nth=0")
    tab.click("#legend button:has-text('dropped')")
    assert not any(f", {Fate.DROPPED}," in cell for cell in cells(tab))
    assert tab.get_attribute("#legend button:has-text('dropped')", "aria-pressed") == "false"


def test_the_slim_package_is_another_map(opened):
    tab = opened()
    tab.click("[data-size=after]")
    assert any(cell.startswith("numpy 2.0.0/numpy, folder, 4.6 MB") for cell in cells(tab))
    assert not any("excel" in cell for cell in cells(tab))


def chosen(tab, name):
    """The file of this name, found by the search and clicked."""
    tab.fill("#search", TERMS[name])
    assert tab.locator("#rows tr").count() == 1, name
    tab.click("#rows button")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_and_its_rule_means_it_alone(opened, name):
    tab = opened()
    chosen(tab, name)
    if name.isprintable():
        assert name in tab.inner_text("#side .path")
        assert f"<b>{name}</b>" in side(tab)
    command, setting = tab.locator("#side code").all_inner_texts()
    (rule,) = tomllib.loads(setting)["keep"]
    assert shlex.split(command.replace("\\\n", "")) == ["ldeploy", "shrink", "tiles", "--keep", rule]
    spec = GitIgnoreSpec.from_lines([rule], backend="simple")  # as --keep is read
    assert [one.path for one in small() if spec.match_file(one.path)] == [name]
    assert tab.evaluate("window.ran") is None
    assert tab.locator("img, #package b b").count() == 0


def test_arrow_keys_move_enter_opens_and_escape_goes_up(opened):
    tab = opened()
    tab.focus("#map .cell[tabindex='0']")
    first = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") != first
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    sync_api.expect(tab.locator("#crumbs strong")).not_to_have_text("the package")
    for _ in tab.locator("#crumbs button").all():
        tab.keyboard.press("Escape")  # the focus stays in the map
    sync_api.expect(tab.locator("#crumbs strong")).to_have_text("the package")


def contrast(tab, selector):
    """The contrast of an element's text with what lies behind it, by WCAG 2."""
    return tab.eval_on_selector(
        selector,
        """element => {
            const parts = (color) => color.match(/[\\d.]+/g).map(Number);
            const light = (color) => parts(color).slice(0, 3).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            let behind = element;
            while (parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
            const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light);
            return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }""",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_can_be_read_and_be_chosen(opened, scheme):
    tab = opened(color_scheme=scheme)
    for fate in Fate:
        assert contrast(tab, f"#legend button:has-text('{fate}')") >= 4.5
        tab.evaluate(f"document.querySelector('#side h3').className = 'f-{fate}'")
        assert contrast(tab, "#side h3") >= 4.5
    for selector in ("h1", ".quiet", ".note", "#rows button", ".tile .was"):
        assert contrast(tab, selector) >= 4.5, selector
    ground = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    tab.click("#theme")
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") != ground


def test_a_fate_is_told_without_colour(opened):
    tab = opened()
    looks = {
        tab.eval_on_selector(
            f".swatch.f-{fate}", "one => getComputedStyle(one).backgroundImage + getComputedStyle(one).borderStyle"
        )
        for fate in Fate
    }
    assert len(looks) == len(Fate)


def test_a_phone_shows_it_without_scrolling_sideways(opened):
    tab = opened(**PHONE)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.tap("[aria-label^='numpy 2.0.0/numpy, folder']", position={"x": 10, "y": 6})
    assert tab.inner_text("#crumbs strong") == "numpy"


def test_it_prints_with_its_patterns_and_without_its_tools(opened):
    tab = opened(color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="light")
    assert not tab.is_visible("#search")
    assert tab.is_visible("#map .cell >> nth=0")
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.pdf()[:5] == b"%PDF-"


def test_without_scripts_every_figure_is_there(chromium, file):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    text = tab.inner_text("body")
    context.close()
    for figure in (
        "6.3 MB",
        "460 ms",
        "What each step saved",
        "needs JavaScript",
        "1,200 invocations, 3 errors, 1 time-out",
    ):
        assert figure in text


def test_a_package_of_50_000_files_is_drawn_and_searched(opened, tmp_path):
    path = tmp_path / "big.html"
    path.write_text(page(content(tuple(many(50_000)))), "utf-8")
    tab = opened(path)
    assert 40 < len(cells(tab)) < 1500
    tab.fill("#search", "package_7/")
    assert "1,258 files" in tab.inner_text("#list-title")
