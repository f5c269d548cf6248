"""Films by the optimiser: held to what has been painted, cut off and gone on with."""

import contextlib
import itertools
import json
import random
import signal
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from impasto.backbones.features import Backbone
from impasto.cli import app
from impasto.errors import OutputError, SettingsError
from impasto.jobs.job import RegionFiles
from impasto.losses.objective import TermObjective
from impasto.machine import checkpoint, interrupts
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.tasks import held
from impasto.tasks.held import Held
from impasto.tasks.run import Run
from impasto.video import flow, told, unfinished
from impasto.video.clip import Clip
from impasto.video.film import Film
from impasto.video.groups import grouped
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.optimised import FramePainter, Optimised
from impasto.video.past import EVERY, Seen
from impasto.video.shots import Cuts
from impasto.video.source import Frame
from impasto.video.span import Span
from impasto.video.styles import Moments
from impasto.video.work import VideoWork, plan
from tests.clips import clip, decoded, drawn, scene, strokes
from tests.helpers import painting
from tests.test_steady import floats, flowing

pytestmark = pytest.mark.usefixtures("narrow")

FEW: dict[str, Any] = {"method": "iterative", "iterations": 5, "frame_iterations": 3, "precision": "float32"}
PLAIN: dict[str, Any] = {"recipe": "statistics", "settings": FEW}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    small = [np.ascontiguousarray(each[:32, :48]) for each in drawn(7)]
    clip(tmp_path / "a.mp4", [*small[:4], *(255 - each for each in small[4:])], sound="aac")
    Image.fromarray(painting(48, 48)).save("p.png")
    monkeypatch.setattr(Optimised, "LENGTH", 2)
    return tmp_path


def job(output: str = "out.mkv", **options: Any) -> VideoJob:
    delivery = VideoDelivery(output, codec="ffv1")
    given: dict[str, Any] = {"styles": (("p.png", 1.0),), "delivery": delivery}
    return VideoJob("a.mp4", **given | PLAIN | options)


def test_the_term_is_the_mean_of_trusted_squares_whole_and_in_tiles() -> None:
    generator = torch.Generator().manual_seed(4)
    pixels, known = torch.rand(2, 1, 3, 80, 96, generator=generator)
    trust = torch.rand(1, 1, 80, 96, generator=generator)
    trust[..., :40] = 0
    terms = list(held.terms([Held(known, trust, 7.0)], (80, 96), torch.device("cpu")))
    for tile in (None, 32):
        objective = TermObjective(Backbone.pretrained("vgg19"), terms, tile)
        values, gradient = objective.value_and_grad(pixels)
        assert values["total"] == pytest.approx(7 * float((trust * (pixels - known) ** 2).mean()), rel=1e-5)
        assert torch.allclose(gradient, 7 * 2 * trust * (pixels - known) / known.numel(), atol=1e-9, rtol=1e-4)
    nothing = Held(known, torch.zeros_like(trust), 7.0)
    assert not list(held.terms([nothing, Held(known, trust, 0.0)], (80, 96), torch.device("cpu")))


def at(pixels: Any, time: float = 0.0) -> Frame:
    return Frame(0, floats(pixels), None, Fraction(time), Fraction(1, 24))


def paint(painter: FramePainter, pixels: Any, time: float = 0.0, *, begins: bool = False) -> Any:
    for _ in painter.steps([at(pixels, time)], begins=begins):
        pass
    return painter.shown[0]


def frame_painter(state: dict[str, Any] | None = None, **settings: Any) -> FramePainter:
    made = VideoJob("a.mp4", (("p.png", 1.0),), recipe="statistics", settings=FEW | settings)
    return FramePainter(made, made.chosen(), Moments([(0.0, [(codecs.load(painting(64, 64)), 1.0)])]), state)


def test_the_more_it_counts_the_nearer_it_stays() -> None:
    known, off = scene(2), []
    seen = [torch.from_numpy(flow.grey(floats(known.frames[0]))), torch.zeros(96, 128)]
    kept = [torch.from_numpy(floats(strokes(96, 128, 5)))]
    for weight in (0.0, 300.0, 30000.0):
        painter = frame_painter(
            {"count": 1, "seen": [seen, seen], "kept": [kept, kept], "ways": []},
            steady_weight=weight,
            frame_iterations=8,
        )
        near, _ = painter.held(at(known.frames[1]))
        shown = torch.from_numpy(paint(painter, known.frames[1])).permute(2, 0, 1)[None]
        off.append((near.trust * (shown - near.pixels) ** 2).mean().item())
    assert off[2] < 0.2 * off[0] and off[2] < off[1] < off[0]


