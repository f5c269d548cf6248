"""A film that many make is the film that one makes, whoever paints what of it, and whoever dies of it."""

import contextlib
import functools
import itertools
import json
import os
import random
import shutil
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import psutil
import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.cli.app import app
from impasto.errors import CheckpointError, OutputError, SettingsError
from impasto.jobs.claims import Claims, _claim
from impasto.jobs.job import RegionFiles
from impasto.machine import memory
from impasto.progress import Progress
from impasto.video import painting as paintings
from impasto.video import sharing, told, unfinished
from impasto.video.fast import Fast
from impasto.video.helpers import helped
from impasto.video.job import VideoJob
from impasto.video.optimised import Optimised
from impasto.video.parts import Parts
from impasto.video.sharing import SharedWork
from impasto.video.shotpainter import ShotPainter
from impasto.video.work import VideoWork
from tests.clips import Picture, clip, decoded, packets
from tests.helpers import painting, photo
from tests.test_video import job as fast
from tests.test_video import said

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
    if scene == "one frame":  # which may be there when the second asks
        return
    lone = [each.event for each in itertools.chain(*events) if "no cut" in each.event]
    assert len(lone) == (scene in ("one shot", "a cut one frame after a part"))
    if not seed:
        assert sum(work._painting.spent["paint"] > 0 for work in works) == 2 - len(lone), "both have a part in it"


def until(events: Generator[Progress, None, None], painted: Sequence[float], count: int) -> None:
    """Let a worker go on until so many frames are painted."""
    for _ in events:
        if len(painted) >= count:
            return


