"""What can be chosen, and how it looks on a photograph."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from impasto._version import __version__
from impasto.web.choices import choices
from impasto.web.folder import tag
from impasto.web.models import Choices, Id, Index, LearntNetwork, Network
from impasto.web.routes.here import PASSING, PICTURE, PROBLEMS, Here, Visitor, file_of, picture, unchanged

router = APIRouter(prefix="/api", tags=["choices"], responses=PROBLEMS)

Side = Annotated[int, Query(ge=16, le=512)]


@router.get("/choices")
async def all_choices(here: Here, visitor: Visitor) -> Choices:
    """Recipes, networks with their learnt styles, and settings with what they are and apply to."""
    told = (await here.easel.readiness())["networks"]
    return choices([LearntNetwork.model_validate(each) for each in told])


@router.get("/learnt/{network}/{index}", response_class=Response, responses=PICTURE)
async def learnt(
    network: Annotated[Network, Path()],
    index: Annotated[Index, Path()],
    request: Request,
    here: Here,
    visitor: Visitor,
    *,
    photo: Id,
    side: Side = 128,
) -> Response:
    """A photograph in a learnt style, small."""
    painted = {"style_index": index, "name": network}
    return await _shown(here, visitor, request, photo, side, **painted)


@router.get("/paintings/{id}", response_class=Response, responses=PICTURE)
async def painting(
    id: Annotated[Id, Path()], request: Request, here: Here, visitor: Visitor, *, photo: Id, side: Side = 128
) -> Response:
    """A photograph in the style of a painting, small."""
    return await _shown(here, visitor, request, photo, side, styles=[[file_of(here, visitor, id), 1.0]])


async def _shown(here: Here, visitor: str, request: Request, photo: str, side: int, **style: Any) -> Response:
    file = file_of(here, visitor, photo)
    # Another version's networks may paint otherwise.
    mark = tag(__version__, photo, side, sorted(style.items()))
    if (same := unchanged(request, mark, PASSING)) is not None:
        return same
    shown = await here.seen.have(
        mark, lambda: here.easel.ask("paint", {"photo": file, "size": side, **style}, urgency=2)
    )
    return picture(shown.content, shown.told["type"], mark, PASSING)
