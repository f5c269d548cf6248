"""What keeps films still is held to scenes whose motion is exactly known."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from impasto.errors import VideoError
from impasto.networks.codes import StyleCode, learnt_style
from impasto.video import flow, score, steady
from impasto.video.score import score_video
from impasto.video.shotpainter import SETTLING, ShotPainter
from impasto.video.shots import Cuts
from impasto.video.steady import Steadied
from impasto.video.styles import Numbers, Styles
from tests.clips import clip, drawn, scene, strokes


def floats(picture: NDArray[Any]) -> NDArray[Any]:
    return picture.astype(np.float32) / 255


def flowing(now: NDArray[Any], before: NDArray[Any]) -> flow.Flow:
    seen = flow.grey(now), flow.grey(before)
    return flow.between(*seen, flow.ways(*seen), now.shape[:2])


def test_flow_is_found_and_trusted_where_it_can_be() -> None:
    known = scene(3)
    for now, before, step, visible in zip(known.frames[1:], known.frames, known.steps, known.visible, strict=False):
        found = flowing(floats(now), floats(before))
        inner = np.zeros_like(visible)
        inner[8:-8, 8:-8] = True
        off = np.abs(found.steps - step).max(-1)
        assert np.median(off[visible & inner]) < 0.15
        assert found.trust[visible & inner].mean() > 0.75 and found.trust[~visible & inner].mean() < 0.25
        warped = found.warped(floats(before))
        trusted = found.trust > 0.5
        assert np.abs(warped - floats(now))[trusted].mean() < 0.02


def test_flow_of_large_frames_is_that_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    known = scene(2)
    grown = [np.kron(floats(each), np.ones((2, 2, 1), np.float32)) for each in known.frames]
    monkeypatch.setattr(flow, "LONGEST", 128)
    found = flowing(grown[1], grown[0])
    assert np.median(found.steps[20:60, 180:240], (0, 1)) == pytest.approx([4, 0], abs=0.3)


def test_far_flow_is_found_by_the_steps_in_between() -> None:
    known, far = scene(17), None
    seen = [flow.grey(floats(each)) for each in known.frames]
    rows, columns, visible = followed(known, 16, 16)
    for number in range(1, 17):
        near = flow.ways(seen[number], seen[number - 1])
        far = flow.ways(seen[number], seen[0], near.after(far)) if far else near
        if number == 8:
            again = flow.between(seen[8], seen[0], far, (96, 128))
            off, could = off_by(again, *followed(known, 8, 8))
            assert (off[could] < 0.5).mean() > 0.9 and again.trust[could].mean() > 0.8
            at_one_go, _ = off_by(
                flow.between(seen[8], seen[0], flow.ways(seen[8], seen[0]), (96, 128)), *followed(known, 8, 8)
            )
            assert (at_one_go[could] < 0.5).mean() < 0.5, "or it is a test of nothing"
    assert far
    off, _ = off_by(flow.between(seen[16], seen[0], far, (96, 128)), rows, columns, visible)
    assert np.median(off[visible]) < 0.5


def off_by(found: flow.Flow, rows: Any, columns: Any, visible: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """How far flow is off, in pixels, and where it could be known."""
    down, across = np.mgrid[0:96, 0:128]
    return np.hypot(found.steps[..., 0] - (columns - across), found.steps[..., 1] - (rows - down)), visible


def flickering(frames: list[NDArray[Any]], seed: int = 0) -> list[NDArray[Any]]:
    """As a network paints frame by frame: strokes that differ from frame to frame."""
    painted = []
    for number, frame in enumerate(frames):
        noise = floats(strokes(frame.shape[0], frame.shape[1], 100 * seed + number)) - 0.5
        painted.append(np.clip(floats(frame) + 0.3 * noise, 0, 1).astype(np.float32))
    return painted


def errors(known: Any, shown: list[NDArray[Any]], distance: int = 1) -> float:
    """The mean square of what differs along the exact flow over so many frames, where it could be seen in all
    of them.
    """
    found = []
    for number in range(distance + 2, len(shown)):
        rows, columns, seen = followed(known, number, distance)
        found.append(((shown[number - distance][rows, columns] - shown[number]) ** 2).mean(-1)[seen].mean())
    return float(np.mean(found))


def followed(known: Any, number: int, distance: int) -> tuple[Any, Any, Any]:
    """The rows and the columns where everything in a frame was so many frames before, and whether it could be
    seen in all of them.
    """
    rows, columns = np.mgrid[0:96, 0:128]
    seen = np.ones((96, 128), bool)
    for earlier in range(number - 1, number - 1 - distance, -1):
        seen = seen & known.visible[earlier][rows, columns]
        step = known.steps[earlier][rows, columns].astype(int)
        rows, columns = rows + step[..., 1], columns + step[..., 0]
        seen = seen & (rows >= 0) & (rows < 96) & (columns >= 0) & (columns < 128)
        rows, columns = rows.clip(0, 95), columns.clip(0, 127)
    return rows, columns, seen


@pytest.mark.parametrize("filmed", [320, 64])
def test_what_flickers_is_calmed_without_blur_or_ghosts(filmed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where what is kept of the clip is smaller than what is painted."""
    monkeypatch.setattr(steady, "_FILMED", filmed)
    known = scene(16)
    painted = flickering(known.frames)
    steadied = Steadied()
    shown = [
        steadied.frame(floats(frame), each, begins=number == 0)
        for number, (frame, each) in enumerate(zip(known.frames, painted, strict=True))
    ]
    assert np.array_equal(shown[0], painted[0])
    for distance in (1, 8):
        assert errors(known, shown, distance) ** 0.5 < 0.4 * errors(known, painted, distance) ** 0.5
    detail = [np.mean([(each - steady._broad(each)).var() for each in some]) for some in (shown, painted)]
    assert detail[0] > 0.75 * detail[1], "the flicker's own share of what is fine is less, and nothing else"
    assert abs(np.mean(shown[-1]) - np.mean(painted[-1])) < 0.005, "nothing darkens"
    hidden = ~known.visible[-1] & (np.abs(np.arange(128) - 64) < 56) & (np.abs(np.arange(96) - 48) < 40)[:, None]
    ghost = np.abs(shown[-1] - painted[-1]).mean(-1)
    assert ghost[hidden].mean() < 0.5 * ghost[known.visible[-1]].mean(), "what comes into view is new"