def test_what_was_hidden_for_a_moment_is_held_to_what_it_was() -> None:
    ground, disc = strokes(64, 96, 1), np.zeros((64, 96), bool)
    disc[20:44, 30:54] = True
    hidden = np.where(disc[..., None], 255 - ground, ground)
    painter = frame_painter()
    for number, each in enumerate([ground, ground, hidden]):
        paint(painter, each, begins=number == 0)
    run = painter.planned(at(ground), painter.held(at(ground)))
    near, far = run.problem.held
    next(run.steps())
    assert run.last and torch.allclose(run.last.pixels, torch.lerp(near.pixels, far.pixels, far.trust)), "the start"
    inner = np.zeros_like(disc)
    inner[26:38, 36:48] = True
    assert near.trust[0, 0][inner].mean() < 0.1 and far.trust[0, 0][inner].mean() > 0.8
    assert (near.trust + far.trust).max() <= 1.001
    assert far.trust[0, 0][~disc].mean() < 0.1, "else the frame before is enough"
    assert EVERY > 3


def test_its_strength_is_that_of_the_moment() -> None:
    settings = {name: value for name, value in FEW.items() if name != "strength"}
    made = VideoJob(
        "a.mp4", (("p.png", 1.0),), strength_at=((1.0, 0.2), (3.0, 0.6)), recipe="statistics", settings=settings
    )
    painter = FramePainter(made, made.chosen(), Moments([(0.0, [(codecs.load(painting(64, 64)), 1.0)])]))
    frame = strokes(32, 48, 5)
    found = [painter.planned(at(frame, time), []).settings.strength for time in (0.0, 1.5, 2.0, 4.0)]
    paint(painter, frame, begins=True)
    later = painter.planned(at(frame, 2.5), painter.held(at(frame, 2.5)))
    assert [*found, later.settings.strength] == pytest.approx([0.2, 0.3, 0.4, 0.6, 0.5])
    assert VideoJob.of(json.loads(json.dumps(made.dictionary()))) == made


def same(output: str, whole: str) -> bool:
    (times, frames), (whole_times, expected) = decoded(Path(output)), decoded(Path(whole))
    return times == whole_times and all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))


def of_frames(events: Iterable[Progress]) -> int:
    """How many of the events are steps of a frame."""
    return sum(not each.iteration for each in events)


def test_between_keyframes_both_sides_tell_what_is_known() -> None:
    known = scene(9)
    seen = [Seen.of(floats(each), (), (96, 128)) for each in known.frames]
    span, inner, found = Span(seen), np.zeros((96, 128), bool), []
    inner[8:-8, 8:-8] = True
    for number in range(1, 8):
        carried, trust = span.carried(number, floats(known.frames[number - 1]), floats(known.frames[-1]))
        off = np.abs(carried - floats(known.frames[number])).max(-1)
        before = flowing(floats(known.frames[number]), floats(known.frames[number - 1])).trust
        assert off[trust > 0.5].mean() < 0.01 and trust[inner].mean() > before[inner].mean()
        new = ~known.visible[number - 1] & inner
        found.append((trust[new].mean(), before[new].mean()))
    seen_next, seen_before = np.mean(found, 0)
    assert seen_next > 0.25 and seen_before < 0.05, "much of what comes into view is there at the next keyframe"
    ways = flow.between(seen[-1].grey, seen[0].grey, span.back(), (96, 128))
    assert np.median(ways.steps[44:60, 50:60], (0, 1)) == pytest.approx([-24, -8], abs=0.5)


def test_frames_are_painted_together_within_a_shot_and_a_part() -> None:
    frames = [
        Frame(number, np.full((18, 32, 3), number >= 9, np.float32), None, Fraction(0), Fraction(1))
        for number in range(14)
    ]
    cuts = Cuts()
    found = [
        ([frame.number for frame in group.frames], group.part, group.begins, group.ends is not None, group.last)
        for group in grouped(frames[2:], cuts, 2, 3, 6)
    ]
    assert found == [
        ([2], 2, True, False, False),
        ([3, 4, 5], 2, False, False, False),
        ([6, 7], 2, False, True, False),
        ([8], 8, False, True, False),
        ([9], 9, True, False, False),
        ([10, 11, 12], 9, False, False, False),
        ([13], 9, False, True, True),
    ]


