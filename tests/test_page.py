"""The studio's page, in a browser. Skipped where there is none."""

import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route

from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.work import VideoWork
from impasto.web.page import BUNDLE
from tests.browser import CHROMIUM, chromium, studio_in
from tests.clips import clip
from tests.clips import drawn as drawn_frames
from tests.helpers import painting, photo
from tests.web import DrawnProcess, served

AXE = Path(__file__).parents[1] / "page/node_modules/axe-core/axe.min.js"
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
PATIENCE = 120_000
"""Milliseconds to wait at most: a busy machine takes long to load its networks."""

STOP = re.compile("Stop and keep it|Cancel")
"""Of a job under way: the second as long as there is nothing to keep."""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio in this process, with its token, whose jobs are only drawn."""
    with served(tmp_path_factory.mktemp("drawn")) as (_, studio):
        yield studio.config.address()


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """That of one as people start it."""
    with studio_in(tmp_path_factory.mktemp("painted")) as address:
        yield address


@pytest.fixture
def studio(request: pytest.FixtureRequest) -> str:
    """Long tests see pictures painted."""
    address: str = request.getfixturevalue("painted" if request.node.get_closest_marker("slow") else "drawn")
    return address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no Chromium: apt-get install chromium.")
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, studio: str) -> Iterator[Open]:
    """Opens the page in a browser of its own, which remembers nothing. Nothing may go wrong there unseen."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def forbidden(told: ConsoleMessage) -> None:
        """What the policy forbids is told in the console."""
        if "Content Security Policy" in told.text:
            faults.append(told.text)

    def opened(screen: str = "desktop", draft: dict[str, Any] | None = None, **options: Any) -> Page:
        width, height = SCREENS[screen]
        phone = screen == "phone"
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=phone, is_mobile=phone, locale=options.pop("locale", "en-GB"), **options,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", forbidden)
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.goto(studio)
        if draft is not None:
            page.evaluate("draft => localStorage.setItem('impasto-draft', draft)", json.dumps(draft))
            page.reload()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


def png(pixels: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **more)
    return file.getvalue()


PHOTO, PAINTING, OTHER = png(photo(72, 96)), png(painting(96, 96)), png(painting(96, 96, seed=5))


def give(page: Page, kind: str, content: bytes, name: str) -> None:
    """Choose a file by the button for photos or paintings, and wait until it is taken."""
    of_kind = page.locator(f"[aria-labelledby={kind}]")
    of_kind.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )
    of_kind.locator(".tile.chosen").wait_for(state="attached")


def tab(page: Page, name: str) -> None:
    """On a phone, turn to a part of the page."""
    page.locator(".studio").wait_for()  # without it there are no tabs yet, on any screen
    tabs = page.locator(".tabs")
    if tabs.is_visible():
        tabs.get_by_role("button", name=name).click()


def held(page: Page, address: re.Pattern[str]) -> list[Route]:
    """Requests to an address from now on, which wait until they are let go on."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(address, hold)
    return waiting


def asked(page: Page, path: str) -> Any:
    """What the API says to the page's own session."""
    return page.evaluate("async path => (await fetch(path)).json()", f"api/{path}")


