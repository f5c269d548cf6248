"""The page: its files, read once when the studio starts. What is not among them is not served, by whatever
path.
"""

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from impasto.web.folder import tag
from impasto.web.refusals import Refused

BUNDLE = Path(__file__).with_name("page")
INDEX = "index.html"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_PACKED = ("text/", "image/svg", "application/json", "application/manifest")


@dataclass(frozen=True)
class _File:
    content: bytes
    packed: bytes | None
    type: str
    tag: str


def router() -> APIRouter:
    """The routes of the page's files."""
    files = {path.relative_to(BUNDLE).as_posix(): _read(path) for path in BUNDLE.rglob("*") if path.is_file()}
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    @routes.get("/favicon.ico")
    @routes.get("/assets/{path:path}")
    async def page(request: Request, path: str = "") -> Response:
        """A file of the page."""
        name = f"assets/{path}" if path else "favicon.ico" if request.url.path.endswith(".ico") else INDEX
        file = files.get(name)
        if file is None:
            raise Refused(404, "There is no such file.")
        headers = {"ETag": file.tag, "Vary": "Accept-Encoding"}
        # The names of assets change with what is in them.
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if path else "no-cache"
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(file.content, media_type=file.type, headers=headers)

    return routes


def _read(path: Path) -> _File:
    content = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if kind.startswith(_PACKED) else None
    return _File(content, packed, kind, tag(content))
