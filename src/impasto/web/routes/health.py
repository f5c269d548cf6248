"""How the server itself is, for those that watch over it."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from impasto.web.metrics import TYPE
from impasto.web.routes.here import PROBLEMS, Here, Visitor

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> str:
    """Whether it answers."""
    return "ok"


@router.get("/metrics", response_class=PlainTextResponse, responses={401: PROBLEMS[401], 403: PROBLEMS[403]})
async def metrics(here: Here, visitor: Visitor) -> Response:
    """Numbers for Prometheus."""
    return Response(here.measured(), media_type=TYPE)
