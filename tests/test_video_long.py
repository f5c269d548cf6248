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


@pytest.mark.slow
@pytest.mark.parametrize(("method", "frames", "kills"), [("fast", 40, 20), ("iterative", 9, 6)])
def test_a_film_that_is_killed_goes_on_to_the_same_frames(
    method: str, frames: int, kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shots = [*drawn(frames, 32, 48), *(255 - each for each in drawn(5, 32, 48))]
    clip(Path("a.mp4"), shots, sound="aac")
    Image.fromarray(painting(48, 48)).save("p.png")
    delivery = VideoDelivery("out.mkv", codec="ffv1", metadata=False)
    if method == "fast":
        job = VideoJob("a.mp4", style_index="3", settings={"network": "multistyle26"}, delivery=delivery)
    else:
        settings: dict[str, Any] = {"method": method, "iterations": 5, "frame_iterations": 3}
        job = VideoJob("a.mp4", (("p.png", 1.0),), recipe="statistics", settings=settings, delivery=delivery)
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
