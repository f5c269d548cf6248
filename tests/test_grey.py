"""Where the paintings have no colour, or nothing else has one either, nothing that comes out has any."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import impasto
from impasto import Region, StyleCode
from impasto.colour import grey, transfer
from impasto.networks import codes
from impasto.networks.zoo import network
from impasto.video.shotpainter import ShotPainter
from impasto.video.styles import Numbers, Styles
from tests.helpers import painting, photo
from tests.test_pixels import EXACT

pytestmark = pytest.mark.usefixtures("narrow")

Pixels = NDArray[np.uint8]
LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :32] = 255


def greyed(picture: Pixels) -> Pixels:
    """Its green in all channels."""
    return np.repeat(picture[..., 1:2], 3, 2)


CONTENT, STYLE, OTHER = greyed(photo(48, 64)), greyed(painting(60, 60)), greyed(painting(60, 44, seed=5))
COLOURED = photo(48, 64)
SOFT = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (192, 1))
"""A mask larger than the picture."""
CLEAR = np.dstack([CONTENT, np.maximum(LEFT, 60)])


def colour_of(result: impasto.Result) -> float:
    """The largest difference between channels that there is, as the file will have it in 16 bits."""
    assert result.picture is not None
    array = result.picture.array(16)[..., :3].astype(int)
    return float(np.ptp(array, axis=2).max())


def painted(content: Any = CONTENT, style: Any = STYLE, recipe: str = "statistics", **settings: Any) -> impasto.Result:
    result: impasto.Result = impasto.stylize(content, style, recipe, **EXACT | {"size": 64, "iterations": 3} | settings)
    return result


def fast(content: Any = CONTENT, style: Any = STYLE, **settings: Any) -> impasto.Result:
    result: impasto.Result = impasto.stylize(
        content, style, method="fast", **EXACT | {"size": 64, "network": "arbitrary"} | settings
    )
    return result


@pytest.mark.parametrize(
    "job",
    [
        lambda: painted(recipe="default"),
        lambda: painted(init="noise", memory="1050MB", scales="single"),
        lambda: painted(optimizer="adam", learning_rate=0.1),
        lambda: painted(style=[(STYLE, 1), (OTHER, 2), (painting(60, 60), 0)]),
        lambda: painted(style=None, regions=[Region(LEFT, OTHER)], feather=0.05),
        lambda: painted(content=CLEAR),
        lambda: painted(method="refine", recipe="default", iterations=4),
        lambda: painted(style=painting(60, 60), keep_colour="histogram"),
        lambda: painted(style=painting(60, 60), keep_colour="luminance"),
        lambda: impasto.texture(STYLE, size=64, iterations=5, **EXACT),
        fast,
        lambda: fast(strength=0.3),
        lambda: fast(content=CLEAR, stroke_size=48),
        lambda: fast(style=[(STYLE, 1), (OTHER, 2)]),
        lambda: fast(network="any"),
        lambda: fast(style=painting(60, 60), keep_colour="linear"),
        lambda: painted(content=COLOURED),
        lambda: painted(content=COLOURED, recipe="default", palette=0.2, strength=0.8),
        lambda: painted(content=COLOURED, method="refine", iterations=4),
        lambda: painted(content=COLOURED, style=None, regions=[Region(LEFT, OTHER), Region(255 - LEFT, STYLE)]),
        lambda: painted(
            content=COLOURED, style=None, regions=[Region(SOFT, OTHER), Region(255 - SOFT, STYLE)], feather=0.05
        ),
        lambda: painted(content=COLOURED, style=STYLE, regions=[Region(SOFT, OTHER)], feather=0.1),
        lambda: painted(content=COLOURED, style=[(STYLE, 1), (OTHER, 2)], strength=0.5),
        lambda: fast(content=COLOURED),
        lambda: fast(content=COLOURED, network="any", strength=0.5),
    ],
)
def test_of_greys_there_come_greys(job: Any) -> None:
    assert colour_of(job()) == 0


@pytest.mark.parametrize("job", [painted, fast])
def test_a_photograph_keeps_colours_of_its_own_below_half_the_strength(job: Any) -> None:
    """The fewer the more of the painting there is; and none at all where it is whole."""
    strengths = 0.0, 0.2, 0.4, 0.5
    tints = [np.ptp(job(COLOURED, strength=each).picture.array(8), axis=2).mean() for each in strengths]
    assert tints == sorted(tints, reverse=True) and tints[2] > 0.5 and tints[3] == 0


def test_colours_are_left_where_they_are_not_to_move() -> None:
    assert colour_of(painted(COLOURED, palette=0)) > 1000
    assert colour_of(painted(COLOURED, keep_colour="luminance")) > 1000


def test_a_region_of_an_etching_takes_colours_from_its_own_part_alone() -> None:
    regions = [Region(LEFT, STYLE)]
    result = painted(COLOURED, style=None, regions=regions, feather=0).picture.array(8).astype(int)
    left, right = result[:, :30], result[:, 34:]
    photograph = photo(48, 64)
    assert np.abs(right - photograph[:, 34:]).max() <= 1
    before = np.ptp(photograph[:, :30].astype(int), axis=2).mean()
    assert np.ptp(left, axis=2).mean() < 0.3 * before


@pytest.mark.parametrize("which", ["content", "style", "start"])
def test_one_coloured_pixel_is_a_colour(which: str) -> None:
    """One of 3072, by a level of 255: what has any is painted in colour, but for the photograph's."""
    given: dict[str, Any] = {"content": CONTENT.copy(), "style": STYLE.copy(), "start": CONTENT.copy()}
    given[which][20, 30, 0] ^= 1
    assert (colour_of(painted(**given)) > 100) == (which != "content")
    del given["start"]
    if which != "start":
        assert (colour_of(fast(**given)) > 100) == (which == "style")


