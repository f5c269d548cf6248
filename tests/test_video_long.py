"""Films that take long: killed at random moments and gone on with, and of thousands of frames."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.work import VideoWork
from tests.clips import clip, decoded, drawn, packets
from tests.helpers import painting

pytestmark = pytest.mark.usefixtures("narrow")

KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from impasto.video import unfinished
from impasto.video.fast import Fast
from impasto.video.job import VideoJob
from impasto.video.optimised import Optimised
from impasto.video.work import VideoWork

Fast.LENGTH, Optimised.LENGTH, unfinished.EVERY = 4, 2, 0.0
job, kills, chance = VideoJob.of(json.loads(sys.argv[1])), int(sys.argv[2]), random.Random(8)
parts = Path(job.delivery.output + ".parts")

def begun(job):
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        VideoWork(job, resume=(parts / "film.json").exists(), force=True).finish()
        status = 0
    finally:
        os._exit(status)

began = time.monotonic()
assert os.waitpid(begun(job.to("whole.mkv")), 0)[1] == 0
lasts = time.monotonic() - began
met = resumed = 0
while met < kills:
    resumed += (parts / "film.json").exists()
    child = begun(job)
    time.sleep(chance.uniform(0, 0.7) * lasts)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    met += status == signal.SIGKILL
    if status == 0 and met < kills:  # made before it was killed: once more
        Path(job.delivery.output).unlink()
if not Path(job.delivery.output).exists() or parts.exists():  # or it was killed as it removed them
    assert os.waitpid(begun(job), 0)[1] == 0
print(resumed)
"""
"""Makes a film, and once more with so many kills; each in a process that has imported all it needs."""


SHARED = """
import functools, json, os, random, signal, sys, time, traceback
from impasto.jobs.claims import Claims
from impasto.video import painting, sharing, unfinished
from impasto.video.fast import Fast
from impasto.video.job import VideoJob
from impasto.video.optimised import Optimised
from impasto.video.sharing import SharedWork
from impasto.video.work import VideoWork

Fast.LENGTH, Optimised.LENGTH, unfinished.EVERY = 8, 4, 0.0
painting.WAIT = sharing.WAIT = 0.05
painting.MOST_TRIES = 99  # of so few stretches one may be met by all kills
sharing.Claims = functools.partial(Claims, beat=0.1, stale=2.0)
job, kills, chance = VideoJob.of(json.loads(sys.argv[1])), int(sys.argv[2]), random.Random(8)

def begun(work):
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work().finish()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)

began = time.monotonic()
assert os.waitpid(begun(lambda: VideoWork(job.to("whole.mkv"))), 0)[1] == 0
lasts = time.monotonic() - began
workers, met = [begun(lambda: SharedWork(job)) for _ in range(3)], 0
for _ in range(kills):
    time.sleep(chance.uniform(0.1, 0.4) * lasts)
    killed = workers.pop(0)
    os.kill(killed, signal.SIGKILL)
    status = os.waitpid(killed, 0)[1]
    assert status in (0, signal.SIGKILL), status
    met += status == signal.SIGKILL
    workers.append(begun(lambda: SharedWork(job)))
for each in workers:
    assert os.waitpid(each, 0)[1] == 0
print(met)
"""
"""Makes a film, and once more by three processes, so many of which are killed and replaced by others."""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fast", "iterative"])
def test_a_film_that_killed_processes_share_has_the_same_frames(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    view = drawn(20, 32, 48)
    shots = [*view, *(255 - each for each in view[:7]), *view[5:17], *(255 - each for each in view[:9]), view[0]]
    shots = shots if method == "fast" else shots[12:29]
    clip(Path("a.mp4"), shots, sound="aac")
    Image.fromarray(painting(48, 48)).save("p.png")
    line = [sys.executable, "-c", SHARED, json.dumps(asked(method).dictionary()), "6"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2, "too few were killed at work to be a proof"
    (times, pictures), (whole_times, whole) = decoded(Path("out.mkv")), decoded(Path("whole.mkv"))
    assert len(times) == len(shots) and times == whole_times
    assert all(np.array_equal(a, b) for a, b in zip(pictures, whole, strict=True))
    assert packets(Path("out.mkv"), "audio") == packets(Path("whole.mkv"), "audio")
    assert {path.name for path in Path().iterdir()} == {
        "a.mp4",
        "p.png",
        "whole.mkv",
        "whole.mkv.json",
        "out.mkv",
        "out.mkv.json",
    }


def asked(method: str, *, metadata: bool = True) -> VideoJob:
    """A film by a method, in few iterations."""
    delivery = VideoDelivery("out.mkv", codec="ffv1", metadata=metadata)
    if method == "fast":
        return VideoJob("a.mp4", style_index="3", settings={"network": "multistyle26"}, delivery=delivery)
    settings: dict[str, Any] = {"method": method, "iterations": 5, "frame_iterations": 3}
    return VideoJob("a.mp4", (("p.png", 1.0),), recipe="statistics", settings=settings, delivery=delivery)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "frames", "kills"), [("fast", 40, 20), ("iterative", 9, 6)])
def test_a_film_that_is_killed_goes_on_to_the_same_frames(
    method: str, frames: int, kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shots = [*drawn(frames, 32, 48), *(255 - each for each in drawn(5, 32, 48))]
    clip(Path("a.mp4"), shots, sound="aac")
    Image.fromarray(painting(48, 48)).save("p.png")
    job = asked(method, metadata=False)
    line = [sys.executable, "-c", KILLED, json.dumps(job.dictionary()), str(kills)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= kills // 4, "too few were gone on with to be a proof"
    (times, pictures), (whole_times, whole) = decoded(Path("out.mkv")), decoded(Path("whole.mkv"))
    assert len(times) == frames + 5 and times == whole_times
    assert all(np.array_equal(a, b) for a, b in zip(pictures, whole, strict=True))
    assert packets(Path("out.mkv"), "audio") == packets(Path("whole.mkv"), "audio")
    assert not Path("out.mkv.parts").exists()


@pytest.mark.slow
def test_memory_does_not_grow_over_a_thousand_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    view = drawn(40, 48, 64)
    clip(Path("a.mp4"), [view[min(number % 80, 79 - number % 80)] for number in range(1000)], sound="aac")
    job = VideoJob("a.mp4", style_index="3", settings={"network": "multistyle26"}, delivery=VideoDelivery("out.mp4"))
    held = [resident() for _ in VideoWork(job).events()]
    assert len(held) == 1000
    # Frames kept at their size, as floats, would be 9 MB in every quarter; an allocator takes more now and
    # then, for all that other tests have left it with.
    quarters = [max(held[end - 50 : end]) for end in (250, 500, 750, 1000)]
    grown = [after - before for before, after in itertools.pairwise(quarters)]
    assert min(grown) < 4e6 and sum(grown) < 40e6, [each // 10**6 for each in held[::50]]


def resident() -> int:
    """The bytes that this process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