@pytest.mark.parametrize(
    ("keyframes", "seed"), [(1, 3), (3, 4), *(pytest.param(4, seed, marks=pytest.mark.slow) for seed in (5, 6))]
)
def test_a_film_that_is_stopped_again_and_again_goes_on_within_its_frames(
    keyframes: int, seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Optimised, "LENGTH", 2 if keyframes == 1 else 4)
    settings = FEW | {"keyframes": keyframes}
    whole = VideoWork(job("whole.mkv", settings=settings))
    steps, chance, stops = of_frames(whole.events()), random.Random(seed), 0
    assert whole.record and whole.record["settings"]["method"] == "iterative"
    assert whole.record["network"] == "vgg19" and whole.record["recipe"] == "statistics"
    assert len(whole.record["shots"]) == 2 and whole.record["steps"] == 7
    between = 0 if keyframes == 1 else 3
    assert steps == 2 * (5 + 1) + (5 - between) * (3 + 1) + between * (1 + 1), "the start and each iteration of each"
    seen = 0
    while not Path("out.mkv").exists():
        work = VideoWork(job(settings=settings), resume=stops > 0)
        with contextlib.closing(work.events()) as events:
            seen += of_frames(itertools.islice(events, chance.randint(2, 9)))
        if work.interrupted:
            assert work.output == Path("out.mkv.parts")
            stops += 1
    assert seen == steps and stops > 3, "no step is taken twice"
    assert same("out.mkv", "whole.mkv") and not Path("out.mkv.parts").exists()
    assert told.job_of(Path("out.mkv")) == job(settings=settings)


@pytest.mark.parametrize("moment", [2, 9])
def test_a_signal_ends_it_with_the_step_that_it_comes_in(moment: int, folder: Path) -> None:
    VideoWork(job("whole.mkv", end=0.1)).finish()
    with interrupts.listening():
        work, seen = VideoWork(job(end=0.1)), 0
        for progress in work.events():
            seen += 1
            if seen == moment:
                assert not progress.iteration, "or it is between two frames"
                signal.raise_signal(signal.SIGTERM)
        assert work.interrupted and seen == moment
    with interrupts.listening():  # which forgets the signal
        list(VideoWork(job(end=0.1), resume=True).events())
    assert same("out.mkv", "whole.mkv")


def test_what_a_crash_has_left_is_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill does; in an encoding that forgets some, whose frames depend on those before in their part."""
    delivery = VideoDelivery("out.mp4")
    VideoWork(job(delivery=replace(delivery, output="whole.mp4"))).finish()
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    evaluate, calls = TermObjective.value_and_grad, itertools.count(1)

    def crashing(objective: TermObjective, pixels: torch.Tensor) -> Any:
        if next(calls) in (4, 14, 21):
            raise RuntimeError("out of luck")
        return evaluate(objective, pixels)

    monkeypatch.setattr(TermObjective, "value_and_grad", crashing)
    for number in range(3):
        with pytest.raises(RuntimeError, match="out of luck"):
            list(VideoWork(job(delivery=delivery), resume=number > 0).events())
    list(VideoWork(job(delivery=delivery), resume=True).events())
    assert next(calls) == 2 * (5 + 1) + 5 * (3 + 1) + 3 + 1, "no evaluation is made twice but those that failed"
    assert same("out.mp4", "whole.mp4")


def test_all_frames_are_seen_by_the_same_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is prepared once, and what it remembers of the paintings serves all frames."""
    made = Mock(side_effect=Run.__dict__["eyes"].func)
    monkeypatch.setattr(Run.__dict__["eyes"], "func", made)
    painter, frames = frame_painter(frame_iterations=1), scene(3).frames
    for number, pixels in enumerate(frames):
        paint(painter, pixels, begins=number == 0)
    assert made.call_count == 1


def test_what_cannot_be_kept_is_told_and_the_work_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(run: Run, path: Path) -> None:
        raise OutputError("no room")

    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    monkeypatch.setattr(Run, "checkpoint", full)
    work = VideoWork(job(end=0.05))
    assert "frame 1/2: no room" in {step.event for step in work.events()} and work.record


