"""Photographs, paintings and masks."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from impasto.web.folder import is_own, tag
from impasto.web.models import Kind, Picture, PictureDeleted, Problem
from impasto.web.refusals import Refused
from impasto.web.routes.here import PICTURE, PROBLEMS, Here, Known, Visitor, picture, unchanged

router = APIRouter(prefix="/api/pictures", tags=["pictures"], responses=PROBLEMS)

Side = Annotated[int | None, Query(ge=16, le=8192, description="Long side at the most; the whole size without.")]


@router.put(
    "",
    status_code=201,
    responses={
        200: {"model": Picture, "description": "It was here already."},
        413: {"model": Problem, "description": "More bytes than may be sent."},
        415: {"model": Problem, "description": "No picture."},
        429: {"model": Problem, "description": "Too many are being sent."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}, "image/*": {}}}},
)
async def send(
    request: Request,
    response: Response,
    here: Here,
    visitor: Visitor,
    *,
    kind: Kind,
    name: Annotated[str, Query(max_length=1000)] = "",
) -> Picture:
    """Send a picture: the bytes of its file as the body, of whatever content type."""
    found, new = await here.intake.take(visitor, kind, name, _parts(request))
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
async def pictures(here: Here, visitor: Visitor, kind: Kind | None = None) -> list[Picture]:
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
async def file(id: Known, request: Request, here: Here, visitor: Visitor, side: Side = None) -> Response:
    """The picture itself: JPEG, or PNG where it is a mask or transparent."""
    exact = known(here, visitor, id).kind == "mask"
    mark = tag(id, side)
    if (same := unchanged(request, mark)) is not None:
        return same
    path = here.folder.picture(id)
    if not is_own(path):
        raise Refused(404, "The picture's file is gone.")
    shown = await here.seen.have(mark, lambda: here.desk.ask("show", {"file": str(path), "side": side, "exact": exact}))
    return picture(shown.content, shown.told["type"], mark)


def known(here: Here, visitor: str, id: str) -> Picture:
    """A visitor's picture. Raises Refused."""
    if (found := here.store.picture(visitor, id)) is None:
        raise Refused(404, "There is no such picture.")
    return found
