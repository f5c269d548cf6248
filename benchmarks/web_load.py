"""The studio under load: many clients with previews and jobs for some minutes, on this machine alone.

    python -m benchmarks.web_load                  fifty clients, 500 previews, 20 jobs, five minutes
    python -m benchmarks.web_load --seconds 30 --clients 10 --previews 50 --jobs 4

Tells how long previews, first pictures and cancels take, what was answered, and whether memory stays flat.
Nothing may be answered but what was asked for, or 429 and 409 (a newer preview of the same page); 0 is
no answer in time.
"""

import argparse
import asyncio
import contextlib
import io
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np
import psutil
from PIL import Image

TOKEN = "load"
_LATE = 60.0
"""Seconds that what was asked for may take after the end."""
ALLOWED = {200, 201, 202, 204, 304, 409, 429}


@dataclass
class Seen:
    """What all clients saw together."""

    answers: Counter[int] = field(default_factory=Counter)
    previews: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


def picture(side: int, seed: int) -> bytes:
    """Soft noise that no other is like, of 3 : 2 as cameras take it, as the bytes of a JPEG."""
    small = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((side, round(side * 2 / 3)), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


async def client(number: int, base: str, seen: Seen, options: argparse.Namespace, ends: float) -> None:
    """One visitor: two pictures, previews at odd moments, and now and then a job."""
    chance = random.Random(number)
    own = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=base, headers=own, timeout=120, trust_env=False) as http:

        async def ask(method: str, path: str, **also: Any) -> httpx2.Response:
            try:
                answer = await http.request(method, path, **also)
            except httpx2.TimeoutException:
                answer = httpx2.Response(0, json={"state": "unknown", "revision": 0, "id": ""})
            seen.answers[answer.status_code] += 1
            return answer

        async def sent(kind: str, seed: int) -> str:
            while (
                answer := await ask("PUT", f"/api/pictures?kind={kind}", content=picture(640, seed))
            ).status_code == 429:
                await asyncio.sleep(float(answer.headers["retry-after"]))
            id: str = answer.json()["id"]
            return id

        photo, painting = await sent("photo", number), await sent("painting", number % 5 + 10_000)
        styles = [{"painting": painting}]
        previews = options.previews // options.clients
        jobs = options.jobs // options.clients + (number < options.jobs % options.clients)
        moments = sorted(
            [(chance.random(), "preview") for _ in range(previews)]
            + [(chance.random() * 0.7, "job") for _ in range(jobs)]
        )
        began, span = time.monotonic(), max(0.0, ends - time.monotonic() - 5)
        for share, what in moments:
            await asyncio.sleep(max(0.0, began + share * span - time.monotonic()))
            if time.monotonic() > ends:  # answers have come slower than they are asked for
                return
            asked = time.monotonic()
            if what == "preview":
                body = {
                    "photo": photo,
                    "styles": styles,
                    "strength": round(chance.random(), 2),
                    "page": f"page{number}",
                }
                if (await ask("POST", "/api/preview", json=body)).status_code == 200:
                    seen.previews.append(time.monotonic() - asked)
            else:
                body = {"photo": photo, "styles": styles, "settings": {"size": 256, "iterations": options.iterations}}
                answer = await ask("POST", "/api/jobs", json=body)
                if answer.status_code == 201:
                    await watched(ask, answer.json()["id"], seen, ends, cancel=chance.random() < 0.3)


async def watched(ask: Any, id: str, seen: Seen, ends: float, *, cancel: bool) -> None:
    """A job to its end, or until it is cancelled after its first picture."""
    began = cancelled = None
    while time.monotonic() < ends:
        job = (await ask("GET", f"/api/jobs/{id}")).json()
        if job["state"] == "running" and began is None:
            began = time.monotonic()
        if job["revision"] and began is not None:
            seen.first.append(time.monotonic() - began)
            began = float("nan")
            if cancel:
                cancelled = time.monotonic()
                await ask("POST", f"/api/jobs/{id}/cancel")
        if job["state"] not in ("waiting", "running"):
            if cancelled is not None:
                seen.cancels.append(time.monotonic() - cancelled)
            return
        await asyncio.sleep(0.2)


async def measured(process: psutil.Process, seen: Seen, ends: float) -> None:
    """The memory of the server, and of all its processes together, every second."""
    while time.monotonic() < ends:
        held = [process.memory_info().rss]
        for child in process.children(recursive=True):
            try:
                held.append(child.memory_info().rss)
            except psutil.Error:
                continue
        seen.memory.append((held[0], sum(held)))
        await asyncio.sleep(1)


def told(name: str, seconds: list[float]) -> str:
    """A line of figures."""
    usable = sorted(each for each in seconds if not math.isnan(each))
    if not usable:
        return f"{name}: none"
    return f"{name}: {len(usable)}, median {statistics.median(usable):.2f} s, 95 % {usable[int(0.95 * (len(usable) - 1))]:.2f} s, most {usable[-1]:.2f} s"


@contextlib.contextmanager
def studio() -> Iterator[tuple[str, psutil.Process]]:
    """A studio of its own, ready for previews: where it is, and its process."""
    words = [sys.executable, "-c", "from impasto.cli import app; app()", "web", "--no-open", "--port", "0"]
    environment = os.environ | {"IMPASTO_WEB_TOKEN": TOKEN}
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w") as nowhere,  # noqa: PTH123 - no path, a device
        subprocess.Popen(
            [*words, "--folder", folder], stdout=subprocess.PIPE, stderr=nowhere, text=True, env=environment
        ) as process,
    ):
        assert process.stdout
        base = process.stdout.readline().partition("/#")[0]
        try:
            own = {"Authorization": f"Bearer {TOKEN}"}
            httpx2.get(f"{base}/api/choices", headers=own, timeout=300, trust_env=False)
            yield base, psutil.Process(process.pid)
        finally:
            process.terminate()


async def load(base: str, process: psutil.Process, options: argparse.Namespace) -> Seen:
    """All clients at once."""
    seen, ends = Seen(), time.monotonic() + options.seconds
    clients = [asyncio.create_task(client(number, base, seen, options, ends)) for number in range(options.clients)]
    measuring = asyncio.create_task(measured(process, seen, ends))
    done, late = await asyncio.wait(clients, timeout=options.seconds + _LATE)
    for each in [*late, measuring]:
        each.cancel()
    await asyncio.gather(*late, measuring, return_exceptions=True)
    for each in done:
        each.result()
    seen.answers.update([0] * len(late))
    return seen


def main() -> int:
    """Start a studio, load it, tell, and end it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seconds", 300), ("clients", 50), ("previews", 500), ("jobs", 20), ("iterations", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    options.seconds = min(options.seconds, 3600)
    with studio() as (base, process):
        seen = asyncio.run(load(base, process, options))
    print("answers:", dict(sorted(seen.answers.items())))
    for name, seconds in (("previews", seen.previews), ("first pictures", seen.first), ("cancels", seen.cancels)):
        print(told(name, seconds))
    third = max(1, len(seen.memory) // 3)
    for name, place in (("the server's memory", 0), ("all processes' memory", 1)):
        early, late = (
            statistics.median(each[place] for each in part) / 2**20
            for part in (seen.memory[:third], seen.memory[-third:])
        )
        print(f"{name}: {early:.0f} MB in the first third, {late:.0f} MB in the last")
    wrong = {status: count for status, count in seen.answers.items() if status not in ALLOWED}
    print("nothing was answered that should not be" if not wrong else f"answered, and should not be: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
