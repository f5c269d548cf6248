"""A studio as a client sees it: the API of the page (docs/api.md), for a batch to be painted there."""

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

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


class GoneError(OutputError):
    """The studio does not answer, or not to this token: no item would fare better."""


class Studio:
    """A studio by the address that `impasto web` prints, with or without its token."""

    def __init__(self, address: str) -> None:
        """Raises SettingsError for what is no such address, or without a token."""
        parts = urllib.parse.urlsplit(address)
        given = urllib.parse.parse_qs(parts.fragment).get("token", [])
        self._token = given[0] if given else os.environ.get(TOKEN, "")
        self.made = False
        """Whether the latest answer was that something has been made, and was not there already."""
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError(f"`server` takes the address that the studio prints, not {briefly(address)!r}.")
        if not self._token:
            raise SettingsError(f"`server` needs the studio's token: give the whole address, or set {TOKEN}.")

    def ask(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> bytes:
        """What the studio answers, whole. Where it is busy, it is asked again when it says.

        Raises GoneError; and for what it refuses, in its own words, ImageError for what is no picture, and
        SettingsError.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/octet-stream"}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.address + path, body, headers, method=method)
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(request, timeout=_SLOWEST) as answer:  # which is http
                    content: bytes = answer.read()
                    self.made = answer.status == http.HTTPStatus.CREATED
                    return content
            except urllib.error.HTTPError as error:
                with error:
                    told = error.read()
                if error.code not in (429, 503):
                    raise _refused(error.code, told) from None
                wait = error.headers.get("Retry-After", "")
                _wait(float(wait) if wait.isdigit() else _AGAIN)
                ends = time.monotonic() + PATIENCE
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > ends:
                    raise GoneError(
                        f"The studio at {self.address} does not answer ({briefly(error)}): begin it again."
                    ) from error
                _wait(_AGAIN)

    def told(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> dict[str, Any]:
        """The same, of an answer that is JSON."""
        found: dict[str, Any] = json.loads(self.ask(method, path, body))
        return found


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        if interrupts.asked():
            raise KeyboardInterrupt


def _refused(status: int, content: bytes) -> ImpastoError:
    try:
        sentence = str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        sentence = f"The studio answered {status}."
    if status == 401:
        return GoneError(f"The studio does not know this token: give the whole address that it prints, or set {TOKEN}.")
    if status == 403:
        return GoneError(sentence)
    return ImageError(sentence) if status == 415 else SettingsError(sentence)
