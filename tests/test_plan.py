"""Fitting into memory: what is planned, what is told, and what happens when it runs out all the same."""

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

import impasto
from impasto.errors import SettingsError
from impasto.losses.objective import TermObjective
from impasto.machine import memory
from impasto.masks.regions import Region
from impasto.pictures.picture import Picture, Size
from impasto.places.search import replaced
from impasto.settings.fields import Settings
from impasto.settings.recipes import recipe
from impasto.tasks import problem as problem_
from impasto.tasks.budget import Fit, _tiled, fit
from impasto.tasks.inputs import Style
from impasto.tasks.problem import Problem
from impasto.tasks.schedule import schedule
from impasto.tasks.sweep_budget import Sweep
from impasto.tasks.zones import Zone
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")

CPU = torch.device("cpu")


def planned(size: Size, memory: str, **settings: Any) -> Fit:
    effective = Settings(memory=memory, **settings).effective()
    frame = Picture(torch.zeros(1, 3, 1, 1).expand(1, 3, *size))
    return fit(Problem("stylize", effective, frame, schedule(size, effective)), "bfloat16", CPU)


def test_what_fits_is_seen_whole_with_all_its_history() -> None:
    assert planned((342, 512), "2GB") == Fit(None, 7, planned((342, 512), "3GB").bytes)


def test_less_memory_means_more_work() -> None:
    size = (2731, 4096)
    plans = [planned(size, f"{memory}MB") for memory in (64000, 16000, 8000, 5000, 4000, 3500)]
    assert plans[0].tile is None and all(each.tile for each in plans[1:])
    sizes = [each.bytes for each in plans]
    assert sizes == sorted(sizes, reverse=True) and plans[-1].history < 7
    for each, room in zip(plans, (64e9, 16e9, 8e9, 5e9, 4e9, 3.5e9), strict=True):
        assert each.bytes <= room
    work = [each.slower for each in plans]
    assert work == sorted(work) and work[0] == 1 and work[-1] < 3


def test_where_nothing_but_pixels_is_looked_at_there_is_a_plan() -> None:
    assert planned((2731, 4096), "4GB", style_weight=0, content_layers={"pixels": 1}).tile


def test_a_long_memory_that_was_asked_for_is_kept_where_there_is_room() -> None:
    """Objectives that want one take up to a quarter more evaluations for half of it."""
    asked: dict[str, Any] = {"history": 20, "style_loss": "gram", "pooling": "average"}
    plans = [planned((2731, 4096), memory, **asked) for memory in ("12GB", "6GB", "4GB")]
    assert plans[0].history == 20 and plans[0].tile
    assert [each.history for each in plans] == sorted((each.history for each in plans), reverse=True)


def test_the_places_of_several_paintings_are_counted() -> None:
    painted = recipe("default").changed(memory="64GB").effective()
    frame, style = Picture(torch.zeros(1, 3, 1, 1).expand(1, 3, 682, 1024)), Picture(torch.zeros(1, 3, 64, 64))

    def least(count: int) -> int:
        problem = Problem(
            "stylize", painted, frame, schedule(frame.size, painted), zones=[Zone([Style(style)] * count)]
        )
        return min(option.bytes for option in _tiled(problem, frame.size, "bfloat16", 1))

    assert least(1) < least(2) <= least(3) <= least(9)


def test_every_painting_but_the_first_is_counted() -> None:
    """Blended, or of regions: each is held as long as the run."""
    settings = Settings(memory="64GB").effective()
    frame, style = Picture(torch.zeros(1, 3, 1, 1).expand(1, 3, 512, 512)), Picture(torch.zeros(1, 3, 64, 64))

    def taken(*counts: int) -> int:
        zones = [Zone([Style(style, 1 / count)] * count) for count in counts]
        return fit(
            Problem("stylize", settings, frame, schedule(frame.size, settings), zones=zones), "bfloat16", CPU
        ).bytes

    assert taken(3) - taken(1) == taken(1, 1, 1) - taken(1) == 2 * 12 * 512 * 512


def test_the_network_is_cut_where_that_is_less_work_than_margins() -> None:
    """Of `statistics` all layers are summed first, and behind pool3 is a third of the work; of content alone
    none is, and to see the front twice costs more than it saves.
    """
    assert planned((2731, 4096), "4GB").cut == "pool3" and planned((2731, 4096), "64GB").cut == ""
    assert planned((2731, 4096), "4GB", style_weight=0).cut == ""