def test_its_size_styles_and_plan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(painting(48, 48, 9)).save("q.png")
    changing = job(styles=(), style_at=((0.0, "p.png"), (0.2, "q.png")), end=0.15)
    VideoWork(changing).finish()
    VideoWork(job("p.mkv", end=0.15)).finish()
    both, only = decoded(Path("out.mkv"))[1], decoded(Path("p.mkv"))[1]
    assert np.array_equal(both[0], only[0]) and not np.array_equal(both[3], only[3])
    monkeypatch.setattr(Run, "estimate", lambda _: (100.0, 0.0))
    shown = plan(job("b.mkv", settings=FEW | {"size": 32}))
    assert shown["estimated_s"] == 500, "two shots with five iterations, and three for each of five other frames"
    fewer = plan(job("b.mkv", settings=FEW | {"keyframes": 4}))
    assert fewer["estimated_s"] == 320, "of the five a quarter, and a fifth of the rest"
    assert (shown["width"], shown["height"], shown["frames"]) == (32, 21, 7) and shown["painted_at"] == "32x21"
    clip(Path("wide.mkv"), drawn(1, 64, 600))
    assert plan(VideoJob("wide.mkv", (("p.png", 1.0),), delivery=VideoDelivery("c.mkv"), **PLAIN))["width"] == 512
    line = ["video", "a.mp4", "p.png", "--method", "iterative", "--recipe", "statistics", "--iterations", "3",
            "--frame-iterations", "1", "--end", "0.1", "-o", "d.mp4", "-q"]  # fmt: skip
    assert CliRunner().invoke(app, line).output.strip() == "d.mp4" and len(Clip("d.mp4").facts.times) == 3


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"styles": (), "style_index": "3"}, "`style_index` is for a network"),
        ({"styles": (("p.safetensors", 1.0),)}, "A style code or `style_index` is for a network"),
        ({"styles": (), "style_at": ((0.0, "a.png"), (1.0, "p.safetensors"))}, "A style code"),
        ({"regions": (RegionFiles("m.mkv", "p.safetensors"),)}, "A style code"),
        ({"settings": FEW | {"style_weight": 0, "content_weight": 0}}, "Nothing is asked for"),
        ({"styles": (("p.png", 0.0),)}, "not all 0"),
        ({"settings": {"method": "refine"}}, "`method` of moving pictures is fast or iterative, not refine"),
        ({"settings": {"method": "fast"}}, "recipe statistics is for the optimiser"),
        ({"settings": FEW | {"steady": "off"}}, "`steady` has no effect on optimised video"),
        ({"settings": {"iterations": 3}, "recipe": "default"}, "`iterations` has no effect on video"),
        ({"settings": FEW | {"iterations": 0}}, "`iterations` must be"),
    ],
)
def test_what_makes_no_sense_for_it(options: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        job(**options)


@pytest.mark.parametrize(
    ("ending", "damage"), [(".frame", "cut"), (".checkpoint", "cut"), (".checkpoint", "another's")]
)
def test_what_was_kept_of_a_frame_and_does_not_fit_is_done_without(
    ending: str, damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As it was damaged, or of another processor, where those before it came out otherwise."""
    VideoWork(job("whole.mkv", end=0.1)).finish()
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    kept = Path("out.mkv.parts/unfinished")
    events = VideoWork(job(end=0.1)).events()
    for _ in events:
        if [*kept.glob("*.frame")] and [*kept.glob("*.checkpoint")]:
            break
    events.close()
    (path,) = kept.glob(f"*{ending}")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:99])
    else:
        checkpoint.save(path, {"of": "another"})
    VideoWork(job(end=0.1), resume=True).finish()
    assert same("out.mkv", "whole.mkv") and "A frame is begun afresh" in caplog.text


def test_the_weights_of_paintings_make_another_film(folder: Path) -> None:
    Image.fromarray(painting(48, 48, 2)).save("q.png")

    def known(share: float) -> Any:
        job = VideoJob("a.mp4", (("p.png", 1 - share), ("q.png", share)), **PLAIN)
        return Film(job).known_by()

    assert known(0.3) == known(0.3) != known(0.7)
