"""Called by hatchling before it builds a wheel: without the page in it, the studio would be an empty room."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore]
    """Refuses to build without the page."""

    PLUGIN_NAME = "page"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Look for the page's files. An editable installation may do without: the page may be being built."""
        page = Path(self.root) / "src" / "impasto" / "web" / "page"
        whole = (page / "index.html").is_file() and any(page.glob("assets/*.js"))
        if version != "editable" and not whole:
            raise RuntimeError("The studio's page is missing in src/impasto/web/page: build it there with `make page`.")
