"""The recipe `painted` from end to end, at small sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import impasto
from impasto import Region, demo
from impasto.errors import ImageError, SettingsError
from impasto.pictures import codecs
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")

QUICK: dict[str, Any] = {"recipe": "painted", "size": 64, "iterations": 4}


def test_the_schedule_ends_with_a_last_pass() -> None:
    run = impasto.plan_stylize(photo(256, 512), painting(60, 60), "painted")
    stages = [(stage.size[1], stage.iterations, stage.last) for stage in run.schedule]
    assert stages == [(64, 8, False), (128, 17, False), (256, 25, False), (512, 9, False), (512, 15, True)]


def looked_at(run: impasto.Run) -> list[tuple[int, bool, dict[str, list[str]], float]]:
    """Scale by scale the layers of each term, and what the places weigh."""
    found = []
    for stage in run.schedule:
        problem = run.problem
        terms = problem.terms(run.eyes.backbone, stage, torch.full((1, 3, *stage.size), 0.5), None)
        weight = sum(term.weight for term in terms if term.name == "places")
        found.append((stage.size[1], stage.last, {term.name: [*term.layers] for term in terms}, weight))
    return found


def test_the_finest_of_several_scales_looks_at_shallow_layers(tmp_path: Path) -> None:
    """What is left of a term counts what it did, and one of deep layers alone keeps its shallowest."""
    mask = tmp_path / "mask.png"
    codecs.save(codecs.load(np.full((48, 64), 255, np.uint8)), mask)
    every = {
        "places": ["relu1_1/4", "relu2_1/2", "relu3_1", "relu3_4", "relu4_1"],
        "style": ["relu1_1", "relu2_1", "relu3_1"],
        "content": ["relu3_1", "relu4_1"],
        "protect": ["relu3_1", "relu4_1"],
    }
    few = every | {"places": every["places"][:3], "content": ["relu3_1"], "protect": ["relu3_1"]}
    asked = QUICK | {"size": 128, "iterations": 10, "protect": str(mask)}
    found = looked_at(impasto.plan_stylize(photo(96, 128), painting(90, 90), **asked))
    assert found == [
        (64, False, every, 1.0), (128, False, few, pytest.approx(0.6)), (128, True, few, pytest.approx(0.6)),
    ]  # fmt: skip
    alone = impasto.plan_stylize(photo(96, 128), painting(90, 90), **asked, scales="single")
    assert [each[2] for each in looked_at(alone)] == [every, every]
    deep = impasto.plan_stylize(photo(96, 128), painting(90, 90), **asked, content_layers="relu4_2,relu3_4:3")
    assert [each[2]["content"] for each in looked_at(deep)] == [["relu4_2", "relu3_4"], ["relu3_4"], ["relu3_4"]]
    with pytest.raises(SettingsError, match="no layer 'relu9_1'"):
        impasto.plan_stylize(photo(96, 128), painting(90, 90), **asked, finest_layer="relu9_1")


@pytest.mark.usefixtures("vgg19")
def test_every_place_comes_nearer_to_the_painting() -> None:
    content, style = photo(72, 96), painting(90, 90)
    default, painted = (
        impasto.stylize(content, style, size=64, iterations=12, recipe=name) for name in ("statistics", "painted")
    )
    one, other = (impasto.score(content, style, each.picture)["style"] for each in (default, painted))
    assert other["coverage"] > 1.5 * one["coverage"] and other["held_out"] < one["held_out"]
    first, last = painted.record["losses"]["style"]
    assert last < first / 2
    # Targets change with every scale, so a loss of the first and one of the last compare only roughly.
    assert painted.record["losses"]["places"][1] < painted.record["losses"]["places"][0] / 1.5


@pytest.mark.usefixtures("vgg19")
@pytest.mark.slow
def test_strength_goes_from_the_photo_to_the_painting() -> None:
    """On real pictures: the statistics of drawn ones are too far from any painting's to fall evenly."""
    content, style = (picture.fitted(256) for picture in demo.demo_pair())
    results = [
        impasto.stylize(content, style, "painted", size=96, iterations=12, strength=strength).picture
        for strength in (0, 0.25, 0.5, 1)
    ]
    assert (results[0].pixels - content.fitted(96).pixels).abs().max() < 0.01
    scores = [impasto.score(content, style, result) for result in results]
    contents, styles = ([score[which]["mean"] for score in scores] for which in ("content", "style"))
    strokes = [score["style"]["strokes"] for score in scores]
    assert contents == sorted(contents), contents
    assert styles == sorted(styles, reverse=True) and strokes == sorted(strokes, reverse=True), (styles, strokes)


@pytest.mark.parametrize(
    "style",
    [
        np.full((60, 60, 3), 90, np.uint8),  # one colour
        painting(16, 16),  # four by four places
        painting(300, 17),
        np.dstack([painting(60, 60), np.pad(np.full((20, 20), 255, np.uint8), 20)]),  # mostly transparent
        painting(60, 60)[..., 0],  # black and white
        painting(60, 60).astype(np.uint16) * 257,
    ],
    ids=["flat", "tiny", "strip", "transparent", "grey", "16-bit"],
)
def test_paintings_of_every_kind(style: "np.ndarray[Any, np.dtype[Any]]") -> None:
    result = impasto.stylize(photo(48, 64), style, **QUICK)
    assert result.record["complete"] and np.isfinite(result.record["losses"]["total"][1])
    assert result.picture.size == (48, 64)


