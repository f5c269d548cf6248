"""What is answered when something is not done: a status and one sentence, whoever raises it."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto.errors import (
    ImageError,
    ImpastoError,
    NotInstalledError,
    OutputError,
    SettingsError,
    VideoError,
    briefly,
)

_STATUS: tuple[tuple[type[ImpastoError], int], ...] = (
    (SettingsError, 422), (ImageError, 415), (VideoError, 415), (NotInstalledError, 501), (OutputError, 507),
)  # fmt: skip

_SAID = {
    "json_invalid": "it is no JSON",
    "missing": "it is missing",
    "extra_forbidden": "there is nothing of that name",
    "string_pattern_mismatch": "it is no id or name of the studio's",
}
"""What a validator finds, in words for people."""


class Refused(HTTPException):
    """Something that is not done: the status of HTTP, a sentence, and what else the answer says."""

    def __init__(
        self, status: int, error: str, setting: str | None = None, *, retry_after: int | None = None, last: bool = False
    ) -> None:
        """``last`` is for what ends the connection, too."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        headers |= {"Connection": "close"} if last else {}
        super().__init__(status, error, headers)
        self.setting = setting


def answer(status: int, error: str, setting: str | None = None, headers: Any = None) -> JSONResponse:
    """A `models.Problem`."""
    return JSONResponse({"error": error, "setting": setting}, status, headers)


def tell_of_errors(app: FastAPI, told: Callable[[str], str]) -> None:
    """Let all that an app raises be answered by a `models.Problem`, as it is ``told`` to clients."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(error.status_code, error.detail, getattr(error, "setting", None), error.headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
        if first["type"] == "json_invalid":  # where its text ends to be any
            place = []
        where = f"`{'.'.join(place)}`" if place else "The request"
        said = _SAID.get(first["type"]) or briefly(first["msg"])
        return answer(422, f"{briefly(where)} is not understood: {said}.", place[-1] if place else None)

    async def failed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ImpastoError)
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        named = error.settings if isinstance(error, SettingsError) else ()
        return answer(status, told(str(error)), named[0] if named else None)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ImpastoError, failed)
