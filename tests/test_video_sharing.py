"""A film that many make is the film that one makes, whoever paints what of it, and whoever dies of it."""

import itertools
import random
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.progress import Progress
from impasto.video import painting as paintings
from impasto.video import sharing, told
from impasto.video.fast import Fast
from impasto.video.job import VideoJob
from impasto.video.sharing import SharedWork
from impasto.video.shotpainter import ShotPainter
from impasto.video.work import VideoWork
from tests.clips import Picture, clip, decoded, packets
from tests.helpers import photo
from tests.test_video import job as fast

LENGTH = 8
"""Frames of a part at the most, and two at the least where a shot ends it."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Fast, "LENGTH", LENGTH)
    for module in (paintings, sharing):
        monkeypatch.setattr(module, "WAIT", 0.01)


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of the frames that have been painted, by whomever."""
    paint, times = ShotPainter.paint, list[float]()

    def noted(self: ShotPainter, pixels: Any, time: float, *, begins: bool) -> Any:
        times.append(time)
        return paint(self, pixels, time, begins=begins)

    monkeypatch.setattr(ShotPainter, "paint", noted)
    return times


def shots(*lengths: int, height: int = 32, width: int = 48) -> list[Picture]:
    """Frames of shots of so many each: views that move by a pixel, dark and bright by turns."""
    frames = list[Picture]()
    for number, length in enumerate(lengths):
        view = photo(height, width + length, number) // 2 + 120 * (number % 2)
        frames += [np.ascontiguousarray(view[:, at : at + width]) for at in range(length)]
    return frames


def job(output: str = "out.mkv", **options: Any) -> VideoJob:
    return fast(output, **{"codec": "ffv1"} | options)


def by_turns(
    works: Sequence[Generator[Progress, None, None]], painted: Sequence[float], seed: int = 0
) -> list[list[Progress]]:
    """What workers tell that paint a frame each by turns, or some in an order of a ``seed``, to the end of
    all. What is passed over takes no turn.
    """
    chance, told, left = random.Random(seed), [list[Progress]() for _ in works], [*range(len(works))]
    while left:
        number = left.pop(chance.randrange(len(left)) if seed else 0)
        until, progress = len(painted) + (chance.randint(1, 6) if seed else 1), None
        while progress is None or (len(painted) < until and "other" not in progress.text):
            if (progress := next(works[number], None)) is None:
                break
            told[number].append(progress)
        left += [number] if progress else []
    return told


def same(output: str = "out.mkv", whole: str = "whole.mkv") -> bool:
    (times, frames), (whole_times, expected) = decoded(Path(output)), decoded(Path(whole))
    return times == whole_times and all(map(np.array_equal, frames, expected)) and len(frames) == len(expected)


SCENES = {
    "shots": (9, 5, 1, 12, 3, 8),
    "one shot": (20,),
    "a cut after a part": (LENGTH, 5),
    "a cut after two parts": (2 * LENGTH, 3),
    "a cut one frame after a part": (LENGTH + 1, 6),
    "shots of one frame": (3, 1, 1, 1, 1, 1, 4),
    "shots of one frame alone": (1,) * 7,
    "a cut in the last frame": (6, 1),
    "one frame": (1,),
}


@pytest.mark.parametrize(
    ("scene", "seed"), [*((scene, 0) for scene in SCENES), ("shots", 2), ("shots of one frame", 3)]
)
def test_many_make_the_film_that_one_makes(scene: str, seed: int, painted: list[float]) -> None:
    frames = shots(*SCENES[scene])
    # Of a rate that changes, with a late start.
    clip(Path("a.mp4"), frames, ticks=lambda n: 700 + n * 1001 + 300 * (n % 3), base=Fraction(1, 24000), sound="aac")
    VideoWork(job("whole.mkv")).finish()
    painted.clear()
    works = [SharedWork(job()) for _ in range(2)]
    events = by_turns([work.events() for work in works], painted, seed)
    assert len({*painted}) == len(painted) == len(frames), "each is painted once"
    assert same() and packets(Path("out.mkv"), "audio") == packets(Path("whole.mkv"), "audio")
    assert {path.name for path in Path().iterdir() if "out" in path.name} == {"out.mkv", "out.mkv.json"}
    own, record = told.read(Path("out.mkv")), told.read(Path("whole.mkv.json"))
    assert own["shots"] == record["shots"] and own["steps"] == record["steps"] == len(frames)
    assert all(work.output == Path("out.mkv") and work.record and not work.interrupted for work in works)
    lone = [each.event for each in itertools.chain(*events) if "no cut" in each.event]
    assert len(lone) == (scene in ("one shot", "a cut one frame after a part", "one frame"))
    if not seed:
        assert sum(work._painting.spent["paint"] > 0 for work in works) == 2 - len(lone), "both have a part in it"