@pytest.mark.parametrize(
    "content",
    [
        photo(16, 16),
        photo(17, 160),
        np.dstack([photo(48, 64), np.pad(np.full((24, 32), 255, np.uint8), ((12, 12), (16, 16)))]),
        photo(48, 64)[..., 0],
        photo(48, 64).astype(np.uint16) * 257,
        np.full((48, 64, 3), 128, np.uint8),
    ],
    ids=["tiny", "strip", "transparent", "grey", "16-bit", "flat"],
)
def test_photographs_of_every_kind(content: "np.ndarray[Any, np.dtype[Any]]") -> None:
    result = impasto.stylize(content, painting(60, 60), **QUICK | {"size": max(64, min(max(content.shape), 400))})
    assert result.record["complete"] and np.isfinite(result.record["losses"]["total"][1])
    assert (result.picture.alpha is None) == (content.ndim == 2 or content.shape[2] == 3)


def test_a_style_mask_that_leaves_no_place_is_told() -> None:
    """A line that is thinner than half a place, in a painting of which the rest does not count."""
    whole, line = np.full((96, 128), 255, np.uint8), np.zeros((60, 60), np.uint8)
    line[30] = 255
    with pytest.raises(
        ImageError, match=r"(Too little of the style picture|too small for layer).*enlarge it or `size`"
    ):
        impasto.stylize(photo(96, 128), None, regions=[Region(whole, painting(60, 60), line)], **QUICK)


@pytest.mark.usefixtures("vgg19")
def test_regions_take_places_of_their_own_painting() -> None:
    red, blue = (
        np.clip(painting(60, 60) // 4 + np.array(colour), 0, 255).astype(np.uint8)
        for colour in ([180, 0, 0], [0, 0, 180])
    )
    left = np.zeros((96, 128), np.uint8)
    left[:, :64] = 255
    made = impasto.stylize(
        photo(96, 128), blue, regions=[Region(left, red)], recipe="painted", size=64, iterations=5
    ).picture.pixels
    for half, most in ((made[..., :28], 0), (made[..., 36:], 2)):
        assert half.mean((0, 2, 3)).argmax() == most


@pytest.mark.usefixtures("vgg19")
def test_two_paintings_share_the_picture() -> None:
    red, blue = (
        np.clip(painting(60, 60) // 4 + np.array(colour), 0, 255).astype(np.uint8)
        for colour in ([180, 0, 0], [0, 0, 180])
    )
    made = impasto.stylize(photo(96, 128), [(red, 0.5), (blue, 0.5)], "painted", size=64, iterations=5).picture.pixels
    redder = (made[:, 0] > made[:, 2]).float().mean()
    assert 0.25 < redder < 0.75


@pytest.mark.usefixtures("vgg19")
def test_a_texture_of_places() -> None:
    losses = impasto.texture(painting(60, 60), size=48, iterations=16, places_weight=1, seed=3).record["losses"]
    assert losses["places"][1] < losses["places"][0] / 1.5 and losses["style"][1] < losses["style"][0] / 3


@pytest.mark.slow
def test_every_step_can_be_gone_on_from(tmp_path: Path) -> None:
    """In the middle of every scale, and of the last pass: the same bytes."""
    settings: dict[str, Any] = {"recipe": "painted", "size": 96, "iterations": 8, "scales": (48, 96)}

    def run() -> impasto.Run:
        planned: impasto.Run = impasto.plan_stylize(photo(60, 80), painting(50, 60), **settings)
        return planned

    whole = run()
    for step in whole.steps():
        whole.checkpoint(tmp_path / f"{step.iteration}")
    for iteration in range(9):
        again = run()
        assert again.resume(tmp_path / f"{iteration}") == iteration
        assert torch.equal(again.finish().picture.pixels, whole.result().picture.pixels)


def test_settings_of_places_need_places() -> None:
    with pytest.raises(SettingsError, match="`last_pass` has no effect without `places_weight`"):
        impasto.plan_stylize(photo(48, 64), painting(60, 60), "statistics", last_pass=0.5)
    with pytest.raises(SettingsError, match="`places_weight` has no effect on reconstruct"):
        impasto.plan_reconstruct(photo(48, 64), places_weight=1)
    with pytest.raises(SettingsError, match="relu1_1/3"):
        impasto.stylize(photo(48, 64), painting(60, 60), places_layers="relu1_1/3,relu3_1", **QUICK)


def test_luminance_keeps_the_colours() -> None:
    result = impasto.stylize(photo(48, 64), painting(60, 60), keep_colour="luminance", **QUICK)
    assert codecs.load(result.picture.image()).size == (48, 64)
