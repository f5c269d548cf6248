"""A studio for tests: served on a socket of its own, its desk in this process, its painter without torch."""

import asyncio
import contextlib
import io
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import numpy as np
import pytest
import torch
import uvicorn
from PIL import Image

from impasto import errors
from impasto.pictures.codecs import save
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.web import painter, server
from impasto.web.app import app_of
from impasto.web.config import Config
from impasto.web.desk import main as desk_main
from impasto.web.desk.client import Answer
from impasto.web.intake import Intake
from impasto.web.punctual import Punctual
from impasto.web.studio import Studio
from tests.clips import clip, drawn

TOKEN = "the-token-of-the-tests"
JSON = dict[str, Any]
_OPEN: list[httpx2.Client] = []
"""Clients that are to be closed."""


def png(array: Any) -> bytes:
    """An array as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


class HereDesk:
    """What a desk does, in this process."""

    replaced, pid, ready = 0, None, True

    def __init__(self, name: str) -> None:
        self.name = name

    async def ask(self, what: str, arguments: Mapping[str, Any], *, urgency: int = 1) -> Answer:
        told, content = await asyncio.to_thread(desk_main._done, {"do": what, **arguments})
        if "failed" in told:
            raise getattr(errors, told["error"], RuntimeError)(told["failed"])
        return Answer(told, content)

    async def readiness(self) -> JSON:
        return {"networks": [{"name": "multi", "styles": ["one", "two"], "any": False}]}

    async def warm(self) -> None: ...

    async def close(self) -> None: ...


class DrawnProcess:
    """In place of a `Process`: iterations that take a moment, and a grey picture that becomes lighter."""

    begun: ClassVar[list[JSON]] = []
    step = 0.01
    dies_after: int | None = None
    """Iterations until its death."""
    pids = itertools.count(1)

    def __init__(self, work: str = "", arguments: Any = None, *, ready: str = "") -> None:
        self.outcome, self.failure, self.error, self.alive = "running", "", "", True
        self.pid = next(self.pids)
        self._stop, self._done = threading.Event(), 0

    def __enter__(self) -> "DrawnProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, work: str, arguments: Mapping[str, Any]) -> None:
        assert self.alive
        self._job, self._done, self.outcome = arguments["job"], 0, "running"
        DrawnProcess.begun.append({**arguments, "pid": self.pid})

    def events(self) -> Iterator[Progress]:
        count = self._job["settings"].get("iterations", 4)
        for self._done in range(1, count + 1):
            if self._stop.wait(self.step):
                self._write()
                self.outcome = "cancelled"
                return
            if self._done == self.dies_after:
                self.outcome, self.failure = "died", "Its process was killed, most likely for want of memory."
                return
            yield Progress(
                self._done / count, "painting", iteration=self._done, losses={"total": 1.0}, width=8, height=6
            )
        self._write()
        self.outcome = "done"

    def lend(self, path: Path, timeout: float | None = None) -> bool:
        ends = time.monotonic() + (timeout or 0)  # as a real one answers with its next step
        while not self._done and self.outcome == "running" and time.monotonic() < ends:
            time.sleep(0.005)
        if self._done:
            save(self._grey(), path, force=True)
        return bool(self._done)

    def _grey(self) -> Picture:
        return Picture(torch.full((1, 3, 24, 32), min(1.0, self._done / 100)))

    def _write(self) -> None:
        output = Path(self._job["delivery"]["output"])
        if self._job["task"] == "video":
            save(self._grey(), output.with_name("so-far.jpg"), force=True)
            clip(output, drawn(self._done or 1), sound="aac")
        else:
            save(self._grey(), output, force=True)
        Path(f"{output}.json").write_text('{"width": 32, "height": 24}')

    def held(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def said(self) -> str:
        return "impasto: The painting is small.\nand something else\n"

    def cancel(self, grace: float = 3.0) -> None:
        self._stop.set()

    pause = cancel

    def close(self) -> None:
        self.alive = False


class Visit:
    """A client with a token, and with what tests often do."""

    def __init__(self, base: str, token: str | None = TOKEN) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=base, headers=headers, timeout=60, trust_env=False)
        self.base = base
        _OPEN.append(self.http)

    def send(self, content: bytes, kind: str = "photo", name: str = "a.png", status: int = 201) -> JSON:
        answer = self.http.put("/api/pictures", params={"kind": kind, "name": name}, content=content)
        assert answer.status_code == status, answer.text
        found: JSON = answer.json()
        return found

    def pair(self) -> tuple[str, str]:
        """The ids of a photograph and a painting."""
        return self.send(noise(64))["id"], self.send(noise(70), "painting")["id"]

    def ask(self, status: int = 201, **asked: Any) -> JSON:
        """Ask for a job, of the pair if no pictures are named."""
        if "photo" not in asked:
            asked["photo"], style = self.pair()
            asked.setdefault("styles", [{"painting": style}])
        answer = self.http.post("/api/jobs", json=asked)
        assert answer.status_code == status, answer.text
        found: JSON = answer.json()
        return found

    def job(self, id: str) -> JSON:
        found: JSON = self.http.get(f"/api/jobs/{id}").json()
        return found

    def until(self, id: str, done: Callable[[JSON], bool] | str, within: float = 60) -> JSON:
        """A job, once it is as it should be."""
        wanted = (lambda job: job["state"] == done) if isinstance(done, str) else done
        ends = time.monotonic() + within
        while not wanted(job := self.job(id)):
            assert time.monotonic() < ends, job
            time.sleep(0.03)
        return job


@contextlib.contextmanager
def served(folder: Path, **options: Any) -> Iterator[tuple[Visit, Studio]]:
    """A studio with a desk of this process and a painter that draws, on a port of its own."""
    before = len(_OPEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painter, "Process", DrawnProcess)
        config = Config(folder, port=0, token=TOKEN, **options)
        listening = server._listening(config)
        config = replace(config, port=listening.getsockname()[1])
        studio = Studio.of(config)
        studio.desk, studio.easel = HereDesk("pictures"), HereDesk("easel")  # type: ignore[assignment]
        studio.intake = Intake(config, studio.folder, studio.store, studio.desk)
        own = uvicorn.Config(app_of(studio), log_config=None, http=Punctual, timeout_graceful_shutdown=2)
        running = server._Server(studio, own)
        thread = threading.Thread(target=running.run, args=[[listening]], daemon=True)
        thread.start()
        visit = Visit(f"http://127.0.0.1:{config.port}")
        try:
            while not running.started:
                time.sleep(0.01)
            yield visit, studio
        finally:
            while len(_OPEN) > before:
                _OPEN.pop().close()
            studio.hub.close()
            running.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def noise(side: int) -> bytes:
    """A picture that no two tests have in common."""
    return png(np.random.default_rng().integers(0, 255, (side, side, 3), np.uint8))