def until(page: Page, true: str) -> None:
    """Wait until an expression is true; the driver's own way to wait for one is what the policy forbids."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"It never came to be: {true}")


class TestBundle:
    def test_is_small(self) -> None:
        sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in BUNDLE.rglob("*") if path.is_file()}
        assert sizes and sum(sizes.values()) <= 60_000, sizes

    def test_has_nothing_inline_and_asks_nobody_else(self) -> None:
        page = (BUNDLE / "index.html").read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
        assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
        addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
        assert addresses and all(address.startswith("./assets/") for address in addresses)
        for address in addresses:
            assert (BUNDLE / address).is_file()

    def test_fetches_nothing_from_elsewhere(self) -> None:
        named = {
            address
            for path in BUNDLE.rglob("*.[cj]s*")
            for address in re.findall(r"https?://[\w./-]+", path.read_text())
        }
        # Names of XML's vocabularies, which are no addresses to a browser.
        assert all(address.startswith("http://www.w3.org/") for address in named), named


class TestDoor:
    def test_a_stranger_is_told_how_to_come_in(self, opened: Open, studio: str) -> None:
        page = opened()
        page.locator(".welcome").wait_for()
        assert "token" not in page.url
        page.context.clear_cookies()
        page.goto(studio.partition("#")[0])
        field = page.get_by_label("Address or token")
        field.fill("something else")
        field.press("Enter")
        page.get_by_role("alert").wait_for()
        field.fill(studio)
        field.press("Enter")
        page.locator(".welcome").wait_for()

    def test_who_comes_while_the_studio_is_away_has_all_of_it_when_it_is_back(self, opened: Open) -> None:
        page = opened()
        away = re.compile("/api/(choices|events|jobs|pictures)")
        page.route(away, lambda route: route.abort())
        page.reload()
        page.locator(".notice.lost").wait_for()
        page.unroute(away)
        page.locator(".notice.lost").wait_for(state="detached")
        assert page.locator("select").first.locator("option").count() > 1


class TestTaking:
    def test_names_are_text(self, opened: Open) -> None:
        page = opened()
        name = "<img src=x onerror=alert(1)>&lt;b&gt;.png"
        give(page, "photos", png(photo(40, 48)), name)  # one's first name stays
        page.locator(".viewport img").first.wait_for()
        assert page.locator("img[src=x]").count() == 0
        titles = page.locator("[title]").evaluate_all("all => all.map(each => each.title)")
        assert any("<img" in title for title in titles)

    def test_what_is_no_picture_is_said_to_be_none(self, opened: Open) -> None:
        page = opened()
        buttons = page.locator("[aria-labelledby=photos] input[type=file]").first
        buttons.set_input_files(
            {"name": "page.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"}
        )
        assert page.get_by_role("alert").inner_text().startswith("page.svg: ")
        assert page.locator(".viewport").count() == 0

    def test_dropped_and_pasted(self, opened: Open) -> None:
        page = opened()
        page.locator(".welcome").wait_for()
        moved = """([event, bytes, on]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            const target = document.querySelector(on) ?? document.body;
            target.dispatchEvent(event === "paste"
                ? new ClipboardEvent(event, { ...options, clipboardData: data })
                : new DragEvent(event, { ...options, dataTransfer: data }));
        }"""
        page.evaluate(moved, ["paste", list(PHOTO), "body"])
        page.locator(".viewport").wait_for()
        page.evaluate(moved, ["dragover", list(OTHER), "body"])
        page.locator(".drop").wait_for()
        page.evaluate(moved, ["drop", list(OTHER), ".drop-target[data-kind=painting]"])
        page.locator("[aria-labelledby=paintings] .tile.chosen").wait_for()
        assert page.locator(".drop").count() == 0


class TestTastes:
    def test_language_and_theme_stay(self, opened: Open) -> None:
        page = opened(locale="zh-CN", color_scheme="dark")
        page.get_by_role("button", name="作画").wait_for()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="English").click()
        page.get_by_role("button", name="Light or dark").click()
        page.reload()
        page.get_by_role("button", name="Paint", exact=True).wait_for()
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


class TestDeleting:
    def test_asks_first_and_a_double_click_deletes_nothing(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", png(photo(40, 30, seed=31)), "doomed.png")

        def there() -> bool:
            return "doomed.png" in [each["name"] for each in asked(page, "pictures?kind=photo")]

        page.locator("[aria-labelledby=photos] .tile.chosen").hover()
        page.get_by_role("button", name="Remove doomed").dblclick()
        assert serious(page) == []
        page.get_by_role("dialog", name="Delete “doomed”?").get_by_role("button", name="Keep").click()
        assert there()
        until(page, "document.activeElement.getAttribute('aria-label') === 'Remove doomed'")
        page.get_by_role("button", name="Remove doomed").focus()
        page.keyboard.press("Enter")
        with page.expect_response(lambda told: told.request.method == "DELETE") as answered:
            page.get_by_role("button", name="Delete for good").click()
        assert answered.value.ok and not there()


class TestRegions:
    OPAQUE = """() => {
        const canvas = document.querySelector(".tints");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, at) => at % 4 === 3 && value > 0).length;
    }"""

    def test_are_seen_beside_those_that_are_found_where_the_main_button_paints(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", PHOTO, "photo.png")
        page.get_by_role("button", name="Add a region: Faces").click()
        page.locator(".brush-bar").wait_for()
        assert page.locator(".brush-ring").count() == 0
        page.get_by_role("button", name="Add a region: By brush").click()
        page.locator(".viewport").click(button="right")
        assert page.get_by_role("button", name="Undo").is_disabled()
        page.locator(".viewport").click()
        until(page, f"({self.OPAQUE})() > 0")

    def test_are_painted_undone_and_kept(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", PHOTO, "photo.png")
        page.get_by_role("button", name="Add a region: By brush").click()
        box = page.locator(".viewport").bounding_box()
        assert box is not None
        across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        opaque = self.OPAQUE

        def stroke(y: float, before: int) -> int:
            """What is opaque when all of it is drawn, which it is some frames later."""
            page.mouse.move(across - 60, y)
            page.mouse.down()
            page.mouse.move(across + 60, y, steps=4)
            page.mouse.up()
            until(page, f"({opaque})() > {before}")
            last, now = before, int(page.evaluate(opaque))
            while now != last:
                page.wait_for_timeout(200)
                last, now = now, int(page.evaluate(opaque))
            return now

        one = stroke(down - 60, 0)
        two = stroke(down + 60, one)
        page.keyboard.press("Control+z")
        until(page, f"({opaque})() === {one}")
        page.keyboard.press("Control+Shift+z")
        until(page, f"({opaque})() === {two}")
        page.keyboard.press("Escape")
        saved = "JSON.parse(localStorage['impasto-draft']).regions"
        until(page, f"Object.values({saved})[0]?.[0]?.mask")
        mask = page.evaluate(f"Object.values({saved})[0][0].mask")
        page.reload()
        page.get_by_role("button", name="Paint Region 1").click()
        until(page, f"document.querySelector('.tints') && Math.abs(({opaque})() - {two}) < {two // 10}")
        white = Image.open(
            io.BytesIO(
                bytes(
                    page.evaluate(
                        """async mask =>
            [...new Uint8Array(await (await fetch(`api/pictures/${mask}/file`)).arrayBuffer())]""",
                        mask,
                    )
                )
            )
        )
        assert white.size == (96, 72)
        darkest, lightest = white.convert("L").getextrema()
        assert darkest == 0 and int(str(lightest)) > 240


class TestKeyboard:
    def test_all_that_is_needed(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", PHOTO, "photo.png")
        for seed, name in [(11, "one.png"), (12, "two.png")]:  # which no other test has sent by another name
            give(page, "paintings", png(painting(64, 64, seed=seed)), name)
            page.locator(f".tile.chosen button[title={name[:3]}]").wait_for()
        chosen = page.locator("[aria-labelledby=paintings] .tile.chosen button").first
        chosen.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.title") == "one"
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
        page.locator(".viewport").focus()
        fitted = page.locator(".sheet").evaluate("sheet => sheet.clientWidth / sheet.querySelector('img').naturalWidth")
        zoomed = page.locator(".zoom")
        zoomed.filter(has_text=f"{100 * fitted:.0f} %").wait_for()
        page.keyboard.press("+")
        page.keyboard.press("+")
        zoomed.filter(has_text=f"{100 * fitted * 1.25**2:.0f} %").wait_for()
        page.keyboard.press("0")
        zoomed.filter(has_text=f"{100 * fitted:.0f} %").wait_for()
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")

    def test_a_region_without_a_mouse(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", PHOTO, "photo.png")
        page.keyboard.press("r")
        page.locator(".viewport").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press(" ")
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Redo").wait_for()


class TestChosen:
    def test_is_in_sight(self, opened: Open) -> None:
        page = opened("phone")
        page.locator(".welcome").wait_for()
        send = """async ([kind, bytes]) => (await (await fetch(`api/pictures?kind=${kind}&name=a.png`, {
            method: "PUT", body: new Uint8Array(bytes),
        })).json()).id"""
        sent = [
            page.evaluate(send, [kind, [*png(photo(24, 24 + number))]])
            for kind in ("photo", "painting")
            for number in range(8)
        ]
        # The oldest of each are the last in their lists, and nothing but the draft names them. There is no
        # room for both on a phone: the photo is on the stage, too, and the painting comes into sight.
        draft = {"photo": sent[0], "look": {"network": None, "mix": [{"id": sent[8], "weight": 1}]}}
        page.evaluate("draft => localStorage.setItem('impasto-draft', draft)", json.dumps(draft))
        page.reload()
        page.locator(".tile.chosen").nth(1).wait_for()
        until(
            page,
            """[...document.querySelectorAll(".gallery .tile.chosen")].map(tile => {
                const { left, right, top, bottom } = tile.getBoundingClientRect();
                const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
                return [left >= 0 && right <= innerWidth, tile.contains(at)];
            }).every(([across, seen], index) => across && (seen || index === 0))""",
        )
        for each in sent:
            page.evaluate("async id => (await fetch(`api/pictures/${id}`, { method: 'DELETE' })).ok", each)


class TestTexture:
    def test_a_painting_alone_is_enough(self, opened: Open) -> None:
        page = opened(draft={"settings": {"size": "64", "iterations": 5}})
        page.get_by_role("button", name="Make a texture of it").click()
        paint = page.get_by_role("button", name="Paint", exact=True)
        assert paint.is_disabled()
        give(page, "paintings", png(painting(64, 64, seed=13)), "only.png")
        page.locator(".viewport img").wait_for()
        with page.expect_response(
            lambda told: told.request.method == "POST" and told.url.endswith("/jobs")
        ) as answered:
            paint.click()
        assert answered.value.status == 201
        job = answered.value.json()
        assert job["request"]["task"] == "texture" and job["request"]["photo"] is None
        assert job["request"]["recipe"] == "texture" and job["request"]["settings"] == {"size": "64", "iterations": 5}
        page.locator(".after img").wait_for()
        page.keyboard.press("b")
        page.wait_for_timeout(200)
        assert page.locator(".after").evaluate("each => getComputedStyle(each).clipPath") == "none"
        page.evaluate("async id => (await fetch(`api/jobs/${id}/cancel`, { method: 'POST' })).ok", job["id"])


def test_whoever_loads_the_page_again_while_it_opens_is_not_left_outside(opened: Open, studio: str) -> None:
    page = opened()
    page.locator(".studio").wait_for()
    page.context.clear_cookies()
    page.goto("about:blank")
    session = re.compile("/api/session$")
    held(page, session)
    with page.expect_request(session):
        page.goto(studio)
    page.unroute(session)
    page.reload()
    page.locator(".studio").wait_for()
    assert "token" not in page.url


class TestPaint:
    def test_is_asked_for_when_the_studio_is_ready_and_then_once(self, opened: Open) -> None:
        page = opened(draft={"texture": True, "settings": {"size": "64", "iterations": 5}})
        page.locator(
            "#paint-lack", has_text="Choose a painting"
        ).wait_for()  # nothing that this page has asked for is on its way
        choices, jobs = held(page, re.compile("/api/choices$")), held(page, re.compile("/api/jobs$"))
        with page.expect_request(re.compile("/api/choices$")):
            page.reload()
        give(page, "paintings", png(painting(64, 64, seed=14)), "slow.png")
        paint = page.get_by_role("button", name="Paint", exact=True)
        page.get_by_text("The studio is getting ready").wait_for()
        assert paint.is_disabled()
        choices[0].continue_()
        # Lists of jobs wait, too; what is asked for is there all the same when they come.
        paint.dblclick()
        page.keyboard.press("p")
        page.get_by_role("button", name="Help").click()  # by then all of that was heard
        page.keyboard.press("Escape")
        sent = [each for each in jobs if each.request.method == "POST"]
        assert len(sent) == 1
        with page.expect_response(lambda told: told.request.method == "POST") as answered:
            sent[0].continue_()
        job = answered.value.json()["id"]
        page.locator(".job").wait_for()
        for each in jobs:
            if each.request.method == "GET":
                each.fulfill(json=[])  # as it was before
        page.locator(".results .tile").first.wait_for()
        assert page.locator(".job").count() == 1
        page.evaluate("async id => (await fetch(`api/jobs/${id}/cancel`, { method: 'POST' })).ok", job)

    def test_a_mask_that_could_not_be_sent_is_sent_again(self, opened: Open) -> None:
        page = opened()
        give(page, "photos", PHOTO, "photo.png")
        page.get_by_role("button", name="Add a region: By brush").click()
        masks = re.compile("/api/pictures.kind=mask")
        page.route(masks, lambda route: route.fulfill(status=429, json={"error": "Too many.", "setting": None}))
        page.locator(".viewport").focus()
        page.keyboard.press(" ")
        page.get_by_role("alert").wait_for()
        page.unroute(masks)
        until(page, "Object.values(JSON.parse(localStorage['impasto-draft']).regions)[0]?.[0]?.mask")


def serious(page: Page) -> list[str]:
    """What axe finds on the page, light and dark."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: cd page && npm ci.")
    # The policy keeps scripts of a page's own out; the driver's are not the page's.
    look = f"{AXE.read_text()};axe.run().then(found => found.violations)"
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way to another
        found += page.evaluate(look)
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_serious(opened: Open, screen: str) -> None:
    page = opened(screen)
    page.locator(".welcome").wait_for()
    assert serious(page) == []
    give(page, "photos", PHOTO, "photo.png")
    tab(page, "Settings")
    page.locator(".controls .more summary").click()
    page.get_by_role("button", name="Add a region: By brush").click()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Help").click()
    page.get_by_role("dialog").wait_for()
    assert serious(page) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_a_film_is_painted_stopped_and_played(opened: Open, screen: str, tmp_path: Path, small_looks: None) -> None:
    made = clip(tmp_path / "a walk.mp4", drawn_frames(4), form="yuv420p")
    page = opened(screen)
    tab(page, "Style")
    page.get_by_role("radio", name="Film").check()
    page.get_by_text("It is painted frame by frame").wait_for()
    assert serious(page) == []
    page.get_by_role("radio", name="Picture").check()
    # A clip is one wherever it is given.
    page.locator("[aria-labelledby=photos] input[type=file]").first.set_input_files(made)
    page.locator("[aria-labelledby=clips] .tile.chosen").wait_for(state="attached")
    give(page, "paintings", PAINTING, "painting.png")
    page.locator(".chip.preview-shown").wait_for()
    assert page.locator(".frames .after img").count() == 3 and page.get_by_text("4 frames").is_visible()
    assert serious(page) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 600)
        page.keyboard.press("p")
        page.locator(".chip.running").wait_for()
    page.locator(".job").get_by_role("button", name=STOP).click()
    page.get_by_text("This is what was painted until it ended.").wait_for()
    page.keyboard.press("Escape")
    page.locator(".frames").wait_for()
    page.keyboard.press("p")
    page.locator(".chip.done").wait_for()
    until(page, "document.querySelector('video')?.readyState >= 2")
    assert serious(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "a-walk-painting.mp4" and download.value.path().stat().st_size > 500
    page.reload()
    until(page, "document.querySelector('video')?.readyState >= 2")
    page.get_by_role("button", name="Again with these settings").click()
    page.locator(".frames").wait_for()


def test_a_part_of_a_clip_is_chosen_estimated_and_brought_back_by_its_film(
    opened: Open, tmp_path: Path, small_looks: None
) -> None:
    made = clip(tmp_path / "a run.mp4", drawn_frames(20), form="yuv420p")
    page = opened()
    page.get_by_role("radio", name="Film").check()
    page.locator("[aria-labelledby=clips] input[type=file]").first.set_input_files(made)
    page.locator("[aria-labelledby=clips] .tile.chosen").wait_for(state="attached")
    page.get_by_text("Choose a painting or a learnt style").wait_for()
    give(page, "paintings", png(painting(64, 64, seed=41)), "run.png")
    page.locator("#paint-lack", has_text="20 frames").wait_for()
    page.get_by_role("slider", name="from").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.locator("#paint-lack", has_text="14 frames").wait_for()  # of 24 in a second, from 0.25 s on
    page.locator(".part input[name=end]").fill("0.5")
    page.keyboard.press("Tab")
    page.locator("#paint-lack", has_text="6 frames").wait_for()
    assert "to paint" in page.locator("#paint-lack").inner_text()
    until(page, "[...document.querySelectorAll('.part-frame img')].length === 2")
    assert serious(page) == []
    before = page.evaluate("JSON.parse(localStorage['impasto-draft'])")
    assert before["part"] == {"start": 0.25, "end": 0.5}
    page.get_by_role("button", name="All of it").click()
    page.locator("#paint-lack", has_text="20 frames").wait_for()
    # Where both handles are at the far right, the one that can go on is the one that the mouse takes.
    start = page.get_by_role("slider", name="from")
    above = "each => getComputedStyle(each).zIndex > getComputedStyle(each.nextElementSibling).zIndex"
    assert not start.evaluate(above)
    start.press("End")
    page.locator("#paint-lack", has_text="1 frame").wait_for()
    assert start.evaluate(above)
    page.get_by_role("button", name="All of it").click()
    page.locator("#paint-lack", has_text="20 frames").wait_for()
    # As the studio would have painted it.
    ids = {name: before[name] for name in ("clip", "look")}
    film = VideoJob(
        str(made), style_index="0", start=0.25, end=0.5, settings={"network": "multi", "steady": "off"},
        delivery=VideoDelivery(str(tmp_path / "film.mp4"), bits=8),
    )  # fmt: skip
    VideoWork(film).finish()
    page.locator("[aria-labelledby=clips] input[type=file]").first.set_input_files(tmp_path / "film.mp4")
    page.locator(".notice.news").filter(has_text="settings").wait_for()
    now = page.evaluate("JSON.parse(localStorage['impasto-draft'])")
    assert now["part"] == before["part"] and now["clip"] == ids["clip"] and now["settings"]["steady"] == "off"
    assert now["look"]["network"] == "multi"
    until(page, "!document.querySelector('.tile [title=film]')")  # it has brought what it was to bring
    assert "film.mp4" not in [each["name"] for each in asked(page, "pictures?kind=clip")]


def test_a_film_that_was_stopped_is_gone_on_with(opened: Open, tmp_path: Path, small_looks: None) -> None:
    made = clip(tmp_path / "a jump.mp4", drawn_frames(5), form="yuv420p")
    page = opened()
    page.get_by_role("radio", name="Film").check()
    page.locator("[aria-labelledby=clips] input[type=file]").first.set_input_files(made)
    page.locator("[aria-labelledby=clips] .tile.chosen").wait_for(state="attached")
    give(page, "paintings", png(painting(64, 64, seed=42)), "jump.png")
    write = DrawnProcess._write

    def with_parts(self: DrawnProcess) -> None:
        write(self)
        parts = Path(f"{self._job['delivery']['output']}.parts")
        if self._stop.is_set():
            parts.mkdir()
            (parts / "000000.state").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 600)
        patch.setattr(DrawnProcess, "_write", with_parts)
        page.keyboard.press("p")
        page.locator(".chip.running").wait_for()
        page.locator(".job").get_by_role("button", name=STOP).click()
        page.locator(".chip.cancelled").wait_for()
    assert page.get_by_label("Steps more").count() == 0
    page.get_by_role("button", name="Go on").click()
    page.locator(".chip.done").wait_for()
    page.get_by_text("goes on from an earlier one").wait_for()


