"""What every route asks for: the studio, and who is asking."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response, Security
from fastapi.security import HTTPBearer

from impasto.errors import SettingsError
from impasto.web.folder import is_own
from impasto.web.models import Id, Problem
from impasto.web.studio import Studio


def _studio(request: Request) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


# For the description of the API. It lets everything pass: the guard, which comes before, knows cookies, too.
_token = HTTPBearer(scheme_name="token", description="The token that the studio has printed.", auto_error=False)


def _visitor(request: Request, _: Annotated[object, Security(_token)]) -> str:
    visitor: str = request.state.visitor  # the guard lets nobody else pass
    return visitor


Here = Annotated[Studio, Depends(_studio)]
Visitor = Annotated[str, Depends(_visitor)]
Known = Annotated[Id, Path()]

FOREVER = "private, max-age=31536000, immutable"
PASSING = "private, no-cache"
"""It may be kept, but is to be asked for again by its tag."""

Responses = dict[int | str, dict[str, Any]]

PROBLEMS: Responses = {
    401: {"model": Problem, "description": "No token, and no session."},
    403: {"model": Problem, "description": "Another name of the server, or another page's request."},
    404: {"model": Problem, "description": "There is none, or it is another visitor's."},
    422: {"model": Problem, "description": "What was asked for makes no sense; `setting` says where."},
}
PICTURE: Responses = {200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "The picture."}}


def unchanged(request: Request, tag: str, cached: str = FOREVER) -> Response | None:
    """The answer for a client that has the very picture already."""
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": cached})
    return None


def picture(content: bytes, kind: str, tag: str, cached: str = FOREVER) -> Response:
    """A picture as an answer."""
    return Response(content, media_type=kind, headers={"ETag": tag, "Cache-Control": cached})


def file_of(here: Studio, visitor: str, id: str, frame: int = 0) -> str:
    """The file of a visitor's picture, or of a clip's frame. Raises SettingsError where there is none, or a
    link in its place.
    """
    path = here.folder.frame(id, frame)
    if here.store.picture(visitor, id) is None or not is_own(path):
        raise SettingsError(f"There is no picture {id!r}: send it first.")
    return str(path)
