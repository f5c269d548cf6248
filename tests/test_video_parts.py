"""A film goes on from parts that are as they were written, and from no others."""

import json
import os
import shutil
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from impasto.video.folder import Folder
from impasto.video.job import VideoJob
from impasto.video.shotpainter import ShotPainter
from impasto.video.work import VideoWork
from tests.clips import clip, drawn, packets
from tests.test_video import job


def film(output: str, **options: str) -> VideoJob:
    """Without loss: now and then x264 makes another stream of the same frames."""
    return job(output, sheet=True, codec="ffv1", **options)


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film, the parts of one like it that was cut off after two of three, and of another, of
    as many frames.
    """
    folder = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("impasto.video.fast.Fast.LENGTH", 4)
        clip(folder / "a.mp4", drawn(11), ticks=lambda n: n * 1001, base=Fraction(1, 24000))
        VideoWork(film("whole.mkv")).finish()
        for name, index in (("out.mkv", "3"), ("other.mkv", "4")):
            events = VideoWork(film(name, style_index=index)).events()
            for _ in range(9):
                next(events)
            while not Path(f"{name}.parts/000004.state").exists():
                time.sleep(0.01)  # the writing thread is behind
            events.close()
    return folder


def _swapped(parts: Path, *endings: str) -> None:
    for ending in endings:
        one, other = (parts / f"00000{number}{ending}" for number in (0, 4))
        first = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(first)


def _crossed(parts: Path, *endings: str) -> None:
    """The second part is the other film's."""
    for ending in endings:
        shutil.copy(parts.parent / f"other.mkv.parts/000004{ending}", parts / f"000004{ending}")


def _written(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda parts: (parts / name).write_bytes(data)


def _said(parts: Path, **changes: Any) -> None:
    """The second part says something else of itself, or with None nothing."""
    path = parts / "000004.json"
    told = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in told.items() if value is not None}))


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda parts: _swapped(parts, ".mkv"), 0),
        (lambda parts: _swapped(parts, ".mkv", ".json", ".state"), 0),
        (lambda parts: _swapped(parts, ".state"), 0),
        (lambda parts: _crossed(parts, ".mkv"), 1),
        (lambda parts: _crossed(parts, ".mkv", ".json", ".state"), 1),
        (lambda parts: _crossed(parts, ".state"), 1),
        (lambda parts: os.truncate(parts / "000004.mkv", 500), 1),
        (lambda parts: os.truncate(parts / "000004.state", 500), 1),
        (_written("000000.mkv", b""), 1),
        (_written("000004.json", b'{"moments": [[0, "a"]]}'), 1),
        (_written("000004.json", b"\xff[" * 9), 1),
        (_written("000004.state", b"PK\3\4"), 1),
        (lambda parts: _said(parts, next=4), 1),
        (lambda parts: _said(parts, next="8"), 1),
        (lambda parts: _said(parts, moments=None), 1),
        (_written("0_more.txt", b"what is this"), 2),
        (_written("glance-000002-before.png", b"\x89PNG"), 2),
        (lambda parts: (parts / "glance-000002-before.png").unlink(), 2),
    ],
)
def test_parts_that_are_not_as_they_were_written_are_made_again(
    damage: Callable[[Path], object],
    left: int,
    cut_off: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 4)
    shutil.copytree(cut_off, tmp_path, dirs_exist_ok=True)
    parts = tmp_path / "out.mkv.parts"
    damage(parts)
    paint, painted = ShotPainter.paint, list[float]()

    def noted(self: ShotPainter, pixels: Any, time: float, *, begins: bool) -> Any:
        painted.append(time)
        return paint(self, pixels, time, begins=begins)

    monkeypatch.setattr(ShotPainter, "paint", noted)
    *_, last = VideoWork(film("out.mkv"), resume=True).events()
    assert len({*painted}) == len(painted) == 11 - 4 * left and last.done == 1
    assert ("is not as it was written" in caplog.text) == (left < 2)
    assert packets(Path("out.mkv"), "video") == packets(Path("whole.mkv"), "video")
    assert Path("out.mkv.sheet.png").exists() and not parts.exists()


def test_other_pictures_in_a_folder_are_another_film(tmp_path: Path) -> None:
    for number, pixels in enumerate(drawn(2)):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    before = Folder(tmp_path).known_by()
    assert Folder(tmp_path).known_by() == before
    Image.fromarray(drawn(1)[0] // 2).save(tmp_path / "1.png")
    assert Folder(tmp_path).known_by() != before