def test_a_picture_that_is_gone_on_with_is_seen_from_the_start(opened: Open) -> None:
    """And cancelled without a word of keeping, while there is nothing to keep."""
    page = opened(draft={"settings": {"iterations": 3}})
    give(page, "photos", PHOTO, "photo.png")
    give(page, "paintings", PAINTING, "painting.png")
    page.keyboard.press("p")
    page.locator(".chip.done").wait_for()
    first = page.locator(".viewport .after img").get_attribute("src")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 600)
        patch.setattr(DrawnProcess, "lend", lambda *_, **__: False)  # it is getting ready
        page.get_by_role("button", name="Go on").click()
        page.locator(".chip.running").wait_for()
        assert page.locator(".viewport .after img").get_attribute("src") == first
        page.locator(".job").get_by_role("button", name="Cancel").click()
        page.locator(".chip.cancelled").wait_for()


def test_what_the_dials_do_not_do_is_told_beside_them(opened: Open) -> None:
    page = opened(draft={"settings": {"strength": 0.5}})
    give(page, "photos", PHOTO, "photo.png")
    give(page, "paintings", PAINTING, "painting.png")
    strength = page.get_by_role("slider", name="Strength")
    assert page.get_by_text("at 50 %").count() == 0
    strength.press("ArrowRight")
    page.get_by_text("The preview stays as at 50 %.").wait_for()
    page.locator(".controls .more summary").click()
    page.get_by_label("Method", exact=True).first.select_option("fast")
    page.get_by_text("The style is whole at 50 %").wait_for()
    page.get_by_role("button", name="Add a region: Faces").click()
    page.locator("#paint-lack", has_text="no painting yet").wait_for()
    give(page, "paintings", OTHER, "other.png")
    page.locator("#paint-lack", has_text="method iterative alone").wait_for()
    assert page.get_by_role("button", name="Paint", exact=True).is_disabled()
    page.get_by_label("Method", exact=True).first.select_option("iterative")
    until(page, "!document.querySelector('.paint button').disabled")
    assert serious(page) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_results_are_downloaded_and_deleted_in_one_go(opened: Open, screen: str) -> None:
    page = opened(screen, draft={"texture": True, "settings": {"size": "64", "iterations": 3}})
    page.locator(".studio").wait_for()
    for each in asked(page, "jobs"):
        page.evaluate("async id => (await fetch(`api/jobs/${id}`, { method: 'DELETE' })).ok", each["id"])
    give(page, "paintings", png(painting(64, 64, seed=43)), "many.png")
    ask = """async painting => (await fetch("api/jobs", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ task: "texture", styles: [{ painting }], recipe: "texture", settings: { iterations: 3 } }),
    })).status"""
    look = page.evaluate("JSON.parse(localStorage['impasto-draft']).look.mix[0].id")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DrawnProcess, "step", 0.4)  # so long that the page hears of each before its end
        assert [page.evaluate(ask, look) for _ in range(3)] == [201] * 3
        page.get_by_text("“many” is done.").first.wait_for()  # it is told of what is not on the stage
        page.get_by_role("button", name="Show").first.wait_for()
        until(page, "!document.querySelector('.results .badge')")
    page.keyboard.press("h")
    page.get_by_role("button", name="Select several").press("Enter")
    assert page.get_by_role("button", name="Download").is_disabled()
    first = page.locator(".history .tile button").first
    first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_text("2 selected").wait_for()
    assert first.get_attribute("aria-pressed") == "true" and serious(page) == []
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    page.get_by_label("Pictures as").select_option("jpeg")
    page.get_by_role("button", name="Download").press("Enter")
    page.get_by_text("2 downloads have begun.").wait_for()
    assert len(saved) == 2 and all(name.endswith(".jpg") for name in saved)
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    window = page.get_by_role("dialog", name="Delete 2 results?")
    window.get_by_role("button", name="Keep").press("Enter")
    page.get_by_text("2 selected").wait_for()
    page.get_by_role("button", name="All", exact=True).press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    page.get_by_role("dialog", name="Delete 3 results?").get_by_role("button", name="Delete for good").press("Enter")
    page.get_by_text("3 results are deleted.").wait_for()
    assert asked(page, "jobs") == []


