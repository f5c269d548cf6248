"""Photographs, paintings and masks; and clips, of which they are the first frame."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from impasto.errors import SettingsError
from impasto.web.folder import is_own, tag
from impasto.web.models import Edge, Held, Kind, Picture, PictureDeleted, Problem
from impasto.web.refusals import Refused
from impasto.web.routes.here import PICTURE, PROBLEMS, Here, Known, Responses, Visitor, picture, unchanged
from impasto.web.studio import Studio

router = APIRouter(prefix="/api/pictures", tags=["pictures"], responses=PROBLEMS)

Frame = Annotated[int, Query(ge=0, le=2, description="Of a clip: its first, middle, or last one.")]
Side = Annotated[int | None, Query(ge=16, le=8192, description="Long side at the most; the whole size without.")]
Name = Annotated[str, Query(max_length=1000)]
_MOMENT = 512
"""The long side of a clip's frame at some time."""
_SENDING: Responses = {
    200: {"model": Picture, "description": "It was here already."},
    413: {"model": Problem, "description": "More bytes than may be sent."},
    415: {"model": Problem, "description": "Nothing that can be read."},
    429: {"model": Problem, "description": "Too many are being sent."},
}


@router.put(
    "",
    status_code=201,
    responses=_SENDING,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}, "image/*": {}}}},
)
async def send(
    request: Request,
    response: Response,
    here: Here,
    visitor: Visitor,
    *,
    kind: Kind,
    name: Name = "",
) -> Picture:
    """Send a picture: the bytes of its file as the body, of whatever content type."""
    return _told(here, visitor, response, await here.intake.take(visitor, kind, name, _parts(request)))


clips = APIRouter(prefix="/api/clips", tags=["pictures"], responses=PROBLEMS)


@clips.put(
    "",
    status_code=201,
    responses={
        **_SENDING,
        501: {"model": Problem, "description": "What reads moving pictures is not installed."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}, "video/*": {}}}},
)
async def send_clip(request: Request, response: Response, here: Here, visitor: Visitor, name: Name = "") -> Picture:
    """Send a clip: the bytes of its file as the body. It is a picture of the kind clip from then on."""
    size = request.headers.get("content-length")  # a number, or the server has refused it
    taken = await here.intake.take(visitor, "clip", name, _parts(request), None if size is None else int(size))
    return _told(here, visitor, response, taken)


def _told(here: Studio, visitor: str, response: Response, taken: tuple[Picture, bool]) -> Picture:
    found, new = taken
    if new:
        here.hub.tell(visitor, "picture", found.id, found)
    else:
        response.status_code = 200
    return found


async def _parts(request: Request) -> AsyncIterator[bytes]:
    async for part in request.stream():
        if part:
            yield part


@router.get("")
async def pictures(here: Here, visitor: Visitor, kind: Held | None = None) -> list[Picture]:
    """All pictures of a kind, newest first."""
    return here.store.pictures(visitor, kind)


@router.get("/{id}")
async def one(id: Known, here: Here, visitor: Visitor) -> Picture:
    """What is known of a picture."""
    return known(here, visitor, id)


@router.delete("/{id}", status_code=204, responses={409: {"model": Problem, "description": "A job needs it."}})
async def delete(id: Known, here: Here, visitor: Visitor) -> None:
    """Remove a picture."""
    known(here, visitor, id)
    if here.jobs.needs(visitor, id):
        raise Refused(409, "A job needs the picture: cancel that, or wait until it has ended.")
    here.store.drop_picture(id)
    here.folder.drop_picture(id)
    here.hub.tell(visitor, "removed", id, PictureDeleted(picture=id))


@router.get("/{id}/file", response_class=Response, responses=PICTURE)
async def file(
    id: Known,
    request: Request,
    here: Here,
    visitor: Visitor,
    *,
    side: Side = None,
    frame: Frame = 0,
    at: Annotated[float | None, Query(ge=0, le=1e6, description="Of a clip: the time of a frame, in seconds.")] = None,
    edge: Annotated[Edge | None, Query(description="With `at`: of a film that starts or ends there.")] = None,
) -> Response:
    """The picture itself: JPEG, or PNG where it is a mask or transparent. Of a clip, one of three frames, or
    the one that is shown ``at`` a time, or is the first or last of a film that starts or ends there, small.
    """
    kind = known(here, visitor, id).kind
    if at is not None:
        if kind != "clip":
            raise SettingsError("`at` is of a clip: leave it out.")
        return await _moment(here, request, id, {"time": at, "side": min(side or _MOMENT, _MOMENT), "edge": edge})
    exact = kind == "mask"
    mark = tag(id, side, frame)
    if (same := unchanged(request, mark)) is not None:
        return same
    path = here.folder.frame(id, frame)
    if not is_own(path):
        raise Refused(404, "The picture's file is gone.")
    shown = await here.seen.have(mark, lambda: here.desk.ask("show", {"file": str(path), "side": side, "exact": exact}))
    return picture(shown.content, shown.told["type"], mark)


async def _moment(here: Studio, request: Request, id: str, asked: dict[str, Any]) -> Response:
    mark = tag(id, "at", asked)
    if (same := unchanged(request, mark)) is not None:
        return same
    path = here.folder.clip(id)
    if not is_own(path):
        raise Refused(404, "The picture's file is gone.")
    shown = await here.seen.have(mark, lambda: here.desk.ask("moment", {"file": str(path)} | asked))
    return picture(shown.content, shown.told["type"], mark)


def known(here: Here, visitor: str, id: str) -> Picture:
    """A visitor's picture. Raises Refused."""
    if (found := here.store.picture(visitor, id)) is None:
        raise Refused(404, "There is no such picture.")
    return found