@pytest.mark.parametrize("dies_at", [1, 5, 13, 26])
def test_what_a_dead_worker_had_in_hand_is_taken_over(
    dies_at: int, painted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill takes all but files: nothing is given back, nothing touched any more."""
    clip(Path("a.mp4"), shots(20, 3, 9), sound="aac")
    VideoWork(job("whole.mkv")).finish()
    painted.clear()
    monkeypatch.setattr(sharing, "Claims", functools.partial(Claims, beat=0.05, stale=0.4))
    dead, alive = SharedWork(job()), SharedWork(job())
    left = dead.events()
    until(left, painted, dies_at)
    dead._claims._closed.set()
    done = sum(len(part.moments) for part in dead._parts.line())
    alive.finish()
    assert same() and packets(Path("out.mkv"), "audio") == packets(Path("whole.mkv"), "audio")
    assert len(painted) <= 32 + dies_at - done and dies_at - done <= LENGTH + 5, "a part, and what waits to be written"
    with contextlib.suppress(OutputError):
        left.close()  # or it only slept
    assert {path.name for path in Path().iterdir() if "out" in path.name} == {"out.mkv", "out.mkv.json"} and same()


def test_who_wakes_up_late_finds_the_film_made(painted: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(20, 3, 9))
    VideoWork(job("whole.mkv")).finish()
    painted.clear()
    monkeypatch.setattr(sharing, "Claims", functools.partial(Claims, beat=0.05, stale=0.4))
    slept = SharedWork(job())
    events = slept.events()
    until(events, painted, 3)
    slept._claims._closed.set()
    SharedWork(job()).finish()
    said = [progress.event for progress in events]
    assert said[-1] == "out.mkv is made." and slept.record and slept.output == Path("out.mkv") and same()
    assert {path.name for path in Path().iterdir() if "out" in path.name} == {"out.mkv", "out.mkv.json"}


def test_workers_that_are_stopped_leave_what_is_done(painted: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(20, 3, 9))
    VideoWork(job("whole.mkv")).finish()
    painted.clear()
    first, second = SharedWork(job()), SharedWork(job())
    events = first.events(), second.events()
    until(events[0], painted, 12)
    until(events[1], painted, 15)
    for each in events:
        each.close()
    assert first.interrupted and first.output == Path("out.mkv.parts") and not [*Path("out.mkv.parts/claims").iterdir()]
    with pytest.raises(SettingsError, match="`resume` goes on with it"):
        VideoWork(job())
    with pytest.raises(SettingsError, match="leave out `resume`"):
        SharedWork(job(), resume=True)
    for length, steady in ((LENGTH, "off"), (LENGTH + 1, "light")):
        monkeypatch.setattr(Fast, "LENGTH", length)
        with pytest.raises(CheckpointError, match="is of another film"):
            SharedWork(job(settings={"steady": steady})).finish()
    monkeypatch.setattr(Fast, "LENGTH", LENGTH)
    kept = [path for path in Path("out.mkv.parts").glob("0*.json") if path.with_suffix(".state").exists()]
    done = sum(len(json.loads(path.read_text())["moments"]) for path in kept)
    painted.clear()
    # One that goes on alone passes over what is there, also behind what is not.
    VideoWork(job(), resume=True).finish()
    assert same() and done and len({*painted}) == len(painted) == 32 - done and not Path("out.mkv.parts").exists()


def test_shots_that_kill_whoever_paints_them_are_named() -> None:
    clip(Path("a.mp4"), shots(4, 4))
    claims = Path("two.mkv.parts/claims")
    claims.mkdir(parents=True)
    for tries in range(1, 4):
        (claims / _claim("4", tries)).write_text("dead")
        os.utime(claims / _claim("4", tries), (1, 1))
    with pytest.raises(OutputError, match="3 workers have died of the shots from frame 4 on"):
        SharedWork(job("two.mkv")).finish()
    SharedWork(job("two.mkv")).finish()  # which is tried again


def test_who_comes_late_finds_the_film_made(painted: list[float]) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    SharedWork(job()).finish()
    made = Path("out.mkv").read_bytes()
    painted.clear()
    late = SharedWork(job())
    assert [each.event for each in late.events()] == ["out.mkv is made."] and late.output == Path("out.mkv")
    assert late.record and not painted and Path("out.mkv").read_bytes() == made
    with pytest.raises(OutputError, match=r"out\.mkv exists"):
        SharedWork(job(style_index="4"))
    SharedWork(job(style_index="4"), force=True).finish()
    assert Path("out.mkv").read_bytes() != made
    VideoWork(job("own.mkv")).finish()
    with pytest.raises(OutputError, match=r"own\.mkv exists"):
        SharedWork(job("own.mkv"))
    SharedWork(job("bare.mkv", metadata=False)).finish()
    with pytest.raises(OutputError, match=r"bare\.mkv exists"):
        SharedWork(job("bare.mkv", metadata=False))


@pytest.mark.parametrize("last", [(VideoWork, "_deliver"), (Parts, "remove")])
def test_who_joins_may_die_of_it(last: tuple[Any, str], painted: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the film is there, or when it is."""
    clip(Path("a.mp4"), shots(4, 4), sound="aac")
    VideoWork(job("whole.mkv")).finish()
    with monkeypatch.context() as patch:
        patch.setattr(*last, Mock(side_effect=RuntimeError("dead")))
        with pytest.raises(RuntimeError, match="dead"):
            SharedWork(job()).finish()
    assert Path("out.mkv.parts").exists()
    painted.clear()
    SharedWork(job()).finish()
    assert same() and not painted and not Path("out.mkv.parts").exists()


ALL: dict[str, Any] = {
    "style_index": "",
    "style_at": ((0.0, "p.png"), (0.4, "q.png")),
    "strength_at": ((0.2, 1.0), (0.5, 0.4)),
    "regions": (RegionFiles("m.mkv", "q.png"),),
    "start": 0.04,
    "end": 0.52,
    "sheet": True,
    "settings": {"network": "arbitrary", "feather": 0.02},
}
OPTIMISED: dict[str, Any] = {"method": "iterative", "iterations": 3, "frame_iterations": 2, "network": None}


@pytest.mark.usefixtures("narrow", "small_looks")
@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("all.mkv", ALL),
        ("all.mp4", ALL | {"settings": {"network": "arbitrary", "steady": "shots"}, "codec": ""}),
        ("off.gif", {"settings": {"steady": "off"}, "codec": ""}),
        ("folder", {"codec": ""}),
        ("iterative.mkv", {"style_index": "", "styles": (("p.png", 1.0),), "recipe": "statistics", "settings": OPTIMISED}),
        ("keyframes.mkv", {"style_index": "", "styles": (("p.png", 1.0),), "recipe": "statistics", "settings": OPTIMISED | {"keyframes": 3}}),
    ],
)  # fmt: skip
def test_all_that_films_can_be_is_shared(
    output: str, options: dict[str, Any], painted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By three of which one dies, beside those that are stopped."""
    monkeypatch.setattr(Optimised, "LENGTH", 4)
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    monkeypatch.setattr(sharing, "Claims", functools.partial(Claims, beat=0.05, stale=0.4))
    lossless: dict[str, Any] = {"codec": "ffv1", "form": "bgr0", "options": {}}
    clip(Path("a.mp4"), shots(5, 2, 4, 3), sound="aac", base=Fraction(1, 25))
    clip(Path("m.mkv"), shots(9, 5), base=Fraction(1, 25), **lossless)
    for name, seed in (("p.png", 1), ("q.png", 9)):
        Image.fromarray(painting(48, 48, seed)).save(name)
    whole = f"whole{Path(output).suffix}"
    VideoWork(job(whole, **options)).finish()
    works = [SharedWork(job(output, **options)) for _ in range(3)]
    events = [work.events() for work in works]
    for work, steps in zip(works, events, strict=True):  # each comes to a shot of its own
        while not work._painting.spent["paint"]:
            next(steps)
        next(steps)
    works[0]._claims._closed.set()
    events[1].close()
    for _ in events[2]:
        pass
    assert same(output, whole) if Path(output).suffix else files(output) == files(whole)
    for ending in (".sheet.png",) if options.get("sheet") else ():
        assert Path(f"{output}{ending}").read_bytes() == Path(f"{whole}{ending}").read_bytes()
    if output == "all.mp4":
        assert packets(Path(output), "audio") == packets(Path(whole), "audio")
    assert works[2].output == Path(output) and not Path(f"{output}.parts").exists()


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.slow
def test_processes_of_one_machine_share_and_may_be_killed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fast, "LENGTH", 240)  # as in the others
    clip(Path("a.mp4"), shots(*[60] * 12))
    VideoWork(job("whole.mkv")).finish()
    work, killed = SharedWork(job()), False
    with helped(job(), 2):
        processes = psutil.Process().children()
        for progress in work.events():
            # What it has in hand is another's after a minute.
            if not killed and progress.iteration and progress.iteration >= 200:
                processes[0].kill()
                killed = True
    assert same() and "A process that shared the film has ended: Its process was killed" in caplog.text
    assert not any(each.is_running() for each in processes)


def test_the_command_line_shares(painted: list[float]) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    line = ["video", "a.mp4", "--style-index", "3", "--network", "multistyle26", "-o", "out.mkv", "--codec", "ffv1"]
    assert said(*line, "--workers", "1", "-q") == "out.mkv" and len(painted) == 8
    assert "impasto: out.mkv is made." in said(*line, "--claim") and len(painted) == 8
    assert "leave out --resume" in said(*line, "--claim", "--resume", code=2)
    assert VideoWork(job("whole.mkv")).finish() and same()


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("moment", ["_note_hashes", "_is_made"])
def test_a_film_that_is_made_while_another_begins_is_not_begun_anew(
    moment: str, metadata: bool, painted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    first = SharedWork(job(metadata=metadata))
    events = first.events()
    next(events)
    late, asked = SharedWork(job(metadata=metadata)), getattr(SharedWork, moment)

    def meanwhile(self: SharedWork) -> Any:
        answer = asked(self)
        if self is late:
            list(events)
        return answer

    monkeypatch.setattr(SharedWork, moment, meanwhile)
    assert [each.event for each in late.events()][-1] == "out.mkv is made."
    assert len(painted) == 8 and not Path("out.mkv.parts").exists()


def test_a_film_that_cannot_be_joined_leaves_its_parts_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    full = Mock(side_effect=[OSError(28, "No space left on device"), None])  # but there is elsewhere
    with monkeypatch.context() as patch:
        patch.setattr("impasto.video.joining.join", full)
        work = SharedWork(job())
        with pytest.raises(OutputError, match=r"out\.mkv could not be written"):
            work.finish()
    assert full.call_count == 1 and not work.misplaced and not Path("out.mkv").exists()
    assert len([*Path("out.mkv.parts").glob("*.state")]) == 2
    SharedWork(job()).finish()
    assert VideoWork(job("whole.mkv")).finish() and same()


@pytest.mark.parametrize("output", ["out.gif", "out.mkv", "folder"])
def test_a_film_that_is_there_no_more_is_not_called_made(output: str, painted: list[float]) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    one = job(output, codec="")
    SharedWork(one).finish()
    path = Path(output)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    painted.clear()
    with pytest.raises(OutputError, match=r"\.json exists"):
        SharedWork(one)
    SharedWork(one, force=True).finish()
    assert len(painted) == 8 and path.exists()


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("output", ["out.mkv", "folder"])
@pytest.mark.parametrize("left", ["an empty folder", "claims", "another film"])
def test_what_is_there_of_others_is_not_taken_for_the_film(left: str, output: str, metadata: bool) -> None:
    """Nor is it written over, whatever lies in the folder of the parts."""
    clip(Path("a.mp4"), shots(4, 4))
    one = job(output, codec="", metadata=metadata)
    if left == "another film":
        events = SharedWork(job(output, codec="", metadata=metadata, style_index="4")).events()
        next(events)
        events.close()
    else:
        Path(f"{output}.parts", *(["claims"] if left == "claims" else [])).mkdir(parents=True)
    own = Path(output) if Path(output).suffix else Path(output, "own.png")
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"own")
    with pytest.raises(OutputError, match=r"exists already|and not empty: name a new folder"):
        SharedWork(one)
    assert own.read_bytes() == b"own" and Path(f"{output}.parts").exists()


def test_another_film_whose_parts_go_meanwhile_is_not_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    other = SharedWork(job(metadata=False, style_index="4")).events()
    next(other)
    work, note = SharedWork(job(metadata=False)), VideoWork._note_hashes

    def meanwhile(self: SharedWork) -> None:
        note(self)
        if self is work:
            list(other)

    monkeypatch.setattr(SharedWork, "_note_hashes", meanwhile)
    with pytest.raises(OutputError, match=r"out\.mkv exists"):
        work.finish()


def test_whoever_waits_knows_that_it_is_made_before_the_parts_go(monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    first, second = SharedWork(job()), SharedWork(job())
    seen, removing = list[bool](), shutil.rmtree

    def noted(*args: Any, **options: Any) -> None:
        seen.append(second._is_made())
        removing(*args, **options)

    monkeypatch.setattr("impasto.video.parts.shutil.rmtree", noted)
    first.finish()
    assert seen and all(seen)


def test_all_else_is_painted_before_deaths_are_told(painted: list[float]) -> None:
    clip(Path("a.mp4"), shots(4, 4, 4, 4))
    claims = Path("out.mkv.parts/claims")
    claims.mkdir(parents=True)
    for number, tries in itertools.product(("0", "8"), range(1, 4)):
        (claims / _claim(number, tries)).write_text("dead")
        os.utime(claims / _claim(number, tries), (1, 1))
    first, second = SharedWork(job()).events(), SharedWork(job()).events()
    next(first)  # holds what it does not paint
    until(second, painted, 8)
    assert len(painted) == 8
    with pytest.raises(OutputError, match="3 workers have died of the shots from frame 0 on"):
        for _ in first:
            pass
    with pytest.raises(OutputError, match="3 workers have died of the shots from frame 8 on"):
        for _ in second:  # though it holds that one, it has not kept the first waiting
            pass
    assert {path.stem for path in Path("out.mkv.parts").glob("*.state")} == {"000000", "000004", "000012"}
    SharedWork(job()).finish()
    assert VideoWork(job("whole.mkv")).finish() and same()


def test_what_others_have_in_hand_is_not_done(painted: list[float]) -> None:
    clip(Path("a.mp4"), shots(20))
    first, second = SharedWork(job()).events(), SharedWork(job()).events()
    until(first, painted, 3)
    passing = [*itertools.takewhile(lambda each: "in hand" not in each.text, second)]
    assert passing and all(each.done == 0 and each.seconds_left is None for each in passing)
    until(first, painted, 2 * LENGTH + 2)  # the writing thread has two parts of it, or is about to
    for both in itertools.zip_longest(first, second):
        for each in filter(None, both):
            assert 0 <= each.done <= 1 and (each.seconds_left is None or each.seconds_left >= 0)


def test_who_finds_it_made_has_the_film_s_own_record() -> None:
    clip(Path("a.mp4"), shots(4, 4))
    first = SharedWork(job()).finish()
    late = SharedWork(job()).finish()
    assert first["shots"] == late["shots"] and len(late["shots"]) == 2
    assert (late["steps"], late["key"], late["output"]) == (8, first["key"], "out.mkv")


@pytest.mark.parametrize("kind", [SharedWork, VideoWork])
@pytest.mark.parametrize(
    "output", ["x" * 300, "x" * 300 + ".mkv", "x" * 300 + "/out.mkv", "a.mp4/out.mkv", "a.mp4/out"]
)
def test_outputs_that_no_system_takes_are_told_of(kind: Any, output: str) -> None:
    clip(Path("a.mp4"), shots(4))
    for metadata in (True, False):
        with pytest.raises(OutputError, match="cannot be written"):
            kind(job(output, codec="", metadata=metadata))


def test_helpers_begin_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Mock(failure="", events=lambda: iter(()))
    monkeypatch.setattr("impasto.video.helpers.Process", Mock(side_effect=[first, OSError(11, "no more processes")]))
    with pytest.raises(OSError, match="no more"), helped(job(), 3):
        raise AssertionError
    assert first.cancel.called and first.close.called


def test_the_film_is_fitted_into_its_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), shots(4, 4))
    sharers = list[int]()

    def begun(*_: Any, **__: Any) -> None:
        sharers.append(memory._sharers)
        raise SettingsError("enough")

    monkeypatch.setattr(SharedWork, "__init__", begun)
    line = ["video", "a.mp4", "--style-index", "3", "--network", "multistyle26", "-o", "out.mkv", "--workers", "3"]
    assert CliRunner().invoke(app, line).exit_code
    assert sharers == [3] and memory._sharers == 1