@contextmanager
def seen(page: Page, *, job: str) -> Iterator[None]:
    """The page asks for a new job of this state by the end."""
    before = len(asked(page, "jobs"))
    yield
    until(page, f"document.querySelectorAll('.results .tile').length > {before}")
    page.locator(f".chip.{job}").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
def test_from_a_photo_to_a_picture_and_back(opened: Open, screen: str, tmp_path: Path) -> None:
    draft = {"settings": {"size": "96", "iterations": 2000}}
    page = opened(screen, draft)
    give(page, "photos", PHOTO, "photo.png")
    give(page, "paintings", PAINTING, "painting.png")
    page.locator(".chip.preview-shown").wait_for()

    with seen(page, job="running"):
        page.get_by_role("button", name="Paint", exact=True).click()
    page.locator(".viewport .after img").wait_for()
    page.locator(".job").get_by_role("button", name=STOP).click()
    page.locator(".chip.cancelled").wait_for()

    assert ": to its end" in page.get_by_label("Steps more").locator("option:checked").inner_text()
    page.get_by_label("Steps more").select_option("25")
    with seen(page, job="done"):
        page.get_by_role("button", name="Go on").click()

    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.locator(".menu").get_by_text("PNG").click()
    assert page.locator(".menu[open]").count() == 0
    result = tmp_path / "result.png"
    download.value.save_as(result)
    with Image.open(result) as picture:
        assert picture.size == (96, 72)

    # Another browser, which remembers nothing, gets all of it back from the picture.
    other = opened(screen)
    other.locator(".results .tile").first.wait_for(state="attached")
    chooser = other.locator("[aria-labelledby=photos] input[type=file]").first
    chooser.set_input_files(result)
    other.locator(".notice.news").filter(has_text="settings").wait_for()
    kept = other.evaluate("JSON.parse(localStorage['impasto-draft'])")
    before = page.evaluate("JSON.parse(localStorage['impasto-draft'])")
    assert kept["photo"] == before["photo"]
    assert kept["look"]["mix"][0]["id"] == before["look"]["mix"][0]["id"]
    assert str(kept["settings"]["size"]) == "96"
    # The result itself is no photo; and its losses are seen where nobody watched.
    until(other, "document.querySelectorAll('[aria-labelledby=photos] .tile').length === 1")
    assert [each["name"] for each in asked(other, "pictures?kind=photo")] == ["photo.png"]
    tab(other, "Results")
    other.locator(".results .tile button").first.click()
    other.locator(".curve").wait_for()


@pytest.mark.slow
def test_two_tabs_see_the_same_and_a_reload_loses_nothing(opened: Open) -> None:
    page = opened(draft={"settings": {"size": "64", "iterations": 4000}})
    give(page, "photos", PHOTO, "photo.png")
    give(page, "paintings", OTHER, "painting.png")
    phone = opened("phone")
    with seen(page, job="running"):
        page.get_by_role("button", name="Paint", exact=True).click()
    tab(phone, "Results")
    phone.locator(".results .badge").wait_for()
    page.reload()
    page.locator(".chip.running").wait_for()
    phone.locator(".results .tile button").first.click()
    phone.locator(".job").get_by_role("button", name=STOP).click()
    page.locator(".chip.cancelled").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    page.locator(".welcome, .chip.preview-shown, .chip.preview-busy").first.wait_for()
