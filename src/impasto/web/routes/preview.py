"""Previews by the fast method."""

import time
from contextlib import nullcontext

from fastapi import APIRouter, Response

from impasto.errors import SettingsError
from impasto.web.desk.client import Answer
from impasto.web.models import PreviewRequest, Problem
from impasto.web.routes.here import PICTURE, PROBLEMS, Here, Visitor, file_of

router = APIRouter(prefix="/api/preview", tags=["preview"], responses=PROBLEMS)


@router.post(
    "",
    response_class=Response,
    responses={
        **PICTURE,
        409: {"model": Problem, "description": "A newer one of the same page has come."},
        429: {"model": Problem, "description": "Too many pages ask at once."},
    },
)
async def preview(asked: PreviewRequest, here: Here, visitor: Visitor) -> Response:
    """The photograph in a style, at once. A newer one of the same page takes the place of one that waits."""
    if bool(asked.styles) == bool(asked.style_index):
        raise SettingsError("Give `styles`, or a `style_index` alone.")
    arguments = {
        "photo": file_of(here, visitor, asked.photo, asked.frame),
        "styles": [(file_of(here, visitor, each.painting), each.weight) for each in asked.styles],
        "style_index": asked.style_index,
        "name": asked.network,
        "strength": asked.strength,
        "stroke_size": asked.stroke_size,
        "keep_colour": asked.keep_colour,
        "size": asked.size,
    }

    async def paint() -> Answer:
        began = time.monotonic()
        with here.painter.aside() if here.easel.ready else nullcontext():
            answer = await here.easel.ask("paint", arguments, urgency=0)
        here.metrics.previews.observe(time.monotonic() - began)
        return answer

    painted = await here.previews.ask(visitor, asked.page, paint)
    return Response(painted.content, media_type=painted.told["type"])
