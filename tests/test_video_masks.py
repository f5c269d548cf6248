"""Regions of films: masks that move with the clip, as films, as folders, or one picture for all of it."""

import json
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.errors import ImpastoError, SettingsError
from impasto.jobs.job import RegionFiles
from impasto.video.clip import Clip
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.masks import Masks
from impasto.video.past import Seen
from impasto.video.steady import Steadied
from impasto.video.work import VideoWork, plan
from tests.clips import clip, decoded, drawn, strokes
from tests.helpers import painting
from tests.test_steady import flickering, floats

pytestmark = pytest.mark.usefixtures("narrow", "small_looks")

COUNT, HEIGHT, WIDTH = 9, 32, 48
LOSSLESS: dict[str, Any] = {"codec": "ffv1", "form": "bgr0", "options": {}}
FAST = {"network": "arbitrary", "steady": "off"}


def bar(number: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[Any]:
    """White are sixteen columns that move by three a frame."""
    mask = np.zeros((height, width, 3), np.uint8)
    left = 3 * number * width // WIDTH
    mask[:, left : left + width // 3] = 255
    return mask


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    clip(tmp_path / "a.mkv", drawn(COUNT, HEIGHT, WIDTH), base=Fraction(1, 25), **LOSSLESS)
    clip(tmp_path / "m.mkv", [bar(number) for number in range(COUNT)], base=Fraction(1, 25), **LOSSLESS)
    for name, seed in (("p.png", 1), ("q.png", 9)):
        Image.fromarray(painting(48, 48, seed)).save(name)
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 3)
    return tmp_path


def job(output: str, *, mask: str = "m.mkv", **options: Any) -> VideoJob:
    given: dict[str, Any] = {"regions": (RegionFiles(mask, "p.png"),), "settings": FAST}
    return VideoJob("a.mkv", delivery=VideoDelivery(output, codec="ffv1"), **given | options)


def frames(of: VideoJob) -> list[Any]:
    VideoWork(of, force=True).finish()
    return decoded(of.output)[1]


def shares(mask: str, facts: Any = None, feather: float = 0.0) -> list[NDArray[Any]]:
    facts = facts or Clip("a.mkv").facts
    return [
        each
        for (each,) in Masks([RegionFiles(mask, "p.png")], facts, facts.size, feather, allow_truncated=False).frames(0)
    ]


def test_every_region_has_its_style_and_the_rest_stays(folder: Path) -> None:
    whole = {name: frames(job("w.mkv", regions=(), styles=((name, 1.0),))) for name in ("p.png", "q.png")}
    alone, both = frames(job("one.mkv")), frames(job("two.mkv", styles=(("q.png", 1.0),)))
    for number, source in enumerate(decoded(Path("a.mkv"))[1]):
        white = bar(number)[..., 0] > 0
        for found, rest in ((alone, source), (both, whole["q.png"][number])):
            assert np.abs(found[number][white].astype(int) - whole["p.png"][number][white]).max() <= 1
            assert np.abs(found[number][~white].astype(int) - rest[~white]).max() <= 1
    assert plan(job("three.mkv"))["frames"] == COUNT


def test_styles_and_strengths_change_over_time_within_them(folder: Path) -> None:
    at: dict[str, Any] = {"style_at": ((0.0, "p.png"), (0.2, "q.png")), "strength_at": ((0.0, 0.1), (0.2, 0.5))}
    whole, found = frames(job("w.mkv", regions=(), **at)), frames(job("one.mkv", **at))
    strong = frames(job("s.mkv", regions=(), styles=(("p.png", 1.0),)))
    for number in (0, 3, COUNT - 1):
        white = bar(number)[..., 0] > 0
        assert np.abs(found[number][~white].astype(int) - whole[number][~white]).max() <= 1
        off = np.abs(found[number][white].astype(int) - strong[number][white]).max()
        assert off <= 1 if number == COUNT - 1 else off > 5, "the region's strength is that of the moment, too"


def test_a_folder_a_picture_and_films_of_other_rates_are_matched(folder: Path) -> None:
    Path("masks").mkdir()
    for number in range(COUNT):
        Image.fromarray(bar(number)).save(f"masks/{number + 1}.png")
    moving = shares("m.mkv")
    assert all(np.array_equal(each, bar(number)[..., 0] / 255) for number, each in enumerate(moving))
    assert np.allclose(shares("masks"), moving)
    first = Masks([RegionFiles("masks", "p.png")], Clip("a.mkv").facts, (HEIGHT, WIDTH), 0.0, allow_truncated=False)
    assert np.allclose(next(first.frames(5))[0], moving[5])
    Image.fromarray(bar(4)).save("still.png")
    still = Masks([RegionFiles("still.png", "p.png")], Clip("a.mkv").facts, (HEIGHT, WIDTH), 0.0, allow_truncated=False)
    assert np.allclose(next(still.frames(7))[0], moving[4])
    clip(
        Path("slow.mkv"),
        [bar(number) for number in (0, 2, 4, 6, 8)],
        ticks=lambda n: 2 * n,
        base=Fraction(1, 25),
        **LOSSLESS,
    )
    slow = shares("slow.mkv")
    near = [int(np.flatnonzero(each[0])[0]) // 3 for each in slow]
    assert all(abs(found - number) <= 1 for number, found in enumerate(near)) and near[::2] == [0, 2, 4, 6, 8]
    clip(
        Path("late.mp4"),
        [bar(number) for number in range(COUNT)],
        ticks=lambda n: 70 * n * n + 900,
        base=Fraction(1, 1000),
    )
    assert np.abs(np.subtract(shares("late.mp4"), moving)).max() < 0.05, "as many as frames: one for each"
    clip(Path("large.mkv"), [bar(number, 64, 96) for number in range(COUNT)], base=Fraction(1, 25), **LOSSLESS)
    assert np.abs(np.subtract(shares("large.mkv"), moving)).mean() < 0.02
    soft = shares("m.mkv", feather=0.05)
    assert 0.2 < np.mean((soft[4] > 0.01) & (soft[4] < 0.99)) < 0.9


def test_masks_that_do_not_go_with_the_clip_are_told(folder: Path) -> None:
    clip(Path("square.mkv"), [bar(0, 32, 32)] * COUNT, base=Fraction(1, 25), **LOSSLESS)
    clip(Path("short.mkv"), [bar(number) for number in range(5)], base=Fraction(1, 25), **LOSSLESS)
    clip(Path("dark.mkv"), [bar(number) // 8 for number in range(COUNT)], base=Fraction(1, 25), **LOSSLESS)
    Path("few").mkdir()
    Image.fromarray(bar(0)).save("few/1.png")
    Path("no.mkv").write_bytes(b"nothing")
    for mask, words in {
        "square.mkv": "is 32×32 pixels and the clip 48×32",
        "short.mkv": "lasts from 0.00 to 0.20 s and the clip from 0.00 to 0.36 s",
        "dark.mkv": "nowhere whiter than 12 % in its first frame",
        "few": "has 1 pictures and the clip 9 frames",
        "faces": "The faces of a film are not sought",
        "no.mkv": "holds no moving pictures",
        "missing.mkv": "cannot be read",
    }.items():
        with pytest.raises(ImpastoError, match=words):
            plan(job("x.mkv", mask=mask))
    Image.fromarray(bar(0)).save("bar.png")
    noise = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    Image.fromarray(noise).save("painting.png")
    with pytest.raises(SettingsError, match="they come as MASK:STYLE, bar"):
        plan(job("x.mkv", regions=(RegionFiles("painting.png", "bar.png"),)))
    with pytest.raises(SettingsError, match="`feather` has no effect without `regions`"):
        job("x.mkv", regions=(), styles=(("p.png", 1.0),), settings=FAST | {"feather": 0.1})


def test_they_are_part_of_the_job_and_of_what_is_gone_on_with(folder: Path) -> None:
    made = job("out.mkv", styles=(("q.png", 1.0),), settings={"network": "arbitrary", "feather": 0.02})
    assert VideoJob.of(json.loads(json.dumps(made.dictionary()))) == made
    assert [*made.files()] == ["a.mkv", "q.png", "m.mkv", "p.png"] and "region m.mkv:p.png" in made.inputs
    assert made.moved(lambda path: f"d/{path}").regions == (RegionFiles("d/m.mkv", "d/p.png"),)
    whole = frames(made.to("whole.mkv"))
    events = VideoWork(made).events()
    for _ in range(5):
        next(events)
    while not Path("out.mkv.parts/000000.state").exists():
        time.sleep(0.01)  # the writing thread is behind
    events.close()
    clip(Path("n.mkv"), [bar(number)[::-1, ::-1] for number in range(COUNT)], base=Fraction(1, 25), **LOSSLESS)
    with pytest.raises(ImpastoError, match="of another film"):
        VideoWork(replace(made, regions=(RegionFiles("n.mkv", "p.png"),)), resume=True).finish()
    VideoWork(made, resume=True).finish()
    again = decoded(Path("out.mkv"))[1]
    assert all(np.array_equal(one, other) for one, other in zip(again, whole, strict=True))
    line = [
        "video",
        "a.mkv",
        "--region",
        "m.mkv:p.png",
        "--steady",
        "off",
        "--network",
        "arbitrary",
        "-o",
        "c.mkv",
        "-q",
    ]
    assert CliRunner().invoke(app, line).output.strip() == "c.mkv"


def test_what_comes_to_another_region_takes_its_style_at_once() -> None:
    """The clip stands still, so that its flow would carry on everything."""
    still = strokes(64, 96, 1)
    styles = [flickering([still] * 12, seed=seed) for seed in (2, 7)]
    steadied, change = Steadied(), []
    for number in range(12):
        share = np.zeros((64, 96), np.float32)
        share[:, 4 * number : 4 * number + 40] = 1
        own = np.where(share[..., None] > 0, styles[0][number], styles[1][number]).astype(np.float32)
        shown = steadied.frame(floats(still), own, (share,), begins=number == 0)
        change.append(np.abs(shown - own).mean(-1))
    entered, left, kept = change[-1][:, 80:84], change[-1][:, 40:44], change[-1][:, 50:70]
    assert max(entered.mean(), left.mean()) < 0.25 * kept.mean(), "and what stays is held as ever"


def test_what_was_seen_is_known_by_its_region() -> None:
    halves = [np.full((4, 6), share, np.float32) for share in (0.5, 0.5)]
    assert np.allclose(Seen.of(np.zeros((8, 12, 3), np.float32), halves, (8, 12)).region, 1.5)


def test_the_optimiser_paints_regions_that_come_into_view_and_go(folder: Path) -> None:
    clip(Path("m.mkv"), [bar(number) * (2 <= number < 6) for number in range(COUNT)], base=Fraction(1, 25), **LOSSLESS)
    few = {"method": "iterative", "iterations": 4, "frame_iterations": 2, "precision": "float32"}
    found = frames(job("o.mkv", recipe="statistics", settings=few))
    for number, source in enumerate(decoded(Path("a.mkv"))[1]):
        change = np.abs(found[number].astype(int) - source).max(-1)
        white = bar(number)[..., 0] > 0
        if 2 <= number < 6:
            assert change[white].mean() > 3 and change[~white].mean() < 0.5 * change[white].mean()
        else:
            assert change.max() <= 1, "nothing to be painted is in sight"
