"""How long one user waits in the studio, on a machine that does nothing else: medians, as a table.

    python -m benchmarks.web_latency              takes some minutes
    python -m benchmarks.web_latency --times 3

The small picture is what a page asks for at once (256 pixels), the sharp one (512) what it asks for when the
dial rests, some 150 ms later. Times are those of the requests, with the picture in hand.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2

from benchmarks.web_load import TOKEN, picture, studio

SMALL, SHARP = 256, 512
LATE = 120.0


class Client:
    """One user, with a photograph."""

    def __init__(self, base: str) -> None:
        own = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx2.Client(base_url=base, headers=own, timeout=LATE, trust_env=False)
        self.photo = self.sent("photo", 1)
        self._seeds, self._strengths = itertools.count(2), itertools.cycle(step / 100 for step in range(20, 90, 7))

    def sent(self, kind: str, seed: int) -> str:
        answer = self.http.put("/api/pictures", params={"kind": kind}, content=picture(1024, seed))
        answer.raise_for_status()
        id: str = answer.json()["id"]
        return id

    def painting(self) -> str:
        """One that nobody has seen."""
        return self.sent("painting", next(self._seeds))

    def preview(self, painting: str, size: int, strength: float) -> float:
        """The seconds that a preview takes."""
        asked = {
            "photo": self.photo,
            "styles": [{"painting": painting}],
            "size": size,
            "strength": strength,
            "page": "1",
        }
        began = time.perf_counter()
        self.http.post("/api/preview", json=asked).raise_for_status()
        return time.perf_counter() - began

    def moved(self, painting: str) -> tuple[float, float]:
        """A dial at another place: the seconds of the small picture, and of the sharp one."""
        strength = next(self._strengths)
        return self.preview(painting, SMALL, strength), self.preview(painting, SHARP, strength)

    def changed(self) -> tuple[float, float]:
        """The same for another painting."""
        painting = self.painting()
        return self.preview(painting, SMALL, 0.5), self.preview(painting, SHARP, 0.5)

    def begun(self, painting: str) -> tuple[str, float]:
        """A job that does not end, and the seconds until its first picture."""
        asked = {"photo": self.photo, "styles": [{"painting": painting}], "settings": {"iterations": 5000}}
        began = time.perf_counter()
        id: str = self.http.post("/api/jobs", json=asked).raise_for_status().json()["id"]
        self._until(id, lambda job: job["revision"] > 0)
        self._picture(id)
        return id, time.perf_counter() - began

    def cancelled(self, id: str) -> float:
        """The seconds from asking until the picture so far is there for good."""
        began = time.perf_counter()
        self.http.post(f"/api/jobs/{id}/cancel").raise_for_status()
        self._until(id, lambda job: job["state"] == "cancelled")
        self._picture(id)
        return time.perf_counter() - began

    def _until(self, id: str, true: Callable[[dict[str, Any]], bool]) -> None:
        ends = time.monotonic() + LATE
        while not true(self.http.get(f"/api/jobs/{id}").raise_for_status().json()):
            if time.monotonic() > ends:
                raise TimeoutError(f"Job {id} is not as it should be after {LATE:g} s.")
            time.sleep(0.01)

    def _picture(self, id: str) -> None:
        self.http.get(f"/api/jobs/{id}/picture").raise_for_status()


def measured(client: Client, times: int) -> dict[str, list[float]]:
    """All that a user waits for, so many times."""
    own = client.painting()
    client.moved(own)  # what is made once
    moved = [client.moved(own) for _ in range(times)]
    changed = [client.changed() for _ in range(times)]
    first, cancels, during = [], [], []
    for _ in range(max(2, times // 3)):
        job, seconds = client.begun(own)
        first.append(seconds)
        time.sleep(3)  # it is well on its way, and the next process to paint is ready
        during += [client.moved(own) for _ in range(3)]
        time.sleep(1)
        cancels.append(client.cancelled(job))
    told: dict[str, list[float]] = {}
    for name, pairs in (("dial moved", moved), ("painting changed", changed), ("dial moved, a job painting", during)):
        told[f"preview, {name}: small"] = [small for small, _ in pairs]
        told[f"preview, {name}: sharp"] = [sharp for _, sharp in pairs]
    return told | {"job: first picture": first, "job: stopped, its picture kept": cancels}


def main() -> int:
    """Start a studio, wait for it as a user does, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=15, help="how often each is done")
    options = parser.parse_args()
    with studio() as (base, _):
        told = measured(Client(base), max(1, options.times))
    print(f"| {'what':44} | median | most | n |\n| --- | --- | --- | --- |")
    for name, seconds in told.items():
        print(f"| {name:44} | {statistics.median(seconds):.3f} s | {max(seconds):.3f} s | {len(seconds)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