def test_what_stands_still_comes_to_rest() -> None:
    still = floats(strokes(64, 96, 1))
    steadied, shown = Steadied(), []
    for number, painted in enumerate(flickering([(still * 255).astype(np.uint8)] * 8, seed=3)):
        shown.append(steadied.frame(still, painted, begins=number == 0))
    assert np.abs(shown[-1] - shown[-2]).mean() < 0.03


def test_brightness_follows_the_clip_at_once_and_else_is_calmed() -> None:
    still, lamp = floats(strokes(64, 96, 1)) * 0.5, Steadied()
    lamp.frame(still, still, begins=True)
    brighter = lamp.frame(still + 0.3, still + 0.3, begins=False)
    assert np.abs(brighter - still - 0.3).mean() < 0.01, "a light that is switched on is no flicker"
    steadied = Steadied()
    uneasy = [still + 0.05 * (number % 2) for number in range(24)]
    means = [steadied.frame(still, each, begins=number == 0).mean() for number, each in enumerate(uneasy)]
    assert np.ptp(means[1:]) < 0.35 * 0.05, "without a light it is"
    for _ in range(40):
        shown = steadied.frame(still, still + 0.05, begins=False)
    assert abs(shown.mean() - still.mean() - 0.05) < 0.2 * 0.05, "and nothing is held for ever"


def test_what_becomes_something_else_is_painted_anew() -> None:
    """Flow follows slow changes too far: every step is small, and yet in the end it is another thing."""
    before, after = floats(strokes(64, 96, 1)), floats(strokes(64, 96, 2))
    faces = [before + (after - before) * min(1.0, number / 24) for number in range(30)]
    steadied = Steadied()
    shown = [steadied.frame(each, each, begins=number == 0) for number, each in enumerate(faces)]
    assert np.abs(shown[-1] - after).mean() < 0.15 * np.abs(before - after).mean()


