"""The built site in a real browser; screenshots of the pages are left in artifacts/site."""

import os
import re
import shutil
from pathlib import Path

import pytest
from support.headless_chromium import Chromium
from support.tiny_benchmark import ABLATIONS, METHODS

from text2pixels import layout

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (Debian: apt install chromium)"),
]

SCREENSHOTS = Path(__file__).parents[2] / "artifacts/site"
LAYERS = "[...document.querySelectorAll('.pane > *')]"
TRANSFORMS = f"{LAYERS}.map((layer) => new DOMMatrix(getComputedStyle(layer).transform)).map((m) => [m.a, m.e, m.f])"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """The browser; what the test opens in it may not fail, nor ask for anything outside the disk."""
    chromium.problems.clear()
    chromium.addresses.clear()
    chromium.look(1280)
    yield chromium
    assert not chromium.problems
    assert not [address for address in chromium.addresses if not address.startswith(("file:", "data:"))]


@pytest.fixture
def site(made):
    return made[0] / layout.SITE


def _columns(browser, table, place):
    rows = f"[...document.querySelector('{table}').tBodies[0].rows]"
    return browser.value(f"{rows}.map((row) => [row.cells[0].textContent, row.cells[{place}].dataset.value])")


def test_a_click_on_a_heading_sorts_by_it_and_a_second_click_turns_it_round(browser, site):
    browser.open(site / "simulator.html")
    headings = browser.texts("table.sortable:first-of-type thead th")
    place = next(place for place, text in enumerate(headings) if text.startswith("EN"))
    before = _columns(browser, "table.sortable", place)
    heading = f"table.sortable thead th:nth-child({place + 1})"
    values = sorted((float(value) for _, value in before), reverse=True)
    assert len(set(values)) > 1
    browser.click(f"{heading} button")
    after = _columns(browser, "table.sortable", place)
    assert [float(value) for _, value in after] == values
    browser.click(f"{heading} button")
    turned = _columns(browser, "table.sortable", place)
    assert [float(value) for _, value in turned] == values[::-1]
    assert sorted(before) == sorted(after) == sorted(turned)
    assert after != turned
    assert browser.value(f"document.querySelector('{heading}').ariaSort") == "ascending"


def test_what_is_lower_when_better_is_sorted_lowest_first_and_what_is_undefined_stays_last(browser, site):
    browser.open(site / "simulator.html")
    names = [re.match(r"[\w-]+", text)[0] for text in browser.texts("table.sortable:first-of-type thead th")]
    for name, bestward in (("MSE", 1), ("SCD", -1)):
        number = names.index(name) + 1
        button = f"table.sortable thead th:nth-child({number}) button"
        cells = f"table.sortable:first-of-type tbody td:nth-child({number})"
        for sign in (bestward, -bestward):
            browser.click(button)
            values = [float(value) for value in browser.texts(cells) if value != "–"]
            assert values == sorted(values, key=lambda value: sign * value), name
            assert all(value == "–" for value in browser.texts(cells)[len(values) :]), name


def test_intervals_show_without_a_mouse(browser, site):
    browser.open(site / "index.html")
    content = "getComputedStyle(document.querySelector('td[title*=interval]'), '::after').content"
    assert browser.value(content) == "none"
    browser.value("document.querySelector('button.notes').focus()")
    browser.key("Enter")
    assert re.fullmatch(r'"\[\d+\.\d+, \d+\.\d+\]"', browser.value(content))


def _shares(browser):
    """Return the divider's place and what each pane shows, in percent of the width."""
    browser.value("new Promise(requestAnimationFrame)")
    clips = browser.value("[...document.querySelectorAll('.pane')].map((pane) => pane.style.clipPath)")
    right_cut, left_cut = (re.findall(r"[\d.]+", clip) for clip in clips)
    place = browser.value("parseFloat(document.querySelector('.divider').style.left)")
    return place, 100 - float(right_cut[1]), float(left_cut[3])