def test_what_was_seen_of_a_painting_is_remembered_in_what_is_left() -> None:
    """All eight views at all scales, a third more than the last, or what there is room for beside the run."""
    painted = recipe("default").effective()
    frame, style = Picture(torch.zeros(1, 3, 340, 512)), Picture(torch.zeros(1, 3, 512, 400))
    problem = Problem("stylize", painted, frame, schedule(frame.size, painted), zones=[Zone([Style(style)])])

    def kept(memory: str, precision: str = "bfloat16") -> Fit:
        return fit(replace(problem, settings=replace(painted, memory=memory)), precision, CPU)

    plain = fit(replace(problem, zones=[]), "bfloat16", CPU)
    # relu1_1/4 to relu3_1: 64, 128 and 256 channels at a quarter of the side; at the smaller scales, which
    # have a third of the pixels, besides 256 there and 512 at an eighth.
    larger = 24 * (512 * 400 - 340 * 512)  # what the painting has more pixels than the picture, twice
    views = round(8 * 512 * 400 * (448 / 16 + (704 / 16 + 512 / 64) / 3) * 2)
    assert kept("4GB").kept == views and kept("4GB").bytes == plain.bytes + views + larger
    assert kept("4GB", "float32").kept == pytest.approx(2 * views, abs=1)
    scant = kept(f"{math.ceil(plain.bytes / 1e6) + 10}MB")
    assert scant.tile is None and scant.history == 7 and 9e6 < scant.kept <= 11e6
    tiled = kept(f"{math.ceil(plain.bytes / 1e6) - 50}MB")
    assert tiled.tile and tiled.kept == 0


def test_too_little_memory_says_what_it_takes() -> None:
    with pytest.raises(
        SettingsError, match=r"too little for 4096×2731 pixels: it takes at least `memory` (\d+)MB"
    ) as told:
        planned((2731, 4096), "1GB")
    least = str(told.value).split("`memory` ")[1].split("MB")[0]
    assert planned((2731, 4096), f"{least}MB").tile == 256
    with pytest.raises(SettingsError, match="has no tiles"):
        planned((2731, 4096), "4GB", style_loss="nearest")


MASK = np.zeros((300, 400), np.uint8)
MASK[:, 200:] = 255
PAINTINGS = [painting(300, 300), painting(200, 420), painting(60, 900)]


