"""The documentation as a site, opened from its folder: nothing is fetched, and the search answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import CHROMIUM, chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the site with"),
]
ROOT = Path(__file__).parents[1]


def test_it_can_be_searched_without_a_server(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    built, quiet = tmp_path / "site", os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "-d", built], cwd=ROOT, env=quiet, check=True)
    with chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((built / "docs" / "how-to.html").as_uri())
        page.locator(".md-search__input").click()
        page.keyboard.type("tesserae")
        found = page.locator(".md-search-result__item a", has_text="Recipes").first
        found.wait_for()
        found.click()
        page.wait_for_url("**/docs/recipes.html*", timeout=5000)
        assert {url.partition(":")[0] for url in asked} <= {"file", "data", "about"}, asked