@pytest.mark.parametrize("settings", [{"init": "noise"}, {"optimizer": "adam"}, {}])
def test_it_descends_among_greys_and_is_not_made_grey_in_the_end(settings: Any) -> None:
    run = impasto.plan_stylize(CONTENT, STYLE, "statistics", **EXACT | {"size": 64, "iterations": 4} | settings)
    for _ in run.steps():
        assert run.last is not None and grey.is_grey(run.last.pixels)


def test_a_reconstruction_shows_what_is_remembered_of_grey() -> None:
    assert colour_of(impasto.reconstruct(CONTENT, size=64, iterations=5, **EXACT)) > 100


def test_colours_tell_of_greys() -> None:
    generator = torch.Generator().manual_seed(3)
    light = torch.rand(1, 1, 40, 50, generator=generator).expand(1, 3, -1, -1)
    for pixels, told in [(light, True), (light * 0, True)]:
        assert grey.are_grey(transfer.of(pixels)) == grey.is_grey(pixels) == told
    for channel in range(3):
        pixels = light.clone()
        pixels[0, channel, 7, 9] += 1 / 255
        assert not grey.are_grey(transfer.of(pixels)) and not grey.is_grey(pixels)
    other = torch.rand(1, 3, 40, 50, generator=generator)  # as much of each channel, by means and variances
    assert not grey.are_grey(transfer.of(torch.cat([other, other[:, [1, 2, 0]], other[:, [2, 0, 1]]], 3)))
    assert not grey.are_grey(None)


def test_saved_styles_and_mixtures_tell_of_theirs(tmp_path: Any) -> None:
    one, other = (codes.predicted(impasto.load(each), "arbitrary") for each in (STYLE, OTHER))
    codes.mixed([(one, 0.3), (other, 0.7)]).save(tmp_path / "both.safetensors")
    assert colour_of(fast(style=StyleCode.load(tmp_path / "both.safetensors"))) == 0


def test_colours_come_evenly_with_the_style_that_has_some() -> None:
    """In a film, and by the optimiser, as in a mixture of an etching and a painting."""
    plain, coloured = (codes.predicted(impasto.load(each), "arbitrary") for each in (STYLE, painting(60, 60)))
    styles = Styles([(0.0, plain), (2.0, coloured)], Numbers([(0.0, 0.5), (1.0, 1.0)]))
    assert [styles.greyness(time) for time in (0, 0.5, 1, 1.5, 2)] == [0.5, 0.75 * 0.75, 0.5, 0.25, 0]
    tints = []
    for share in (1.0, 0.99, 0.5, 0.0):
        run = impasto.plan_stylize(
            COLOURED, [(STYLE, share), (painting(60, 60), 1 - share)], "statistics", size=64, **EXACT
        )
        assert isinstance(run, impasto.Run)
        tints.append(np.ptp(run.problem.frame.array(8).astype(int), axis=2).mean())
    assert tints[0] == 0 and 0 < tints[1] < 0.05 * tints[3] and 0.4 < tints[2] / tints[3] < 0.6


def test_films_too() -> None:
    """Their frames come from Y'CbCr, and are grey but for rounding. Where the clip's own style is mixed in,
    they are as grey as the shot.
    """
    frame = np.ascontiguousarray(CONTENT / np.float32(255), np.float32)
    frame[..., 2] += np.float32(2e-7)
    coloured = np.ascontiguousarray(COLOURED / np.float32(255), np.float32)
    code, own = (codes.predicted(impasto.load(each), "arbitrary") for each in (STYLE, CONTENT))
    assert network("arbitrary").design.palette == 0
    for frozen in (True, False):
        painter = ShotPainter(
            Styles([(0.0, code)]), (48, 64), frozen=frozen, device=torch.device("cpu"), precision="float32"
        )
        assert np.ptp(painter.paint(coloured, 0.0, begins=True), axis=2).max() == 0
        mixed = Styles([(0.0, code)], Numbers([(0.0, 0.8)]), own)
        painter = ShotPainter(mixed, (48, 64), frozen=frozen, device=torch.device("cpu"), precision="float32")
        assert np.ptp(painter.paint(frame, 0.0, begins=True), axis=2).max() == 0
        frame_with_colour = frame.copy()
        frame_with_colour[3, 4, 0] += 0.01
        assert np.ptp(painter.paint(frame_with_colour, 0.1, begins=False), axis=2).max() > 0.01
        assert np.ptp(painter.paint(frame, 0.2, begins=False), axis=2).max() > 0.01, "colours must not come and go"
        assert np.ptp(painter.paint(frame, 0.3, begins=True), axis=2).max() == 0