def test_what_was_hidden_for_a_moment_is_as_it_was() -> None:
    ground, disc = strokes(64, 96, 1), np.zeros((64, 96), bool)
    disc[20:44, 30:54] = True
    clips = [np.where(disc[..., None], 255 - ground, ground) if number in (3, 4) else ground for number in range(6)]
    painted, steadied = flickering(clips), Steadied()
    shown = [
        steadied.frame(floats(clip), each, begins=number == 0)
        for number, (clip, each) in enumerate(zip(clips, painted, strict=True))
    ]
    inner = np.zeros_like(disc)
    inner[24:40, 34:50] = True
    change = [np.abs(some[5] - some[2])[inner].mean() for some in (shown, painted)]
    assert change[0] < 0.5 * change[1]


def test_steadying_goes_on_from_its_state() -> None:
    known = scene(6)
    painted = flickering(known.frames)
    whole, first = Steadied(), Steadied()
    for number in range(6):
        shown = whole.frame(floats(known.frames[number]), painted[number], begins=number == 0)
        if number < 3:
            first.frame(floats(known.frames[number]), painted[number], begins=number == 0)
    after = Steadied(first.state())
    for number in range(3, 6):
        again = after.frame(floats(known.frames[number]), painted[number], begins=False)
    assert np.array_equal(again, shown)


def test_cuts_are_told_and_motion_is_not() -> None:
    known, other = scene(10), [floats(each)[::-1, :, ::-1] * 0.5 for each in scene(5).frames]
    views = [floats(each) for each in known.frames] + other + [floats(each) for each in known.frames[:3]]
    cuts = Cuts()
    assert [number for number, view in enumerate(views) if cuts.is_cut(np.ascontiguousarray(view))] == [0, 10, 15]
    shaken, cuts = drawn(20), Cuts()
    assert sum(cuts.is_cut(np.roll(floats(each), 7 * number, 1)) for number, each in enumerate(shaken)) == 1
    faded = Cuts()
    assert sum(faded.is_cut(np.ascontiguousarray(views[0] * (1 - number / 30))) for number in range(30)) == 1
    again = Cuts(cuts.state())
    assert again.is_cut(floats(shaken[-1]) * 0) == cuts.is_cut(floats(shaken[-1]) * 0)


def code(share: float) -> StyleCode:
    return learnt_style({"0": share, "3": 1 - share}, "multistyle26")


def test_styles_melt_into_one_another_as_codes_do() -> None:
    first, second = code(1.0), code(0.0)
    styles = Styles([(1.0, first), (3.0, second)])
    assert styles.at(0.0)[0] is first and styles.at(1.0)[1] == (0, 0.0, 1.0) and styles.at(7.0)[0] is second
    mixed, key = styles.at(1.5)
    assert [*key] == [0, 0.25, 1] and torch.allclose(mixed.values, 0.75 * first.values + 0.25 * second.values)


def test_as_much_of_the_style_as_the_strength_of_the_moment() -> None:
    style, plain = code(1.0), code(0.0)
    styles = Styles([(0.0, style)], Numbers([(1.0, 0.0), (3.0, 1.0)]), plain)
    for time, share in ((0.0, 0.0), (1.0, 0.0), (1.5, 0.25), (2.0, 0.5), (3.0, 1.0), (9.0, 1.0)):
        found, key = styles.at(time)
        assert key[-1] == share and torch.allclose(found.values, share * style.values + (1 - share) * plain.values)


def painter(height: int = 32, width: int = 48, **options: Any) -> ShotPainter:
    plain: dict[str, Any] = {"frozen": True, "device": torch.device("cpu"), "precision": "float32"}
    return ShotPainter(Styles([(0.0, code(1.0))]), (height, width), **plain | options)


def test_statistics_of_a_shot_stay() -> None:
    """Once they are frozen, what comes in at one side changes nothing at the other."""
    view = floats(strokes(32, 256, 5))
    bright = view.copy()
    bright[:, 200:] = 1
    own, shot = painter(32, 256, frozen=False), painter(32, 256)
    for number in range(SETTLING):
        last = shot.paint(view, 0.0, begins=number == 0)
    assert np.allclose(last, own.paint(view, 0.0, begins=True), atol=1e-5), "of one view they are its own"
    change = [np.abs(each.paint(bright, 0.0, begins=False) - last)[:, :4].mean() for each in (own, shot)]
    assert change[1] < 1e-5 and change[0] > 0.003
    assert np.allclose(shot.paint(bright, 0.0, begins=True), own.paint(bright, 0.0, begins=True), atol=1e-5), "a cut"


