"""Sessions: the token for a cookie."""

from importlib.util import find_spec

from fastapi import APIRouter, Request, Response

from impasto._version import __version__
from impasto.web.models import Problem, Session, Token
from impasto.web.refusals import Refused
from impasto.web.routes.here import PROBLEMS, Here, Visitor
from impasto.web.sessions import LASTS

router = APIRouter(prefix="/api/session", tags=["session"])


@router.post("", status_code=204, responses={401: {"model": Problem}, 403: PROBLEMS[403], 422: PROBLEMS[422]})
async def begin(token: Token, request: Request, here: Here) -> Response:
    """Exchange the token for a session, in a cookie. Whoever has a session keeps it."""
    if here.sessions.visitor(token.token) is None:
        raise Refused(401, "This is not the token: open the address that was printed when the studio started.")
    answer = Response(status_code=204)
    own = request.cookies.get(here.sessions.cookie)
    if here.sessions.visitor(own) is None:
        _keep(answer, request, here, here.sessions.begun(token.token) or "")
    return answer


@router.get("", responses={401: PROBLEMS[401], 403: PROBLEMS[403]})
async def session(request: Request, answer: Response, here: Here, visitor: Visitor) -> Session:
    """Who is asking, and what the server allows. A session that is used lasts on."""
    config = here.config
    own = request.cookies.get(here.sessions.cookie)
    if own and here.sessions.renewed(own):
        _keep(answer, request, here, own)
    return Session(
        visitor=visitor, version=__version__, max_upload=config.max_upload, max_size=config.max_size,
        max_clip=config.max_clip, films=find_spec("av") is not None, queue=config.queue, users=config.users,
    )  # fmt: skip


@router.post("/token", status_code=201, responses={401: PROBLEMS[401], 403: PROBLEMS[403]})
async def token(here: Here, visitor: Visitor) -> Token:
    """Another token of the same visitor: for a phone, in the address after `#token=`, or for a script."""
    return Token(token=here.sessions.another(visitor))


def _keep(answer: Response, request: Request, here: Here, secret: str) -> None:
    """Have the browser keep the secret of a session for as long as that lasts."""
    answer.set_cookie(
        here.sessions.cookie,
        secret,
        max_age=int(LASTS.total_seconds()),
        path=f"{here.config.root_path}/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
