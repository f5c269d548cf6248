"""One stream of events for every page that is open."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from impasto._version import __version__
from impasto.web.models import Hello
from impasto.web.routes.here import PROBLEMS, Here, Visitor

router = APIRouter(tags=["events"], responses={401: PROBLEMS[401], 403: PROBLEMS[403]})


@router.get("/api/events", response_class=EventSourceResponse)
async def events(here: Here, visitor: Visitor) -> AsyncIterator[ServerSentEvent]:
    """`hello` first; then `job` with a job whenever something about it has changed, `picture` with one that
    was sent, and `removed` with the id of what is gone. Between them, comments keep the line open.
    """
    with here.hub.listening(visitor) as listener:
        yield ServerSentEvent(event="hello", data=Hello(version=__version__))
        async for event, data in listener.events():
            yield ServerSentEvent(event=event, data=data)
