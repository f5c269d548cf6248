"""A studio as a client sees it: the API of the page (docs/api.md), for a batch to be painted there."""

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from impasto.errors import ImageError, ImpastoError, OutputError, SettingsError, briefly
from impasto.machine import interrupts

TOKEN = "IMPASTO_TOKEN"
"""The variable that has the token where the address has none."""
PATIENCE = 60.0
"""Seconds that a studio may be away, for an update, say, before the batch ends."""
_AGAIN = 2.0
"""Seconds between two tries, where the studio says nothing of them."""
_SLOWEST = 120.0
"""Seconds that an answer may take."""
_PLAIN = (401, 403, 413)
"""What is believed also of a proxy: the token is none, or the photograph too large."""
_Read = TypeVar("_Read")


class GoneError(OutputError):
    """The studio does not answer, or not to this token: no item would fare better."""


class _BusyError(Exception):
    """The studio is to be asked again in so many ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _ForeignError(Exception):
    """What has answered is no studio."""


class _Faithful(urllib.request.HTTPRedirectHandler):
    """Goes where an answer leads, but to no other server: the token would go along."""

    def redirect_request(self, req: urllib.request.Request, *rest: Any) -> urllib.request.Request | None:
        there, here = (urllib.parse.urlsplit(url) for url in (rest[-1], req.full_url))
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise _ForeignError(f"it leads to {briefly(there.netloc)}, which is not given the token")
        return super().redirect_request(req, *rest)


class Studio:
    """A studio by the address that `impasto web` prints, with or without its token."""

    def __init__(self, address: str) -> None:
        """Raises SettingsError for what is no such address, or without a token."""
        parts = urllib.parse.urlsplit(address)
        given = re.search(r"(?:^|&)token=([^&]+)", parts.fragment)  # no form, where a plus is a blank
        self._token = urllib.parse.unquote(given[1]) if given else os.environ.get(TOKEN, "")
        self._opener = urllib.request.build_opener(_Faithful)
        self.made = False
        """Whether the latest answer was that something has been made, and was not there already."""
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError(f"`server` takes the address that the studio prints, not {briefly(address)!r}.")
        if not self._token:
            raise SettingsError(f"`server` needs the studio's token: give the whole address, or set {TOKEN}.")

    @cached_property
    def _limits(self) -> dict[str, Any]:
        return self.told("GET", "/api/session")

    def check_bytes(self, count: int, name: str, *, clip: bool) -> None:
        """Raises SettingsError for more bytes of a picture, or of a ``clip``, than may be sent: whom a studio
        refuses in the middle of sending finds the connection broken, and not the answer.
        """
        limit = "max_clip" if clip else "max_upload"
        most = self._limits.get(limit)
        if isinstance(most, int) and count > most:
            raise SettingsError(
                f"{name} has {count / 2**20:.1f} MB, and this studio takes {most / 2**20:.1f} MB at a time: begin it with a "
                f"larger `{limit}`, or paint this one without `server`."
            )

    def ask(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> bytes:
        """What the studio answers, whole. Where it is busy, it is asked again when it says; where it is away,
        or a proxy answers in its place, for `PATIENCE`.

        Raises GoneError; and for what it refuses, in its own words, ImageError for what is no picture, and
        SettingsError.
        """
        return self._answered(method, path, body, bytes)

    def told(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> dict[str, Any]:
        """The same, of an answer that is JSON."""
        return self._answered(method, path, body, _parsed)

    def _answered(
        self, method: str, path: str, body: bytes | dict[str, Any] | None, read: Callable[[bytes], _Read]
    ) -> _Read:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/octet-stream"}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.address + path, body, headers, method=method)
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return self._once(request, read)
            except _BusyError as busy:
                _wait(busy.seconds)
                ends = time.monotonic() + PATIENCE
            except (OSError, http.client.HTTPException, _ForeignError) as error:
                if time.monotonic() > ends:
                    raise GoneError(
                        f"The studio at {self.address} does not answer ({briefly(error)}): begin it again, or give "
                        "the address that it prints."
                    ) from error
                _wait(_AGAIN)

    def _once(self, request: urllib.request.Request, read: Callable[[bytes], _Read]) -> _Read:
        """One answer. Raises, besides, _BusyError, and OSError, HTTPException and _ForeignError for none."""
        try:
            with self._opener.open(request, timeout=_SLOWEST) as answer:  # which is http
                content: bytes = answer.read()
                if answer.headers.get_content_type() == "text/html":  # a proxy's, or of no studio
                    raise _ForeignError("a page for people came, and no answer of a studio")
                found = read(content)
                self.made = answer.status == http.HTTPStatus.CREATED
                return found
        except urllib.error.HTTPError as error:
            with error:
                sentence = _sentence(error.read())
            wait = error.headers.get("Retry-After", "")
            if error.code == 429 or (error.code == 503 and sentence and wait):
                raise _BusyError(float(wait) if wait.isdecimal() else _AGAIN) from None
            if error.code == 503 or not (sentence or error.code in _PLAIN):
                raise  # which a proxy says
            raise _refused(error.code, sentence) from None


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        if interrupts.asked():
            raise KeyboardInterrupt


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _ForeignError("what came is no JSON of a studio")
    return found


def _sentence(content: bytes) -> str:
    """What a studio says of a refusal; nothing of what is not in its words."""
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _refused(status: int, sentence: str) -> ImpastoError:
    sentence = sentence or f"The studio answered {status}."
    if status == 401:
        return GoneError(f"The studio does not know this token: give the whole address that it prints, or set {TOKEN}.")
    if status == 403:
        return GoneError(sentence)
    return ImageError(sentence) if status == 415 else SettingsError(sentence)
