"""What every request passes before anything else looks at it.

A page of another origin must not be able to do anything with the studio, whatever it makes a browser send:

- the Host must be one that the studio is known by, or else a name that was rebound to this machine would make
  a foreign page the studio's own;
- what changes something must not come from another origin: it has no Origin, or the studio's;
- all but the page itself, which anybody may be led to, needs a secret: the cookie, which is not sent along
  with requests of other sites (SameSite=Strict), or the header Authorization, which these cannot set.
"""

import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from impasto.web.config import Config
from impasto.web.patience import Patient
from impasto.web.refusals import answer
from impasto.web.sessions import Sessions

log = logging.getLogger("impasto.web.access")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE = ("GET", "HEAD")
_SENDING = ("POST", "PUT", "DELETE")
_GONE = 499
"""What is told of a request whose client has gone before it was all there, as proxies tell it."""


class Guard:
    """The outermost part of the app."""

    def __init__(
        self, app: ASGIApp, config: Config, sessions: Sessions, count: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """``count`` is told of every request that was answered."""
        self._app, self._sessions, self._count = app, sessions, count
        self._hosts, self._root = config.allowed(), config.root_path
        self._most = {"/api/pictures": config.max_upload, "/api/clips": config.max_clip}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # there are no web sockets
            return await send({"type": "websocket.close", "code": 1008})
        scope["root_path"] = self._root  # whether a proxy has taken it off the path or not
        began, status, begun = time.monotonic(), 500, False

        async def sent(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                message["headers"] = headers.raw
            await send(message)

        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        try:
            path = _path(scope)
            most = self._most.get(path, 2**20)
            if (refused := self._refused(scope, path, state)) is not None:
                await refused(scope, receive, sent)
            else:
                await self._app(scope, Patient(receive, most), sent)
        except ClientDisconnect:  # nobody is there to be answered
            status = _GONE
        except Exception:  # a mistake of ours
            log.exception("request failed")
            if begun:
                raise
            await answer(500, "This should not have happened: see the server's log.")(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # no ids, and nothing that others have made up
            seconds = round(time.monotonic() - began, 4)
            method = scope["method"] if scope["method"] in (*_SAFE, *_SENDING) else "other"
            told = {"method": method, "route": route, "status": status, "seconds": seconds}
            log.info("request", extra=told)
            self._count(told)
        return None

    def _refused(self, scope: Scope, path: str, state: MutableMapping[str, Any]) -> ASGIApp | None:
        """The answer to what goes no further."""
        headers, method = Headers(scope=scope), scope["method"]
        host = headers.get("host", "")
        if self._root and path == self._root:  # what the page names is beside it, and needs the slash
            return RedirectResponse(f"{self._root}/", 308)
        if _name(host) not in self._hosts or len(headers.getlist("host")) != 1:
            return answer(403, "The studio is not known by this name: start it with this `host`, too.")
        if method not in (*_SAFE, *_SENDING):
            return answer(405, "There is no such method.", headers={"Allow": ", ".join((*_SAFE, *_SENDING))})
        if method in _SENDING and not _is_own(headers, host):
            return answer(403, "This came from another page than the studio's.")
        secret = self._secret(scope, headers)
        state["visitor"] = self._sessions.visitor(secret)
        if state["visitor"] is None and not _is_public(method, path):
            told = {"WWW-Authenticate": "Bearer"}
            return answer(401, "Open the address that `impasto web` has printed: it has the token in it.", headers=told)
        return None

    def _secret(self, scope: Scope, headers: Headers) -> str | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
        return HTTPConnection(scope).cookies.get(self._sessions.cookie)


def _is_public(method: str, path: str) -> bool:
    """What needs no secret: the page, which knows nothing; and showing the token."""
    if method in _SAFE:
        return path in ("/", "/healthz", "/favicon.ico") or path.startswith("/assets/")
    return method == "POST" and path == "/api/session"


def _is_own(headers: Headers, host: str) -> bool:
    """Whether a request that changes something comes from the studio's own page, or from no page."""
    origin = headers.get("origin")
    if origin is not None:
        return _netloc(origin) == host.lower() != ""
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _path(scope: Scope) -> str:
    """The path as routes have it, without what a proxy has put before it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _netloc(origin: str) -> str:
    """What is between an Origin's slashes, in small letters; nothing of what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    """A Host without its port, in small letters.

    >>> _name("LocalHost:7860"), _name("[::1]:80"), _name("a.b"), _name("[::1")
    ('localhost', '::1', 'a.b', '')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
