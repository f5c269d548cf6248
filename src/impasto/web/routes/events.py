"""One stream of events for every page that is open."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from impasto._version import __version__
from impasto.web.hub import Listener
from impasto.web.models import Hello, Problem
from impasto.web.routes.here import PROBLEMS, Here, Visitor

router = APIRouter(
    tags=["events"],
    responses={
        401: PROBLEMS[401],
        403: PROBLEMS[403],
        429: {"model": Problem, "description": "Too many pages listen."},
    },
)


async def _listener(here: Here, visitor: Visitor) -> AsyncIterator[Listener]:
    with here.hub.listening(visitor) as listener:  # refused, if at all, before anything is answered
        yield listener


@router.get("/api/events", response_class=EventSourceResponse)
async def events(listener: Annotated[Listener, Depends(_listener)]) -> AsyncIterator[ServerSentEvent]:
    """`hello` first; then `job` with a job whenever something about it has changed, `picture` with one that
    was sent, and `removed` with the id of what is gone. Between them, comments keep the line open.
    """
    yield ServerSentEvent(event="hello", data=Hello(version=__version__))
    async for event, data in listener.events():
        yield ServerSentEvent(event=event, data=data)