def test_the_divider_follows_mouse_and_keys_and_both_sides_meet_at_it(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    assert _shares(browser) == (50, 50, 50)
    browser.drag(browser.place(".stage"), browser.place(".stage", 0.25))
    place, left, right = _shares(browser)
    assert place == left == right == pytest.approx(25, abs=1)
    browser.value("document.querySelector('.stage').focus()")
    browser.key("ArrowRight")
    assert _shares(browser) == (place + 2, place + 2, place + 2)


def test_zoom_and_pan_move_both_sides_alike(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    browser.click("[name=boxes]")
    browser.click("button.chip")
    browser.screenshot(_shot("viewer"))
    for beside in (False, True):
        if beside:
            browser.click("[name=beside]")
        browser.click("[name=reset]")
        assert browser.value(TRANSFORMS) == [[1, 0, 0]] * 6
        browser.wheel(browser.place(".stage", 0.9, 0.3), down=-100)
        browser.value("new Promise((done) => setTimeout(done, 100))")
        browser.click("[name=in]")
        zoomed = browser.value(TRANSFORMS)
        assert zoomed == [zoomed[0]] * 6
        assert zoomed[0][0] == pytest.approx(1.25 * 1.5)
        browser.drag(browser.place(".stage", 0.8, 0.5), browser.place(".stage", 0.85, 0.55))
        panned = browser.value(TRANSFORMS)
        assert panned == [panned[0]] * 6
        assert panned[0][0] == zoomed[0][0]
        assert panned[0][1] > zoomed[0][1]
        assert panned[0][2] > zoomed[0][2]
        browser.screenshot(_shot("viewer-beside" if beside else "viewer-zoomed"))


def test_both_sides_show_the_whole_image_side_by_side(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    browser.click("[name=beside]")
    frames = browser.value(
        "['.pane.left', '.pane.left img', '.pane.right', '.pane.right img']"
        ".map((name) => document.querySelector(name).getBoundingClientRect()).map((box) => [box.left, box.right])"
    )
    assert frames[0] == pytest.approx(frames[1], abs=1)
    assert frames[2] == pytest.approx(frames[3], abs=1)
    assert frames[0][1] == pytest.approx(frames[2][0], abs=1)


def test_boxes_are_drawn_only_when_asked_for_and_methods_can_be_exchanged(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    shown = "[...document.querySelectorAll('.pane svg')].map((layer) => getComputedStyle(layer).display !== 'none')"
    assert browser.value(shown) == [False, False]
    browser.click("[name=boxes]")
    assert browser.value(shown) == [True, True]
    chosen = browser.value(
        "(() => { const left = document.querySelector('[name=left]'); left.value = 'max';"
        "left.dispatchEvent(new Event('change')); const image = document.querySelector('.pane.left img');"
        "return image.decode().then(() => [image.alt, image.src, image.naturalWidth]) })()"
    )
    assert chosen[0] == "max image"
    assert chosen[1].endswith("night-0/max.webp")
    assert chosen[2] == 64


def test_found_boxes_are_those_of_the_method_on_each_side(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    browser.click("[name=found]")
    shown = (
        "['.truth', '.found'].map((kind) => [...document.querySelectorAll(`.pane ${kind}`)]"
        ".map((layer) => [getComputedStyle(layer).display !== 'none', layer.querySelectorAll('rect').length]))"
    )
    truth, found = browser.value(shown)
    assert [visible for visible, _ in truth] == [False, False]
    assert found == [[True, 0], [True, 1]]  # on the left is the visible image, in which nobody looked for anything
    browser.value(
        "(() => { const left = document.querySelector('[name=left]'); left.value = 'max';"
        "left.dispatchEvent(new Event('change')) })()"
    )
    assert browser.value(shown)[1] == [[True, 1], [True, 1]]
    browser.click("[name=boxes]")
    assert [visible for visible, _ in browser.value(shown)[0]] == [True, True]
    assert "found=1" in browser.value("location.hash")
    browser.screenshot(_shot("viewer-found"))


def test_a_chosen_phrase_lights_its_places_on_both_sides_and_choosing_it_again_puts_them_out(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    maps = "[...document.querySelectorAll('.heat')].map((map) => [map.hidden, map.getAttribute('src')])"
    assert browser.value(maps) == [[True, None]] * 2, "nothing is loaded before it is asked for"
    browser.click("button.chip")
    loaded = "Promise.all([...document.querySelectorAll('.heat')].map((map) => map.decode().then(() => map.width)))"
    assert min(browser.value(loaded)) > 0
    sources = [source for _, source in browser.value(maps)]
    assert sources[0] == sources[1]
    assert sources[0].endswith("night-0/attention-0.webp")
    assert browser.texts(".legend b") == ["<script>alert('a person')</script>"]
    browser.screenshot(_shot("viewer-attention"))
    browser.value("document.querySelectorAll('button.chip')[1].focus()")
    browser.key("Enter")
    assert browser.value(maps)[0] == [False, sources[0].replace("-0.webp", "-1.webp")]
    assert browser.value("[...document.querySelectorAll('button.chip')].map((chip) => chip.ariaPressed)")[:2] == [
        "false",
        "true",
    ]
    browser.key("Enter")
    assert [hidden for hidden, _ in browser.value(maps)] == [True, True]


def test_the_theme_can_be_switched_and_is_kept(browser, site):
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(site / "index.html")
    light = browser.value(ground)
    browser.click("#theme")
    assert browser.value(ground) != light
    browser.open(site / "metrics.html")
    assert browser.value(ground) != light
    browser.value("localStorage.clear()")


def test_links_lead_from_the_overview_to_a_pair_and_to_the_next(browser, site):
    browser.open(site / "index.html")
    for link, expected in (
        ("h2 a", "simulator.html"),
        (".card", "pair/simulator/night-0.html"),
        ("a[rel=next]", "pair/simulator/night-2.html"),  # the gallery shows the first and the last of three
        ("header nav a", "index.html"),
    ):
        browser.click(link)
        browser.wait_for_load()
        assert browser.value("location.pathname").endswith(expected)


def test_every_page_opens_light_dark_and_narrow_with_all_its_pictures(browser, site):
    whole = "[...document.images].filter((image) => image.getAttribute('src'))"
    for path in [*sorted(site.glob("*.html")), site / "pair/simulator/night-0.html"]:
        for look, width, dark in (("light", 1280, False), ("dark", 1280, True), ("narrow", 390, False)):
            browser.look(width, dark=dark)
            if look == "light":
                browser.open(path)
                broken = (
                    f"Promise.all({whole}.map((image) => {{ image.loading = 'eager';"
                    "return image.decode().then(() => '', () => image.src) })).then((all) => all.filter(Boolean))"
                )
                assert browser.value(broken) == [], path.name
            wide = browser.value("document.documentElement.scrollWidth")
            assert wide <= width, f"{path.name} is {wide} pixels wide on a screen of {width}"
            browser.screenshot(_shot(f"{path.stem}.{look}"))


def _shot(name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"{name}.png"


def test_all_methods_show_the_part_that_the_stage_shows(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    assert browser.value("document.querySelector('.tiles').hidden")
    browser.click("[name=all]")
    images = "[...document.querySelectorAll('.tiles img')]"
    assert browser.value(f"{images}.length") == browser.value("document.querySelector('[name=left]').options.length")
    widths = f"Promise.all({images}.map((image) => image.decode().then(() => image.naturalWidth)))"
    assert set(browser.value(widths)) == {64}
    browser.click("[name=in]")
    shown = browser.value(f"{images}.map((image) => new DOMMatrix(getComputedStyle(image).transform).a)")
    assert set(shown) == {browser.value(TRANSFORMS)[0][0]}
    browser.screenshot(_shot("viewer-all"))


def test_every_variant_can_be_chosen_and_the_network_without_text(browser, site):
    browser.open(site / "pair/simulator/night-0.html")
    options = "[...document.querySelector('[name=left]').options].map((option) => [option.value, option.text])"
    offered = dict(browser.value(options))
    assert {*METHODS, *ABLATIONS, "infrared", "visible", "ours.without-text"} == set(offered)
    assert offered["ours.without-text"] == "ours, without text"
    page = "document.querySelector('[name=left]')"
    shown = (
        f"(() => {{ {page}.value = 'NAME'; {page}.dispatchEvent(new Event('change'));"
        "const image = document.querySelector('.pane.left img');"
        "return image.decode().then(() => [image.alt, image.naturalWidth]) })()"
    )
    assert browser.value(shown.replace("NAME", "ours.without-text")) == ["ours, without text image", 64]
    assert browser.value(shown.replace("NAME", "no-codebook")) == ["no-codebook image", 64]
    assert browser.value("location.hash").startswith("#left=no-codebook")


def test_the_address_says_what_is_looked_at(browser, site):
    page = site / "pair/simulator/night-0.html"
    browser.open(page)
    browser.click("[name=boxes]")
    browser.click("[name=in]")
    browser.value(
        "(() => { const left = document.querySelector('[name=left]'); left.value = 'max';"
        "left.dispatchEvent(new Event('change')) })()"
    )
    address, before = browser.value("location.hash"), browser.value(TRANSFORMS)
    browser.open(site / "index.html")
    browser.open(page, address)
    assert browser.value("document.querySelector('[name=left]').value") == "max"
    assert browser.value("document.querySelector('[name=boxes]').checked")
    assert browser.value(TRANSFORMS)[0] == pytest.approx(before[0], abs=0.5)


@pytest.mark.parametrize("address", ["#left=nobody&position=x&view=1e9,a,b&phrase=99", "#view=,,", "#=&&"])
def test_an_address_that_says_nonsense_does_no_harm(browser, site, address):
    browser.open(site / "index.html")
    browser.open(site / "pair/simulator/night-0.html", address)
    assert browser.value("document.querySelector('[name=left]').value") == "visible"
    assert browser.value(TRANSFORMS)[0] == [1, 0, 0]


def test_columns_and_methods_can_be_hidden(browser, site):
    browser.open(site / "simulator.html")
    browser.click("details.choice summary")
    rows = "[...document.querySelector('table.sortable').rows].filter((row) => !row.hidden)"
    shown = f"{rows}.map((row) => [...row.cells].filter((cell) => !cell.hidden).length)"
    before = browser.value(shown)
    browser.click("details.choice fieldset:nth-of-type(1) label:nth-of-type(2) input")
    browser.click("details.choice fieldset:nth-of-type(2) label:nth-of-type(1) input")
    after = browser.value(shown)
    assert len(after) == len(before) - 1
    assert after[0] == before[0] - 1
    assert len(set(after)) == 1


@pytest.mark.skipif("T2P_AXE" not in os.environ, reason="T2P_AXE names no axe.min.js (npm pack axe-core)")
@pytest.mark.parametrize(
    ("look", "width", "dark"), [("light", 1280, False), ("dark", 1280, True), ("narrow", 390, False)]
)
def test_axe_finds_nothing(browser, site, look, width, dark):
    """Deque's axe-core, with all its rules, on every page; in the viewer with everything switched on, too."""
    axe = Path(os.environ["T2P_AXE"]).read_text()
    browser.look(width, dark=dark)
    found = {}
    pair = site / "pair/simulator/night-0.html"
    for path, address in [*((page, "") for page in sorted(site.glob("*.html"))), (pair, ""), (pair, "#all=1&boxes=1")]:
        browser.open(site / "index.html")  # another address of the same page would not load it again
        browser.open(path, address)
        browser.value("document.querySelectorAll('details').forEach((part) => { part.open = true })")
        browser.value(f"{axe}; 0")
        violations = browser.value(
            "axe.run({ preload: false }).then((all) => all.violations.map((v) => "
            "v.id + ': ' + v.nodes.map((n) => n.target).join(' ')))"
        )
        if violations:
            found[f"{path.name}{address}"] = violations
    assert not found