def test_statistics_are_those_of_the_first_frames_together() -> None:
    views = [floats(strokes(32, 48, seed)) for seed in range(SETTLING)]
    shot = painter()
    for number, view in enumerate(views):
        shot.paint(view, 0.0, begins=number == 0)
    from impasto.networks.painter import Painter
    from impasto.networks.zoo import network

    together = Painter(
        network("multistyle26").stylizer, code(1.0).style(), dtype=torch.float32, device=torch.device("cpu")
    )
    _, moments = together.measured(torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2))
    mean, inverse = shot.state()["moments"][0]
    assert moments[0] is not None
    assert torch.allclose(mean, moments[0][0], atol=1e-4) and torch.allclose(inverse, moments[0][1], rtol=1e-3)


def test_painting_goes_on_from_its_state() -> None:
    views = [floats(strokes(32, 48, seed)) for seed in range(SETTLING + 4)]
    whole = painter()
    for number, view in enumerate(views):
        if number in (3, SETTLING + 1):
            again = painter(state=whole.state())
            assert np.array_equal(
                again.paint(view, 0.0, begins=False), painter(state=whole.state()).paint(view, 0.0, begins=False)
            )
            expected = again.paint(views[number + 1], 0.0, begins=False)
            whole.paint(view, 0.0, begins=False)
            assert np.array_equal(whole.paint(views[number + 1], 0.0, begins=False), expected)
            whole = painter(state=again.state())
        else:
            whole.paint(view, 0.0, begins=number == 0)


def test_scores_tell_steady_from_flickering(tmp_path: Path) -> None:
    known = scene(12)
    painted = flickering(known.frames)
    steadied = Steadied()
    shown = [
        steadied.frame(floats(frame), each, begins=number == 0)
        for number, (frame, each) in enumerate(zip(known.frames, painted, strict=True))
    ]
    files = {}
    for name, frames in (("clip", known.frames), ("wild", painted), ("calm", shown)):
        eight = [np.rint(each * 255).astype(np.uint8) if each.dtype != np.uint8 else each for each in frames]
        files[name] = clip(tmp_path / f"{name}.mkv", eight, codec="ffv1", form="bgr0", options={}, base=Fraction(1, 25))
    told = score_video(files["clip"], files["calm"], files["wild"])
    assert told["frames"] == 12 and 0 < told["clip"]["warping_1"] < told["against"]["warping_1"]
    ratios = told["film_over_against"]
    assert ratios["warping_1"] < 0.5 and ratios["warping_8"] < 0.95 and 0.8 < ratios["fine_energy"] < 1.25
    assert abs(told["film"]["brightness_drift"] - told["against"]["brightness_drift"]) < 0.01
    same = score_video(files["clip"], files["clip"])
    assert same["film"] == same["clip"]
    short = clip(tmp_path / "short.mkv", known.frames[:5], codec="ffv1", form="bgr0", options={}, base=Fraction(1, 25))
    with pytest.raises(VideoError, match="clip 12, film 5"):
        score_video(files["clip"], short)


def test_films_are_compared_frame_by_frame_where_some_cannot_be_decoded() -> None:
    class Holed:
        """Five frames by its header, some of which are not there."""

        facts = SimpleNamespace(times=range(5))

        def __init__(self, *numbers: int) -> None:
            self._numbers = numbers

        def frames(self) -> Iterator[SimpleNamespace]:
            return (SimpleNamespace(number=number, pixels=number) for number in self._numbers)

    def compared(**films: Holed) -> list[dict[str, int]]:
        return list(score._together(films))  # type: ignore[arg-type]

    assert compared(a=Holed(0, 1, 2, 3, 4), b=Holed(0, 2, 3)) == [{"a": number, "b": number} for number in (0, 2, 3)]
    found = compared(a=Holed(0, 1, 3, 4), b=Holed(1, 2, 4), c=Holed(0, 1, 2, 3, 4))
    assert found == [dict.fromkeys("abc", number) for number in (1, 4)]
    assert compared(a=Holed(0, 1), b=Holed(2, 3)) == []