@pytest.mark.usefixtures("small_looks")
@pytest.mark.parametrize("sharers", [1, 3])
@pytest.mark.parametrize(
    "given",
    [
        {"style": PAINTINGS[0]},
        {"style": PAINTINGS, "style_scale": (1, 0.6, 1.5)},
        {"style": PAINTINGS[0], "protect": "mask.png:0.5"},
        {"style": PAINTINGS[0], "regions": [Region(MASK, PAINTINGS[1]), Region(MASK // 2, PAINTINGS[2])]},
        {"style": None, "regions": [Region(MASK, PAINTINGS[1])]},
        {"style": PAINTINGS[1], "method": "fast"},
        {"style": PAINTINGS[1], "method": "refine", "size": 64, "precision": "float32"},
    ],
    ids=["one", "several", "protected", "regions", "beside the photograph", "fast", "refine"],
)
def test_the_least_memory_that_is_told_is_enough(
    given: dict[str, Any], sharers: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(MASK).save("mask.png")
    monkeypatch.setattr("impasto.machine.memory._sharers", sharers)

    def plan(memory: str) -> Any:
        made: Any = impasto.plan_stylize
        return made(photo(300, 400), **{"size": 2048} | given, memory=memory)

    with pytest.raises(SettingsError, match="are too little for") as told:
        plan("300MB")
    plan(str(told.value).split("`memory` ")[1].split(",")[0])


@pytest.mark.usefixtures("small_looks")
@pytest.mark.parametrize("setting", ["500MB", "auto"])
@pytest.mark.parametrize("method", ["stylize", "refine", "fast", "texture", "reconstruct"])
def test_too_little_memory_is_told_before_it_is_taken(
    method: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture is scaled to more than the size of what it was."""
    monkeypatch.setattr("impasto.machine.memory._free_and_own", lambda device: (200 * 10**6, 300 * 10**6))

    def small(size: Size) -> bool:
        assert size[0] * size[1] < 10**6, "a large picture was made"
        return True

    fitted, fit_ = Picture.resized, ImageOps.fit
    monkeypatch.setattr(Picture, "resized", lambda self, size: small(size) and fitted(self, size))
    monkeypatch.setattr(ImageOps, "fit", lambda image, size, *rest: small(size) and fit_(image, size, *rest))
    asked: dict[str, Any] = {"size": 16384, "memory": setting}
    with pytest.raises(SettingsError, match=r"500 MB of memory are too little for 16384×12288 pixels") as told:
        if method == "texture":
            impasto.plan_texture(painting(60, 80), **asked)
        elif method == "reconstruct":
            impasto.plan_reconstruct(photo(60, 80), **asked)
        else:
            plan: Any = impasto.plan_stylize
            known = {} if method == "stylize" else {"method": method}
            plan(Image.fromarray(photo(60, 80)), painting(40, 40), **asked, **known)
    assert told.value.settings == ("memory", "size")


def test_auto_takes_what_is_free_and_the_least_where_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.machine.memory.budget", lambda setting, device: 10**9)
    monkeypatch.setattr("impasto.machine.memory.most", lambda device: 10**10)
    assert planned((2731, 4096), "auto").tile == 256
    assert planned((200, 300), "auto").tile is None


def test_a_run_in_tiles_gives_the_picture_of_a_run_without(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []
    for how in (Fit(None, 7, 0), Fit(48, 7, 0), Fit(48, 7, 0, cut="pool3")):
        monkeypatch.setattr("impasto.tasks.run.fit_at", lambda *_, how=how: how)
        result = impasto.stylize(
            photo(90, 130), painting(100, 100), "statistics", size=130, iterations=10, precision="float32"
        )
        pictures.append(result.picture.pixels)
    # The gradients agree to rounding (test_tiles.py), and what rounding alone does to ten steps of L-BFGS is
    # up to 0.015.
    for tiled in pictures[1:]:
        assert (pictures[0] - tiled).abs().max() < 0.03 and (pictures[0] - tiled).abs().mean() < 0.003
    assert (pictures[0] - impasto.load(photo(90, 130)).pixels).abs().mean() > 0.01


@pytest.mark.parametrize(
    "said",
    [
        "could not create a primitive",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
    ],
)
def test_memory_that_runs_out_means_smaller_tiles(
    said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    evaluate, tried = TermObjective._value_and_grad, []

    def short(self: TermObjective, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        tried.append(self._tile)
        if self._tile is None or self._tile > 256:
            raise RuntimeError(said)
        return evaluate(self, pixels)

    monkeypatch.setattr(TermObjective, "_value_and_grad", short)
    with caplog.at_level(logging.WARNING, "impasto"):
        impasto.stylize(photo(200, 600), painting(100, 100), "statistics", size=600, iterations=1, scales="single")
    assert tried == [None, 288, 256, 256] and "tiles of 256 pixels" in caplog.text
    with pytest.raises(RuntimeError, match=said[:20]):
        impasto.stylize(
            photo(60, 80), painting(60, 60), "statistics", size=80, iterations=1, scales="single", style_loss="nearest"
        )


def test_a_painting_with_many_more_pixels_is_counted_and_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[int | None] = []

    def noted(*arguments: Any, tile: int | None, **more: Any) -> Any:
        sides.append(tile)
        return replaced(*arguments, tile=tile, **more)

    monkeypatch.setattr(problem_, "replaced", noted)
    few: dict[str, Any] = {"size": 96, "scales": "single", "iterations": 2, "precision": "float32", "memory": "4GB"}
    plain = impasto.plan_stylize(photo(64, 96), painting(400, 400), **few)
    large = impasto.plan_stylize(photo(64, 96), painting(400, 400), style_scale=4, **few)
    counted = large.fit.bytes - large.fit.kept - (plain.fit.bytes - plain.fit.kept)
    assert counted == 24 * (384**2 - 64 * 96) - 24 * (96**2 - 64 * 96)
    plain.finish()
    assert {*sides} == {None}
    sides.clear()
    found = large.finish().picture
    assert {*sides} == {math.isqrt(4 * 64 * 96)}
    monkeypatch.setattr(problem_, "_LARGER", 10**6)
    sides.clear()
    whole = impasto.plan_stylize(photo(64, 96), painting(400, 400), style_scale=4, **few).finish().picture
    assert {*sides} == {None} and (found.pixels - whole.pixels).abs().mean() < 0.02


def test_sorting_is_counted() -> None:
    size = (342, 512)
    plain, sorts = (planned(size, "4GB", style_loss=loss).bytes for loss in ("moments", "sliced-wasserstein"))
    # relu1_1 to relu5_1: 64, 128 / 4, 256 / 16, 512 / 64 and 512 / 256 numbers a pixel.
    assert sorts - plain == pytest.approx(16 * (64 + 32 + 16 + 8 + 2) * size[0] * size[1], abs=1)


@pytest.mark.parametrize(("room", "samples"), [(2.5e9, 192), (1.4e9, 172)])
def test_samples_are_within_the_memory_that_there_is(
    room: float, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside 400 MB, and four bytes for each of 24 million pixels, so many of 128 pixels a side at 320 bytes
    each.
    """
    monkeypatch.setattr(memory, "budget", lambda *_: room / 2)
    monkeypatch.setattr(memory, "most", lambda *_: room)
    sweep = Sweep((4000, 6000), 4, 32, torch.float32, CPU)
    assert sweep.fit("auto", tileless=False)[1] == samples
