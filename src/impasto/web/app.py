"""The app: the routes behind the guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from impasto._version import __version__
from impasto.web import page
from impasto.web.guard import Guard
from impasto.web.refusals import tell_of_errors
from impasto.web.routes import choices, events, health, jobs, pictures, preview, session
from impasto.web.studio import Studio

_ABOUT = """Paintings of photographs and clips: send them, ask for previews and jobs, watch them being painted.

Scripts send the token that the studio has printed as `Authorization: Bearer TOKEN`."""


def app_of(studio: Studio) -> FastAPI:
    """The app of a studio, which is opened and closed with it."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        studio.open()
        yield
        await studio.close()

    app = FastAPI(
        title="Impasto",
        version=__version__,
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # they would be fetched from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    app.state.studio = studio
    tell_of_errors(app, studio.folder.told)
    routers = [each.router for each in (session, choices, pictures, preview, jobs, events, health)]
    for router in (*routers, pictures.clips):
        app.include_router(router)
    app.include_router(page.router())
    app.add_middleware(Guard, config=studio.config, sessions=studio.sessions, count=studio.metrics.count_request)
    return app
