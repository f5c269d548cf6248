"""Networks that keep still: photographs that move, what is painted of them, and a training by it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import CheckpointError
from impasto.settings.fields import Settings
from impasto.training import motion
from impasto.training.course import Course
from impasto.training.pictures import OWN, Draws, pictures_of
from impasto.training.trainer import Training
from tests.helpers import painting, photo

SIDE = 96
STEADY = Course(steps=4, batch=2, crop=64, workers=0, validate_every=100, steady=2.0)
SETTINGS = Settings(precision="float32")
STILL = torch.eye(2, 3)[None]


def by_pixels(across: int, down: int) -> Tensor:
    """The motion by which a place comes from so many pixels to the right of it, and below."""
    return torch.tensor([[[1, 0, across * 2 / SIDE], [0, 1, down * 2 / SIDE]]], dtype=torch.float32)


def noise(seed: int, blurred: int = 1) -> Tensor:
    """Independent numbers (1, 3, 96, 96), or their means over squares of so many pixels."""
    drawn = torch.from_numpy(np.random.default_rng(seed).normal(0.5, 0.2, (1, 3, SIDE, SIDE)).astype(np.float32))
    return torch.nn.functional.avg_pool2d(drawn, blurred, 1, blurred // 2)[:, :, :SIDE, :SIDE]


def test_whole_pixels_are_moved_exactly() -> None:
    pixels = noise(0)
    found = motion.moved(pixels, by_pixels(5, -3))
    torch.testing.assert_close(
        found[:, :, 8:-8, 8:-8], pixels.roll((3, -5), (2, 3))[:, :, 8:-8, 8:-8], atol=1e-4, rtol=0
    )


def test_a_zoom_is_about_the_middle() -> None:
    """A ramp that grows by a tenth rises by a tenth less; its middle stays."""
    ramp = torch.linspace(0, 1, SIDE).expand(1, 3, SIDE, SIDE)
    found = motion.moved(ramp, STILL * torch.tensor([0.9, 0.9, 1]))[0, 0, SIDE // 2, 10:-10]
    torch.testing.assert_close(found - 0.5, (ramp[0, 0, 0, 10:-10] - 0.5) * 0.9, atol=1e-3, rtol=0)


def test_what_moves_along_is_steady() -> None:
    pixels, way = noise(0), by_pixels(5, -3)
    assert motion.unsteadiness(pixels, motion.moved(pixels, way), way) < 1e-6
    assert motion.unsteadiness(pixels, pixels, way) > 0.5  # it has stayed where it was


def test_what_is_painted_anew_is_not() -> None:
    """Two independent pictures: the energy of their difference is the sum of theirs, in every octave."""
    assert motion.unsteadiness(noise(0), noise(1), STILL).item() == pytest.approx(1, abs=0.1)


def test_faint_pictures_are_no_steadier() -> None:
    """Of half the contrast. The squared difference alone would be a quarter."""
    before, after = noise(0), 0.8 * noise(0) + 0.2 * noise(1)
    expected = motion.unsteadiness(before, after, STILL).item()
    pale, paler = (0.5 + (each - 0.5) / 2 for each in (before, after))
    assert motion.unsteadiness(pale, paler, STILL).item() == pytest.approx(expected, rel=0.15)
    # Nor is one that is blurred, where the other is not.
    assert motion.unsteadiness(before, noise(0, 3), STILL) > expected


def test_flicker_of_all_of_it_is_seen() -> None:
    coarse = noise(0, 31)
    assert motion.unsteadiness(coarse, coarse + 0.2, STILL) > motion.unsteadiness(coarse, coarse + 0.02, STILL) > 0


def test_the_border_is_not_compared() -> None:
    """What a network makes of its padding, and what comes into view."""
    before, way = noise(0), by_pixels(8, 8)
    after = motion.moved(before, way)
    expected = motion.unsteadiness(before, after, way)
    after[:, :, :4], after[:, :, :, -16:] = 0, 1
    assert torch.equal(motion.unsteadiness(before, after, way), expected)


def test_motions_are_small_and_many() -> None:
    grey = torch.full((1, 3, SIDE, SIDE), 0.5)
    found = [motion.seen_anew(grey, np.random.default_rng(seed)) for seed in range(200)]
    seen, ways = map(torch.cat, zip(*found, strict=True))
    assert 0.02 < (ways[:, 0, 0] - 1).abs().max() <= 0.03 and 7 < (ways[:, :, 2] * SIDE / 2).abs().max() <= 8
    assert 0.02 < (seen.mean((1, 2, 3)) - 0.5).abs().max() < 0.026  # 5 % of a half
    assert 0.015 < seen.std((1, 2, 3)).max() < 0.021


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[list[Path], list[Path]]:
    """Files of three photographs and two paintings."""
    for name, draw, count in (("photos", photo, 3), ("paintings", painting, 2)):
        (tmp_path / name).mkdir()
        for index in range(count):
            Image.fromarray(np.roll(draw(100, 120), index, 2)).save(tmp_path / name / f"{index}.png")
    return pictures_of(tmp_path / "photos", "photographs", 64), pictures_of(tmp_path / "paintings", "paintings", 64)


def test_the_crops_are_those_without_motion(pictures: tuple[list[Path], list[Path]]) -> None:
    still, moving = (Draws(*pictures, 64, 3, any_style=True, moving=each) for each in (False, True))
    for number in (0, OWN - 1):
        assert torch.equal(still[number].photo, moving[number].photo)
        assert torch.equal(still[number].painting, moving[number].painting)
        assert torch.equal(moving[number].moved, moving[number].moved)
        way = moving[number].motion
        apart = moving[number].moved - motion.moved(moving[number].photo, way)
        assert apart.abs().mean() < 0.08 and not torch.equal(way, moving[number + 1].motion)
        assert still[number].moved.numel() == 0


@pytest.mark.usefixtures("small_looks", "narrow", "vgg19")
class TestTraining:
    def test_it_becomes_steadier(self, pictures: tuple[list[Path], list[Path]]) -> None:
        """By the steady loss alone; its total counts it by its weight."""
        learning = replace(STEADY, steps=20, learning_rate=4e-3, steady=100.0)
        training = Training("single", pictures[0], pictures[1][:1], SETTINGS, learning)
        before = training.validate()
        assert set(before) == {"style", "content", "tv", "steady", "total"}
        assert before["total"] > 100 * before["steady"] > 0
        for _ in training.steps():
            assert "steady" in training.last.losses
        assert training.validate()["steady"] < 0.9 * before["steady"]

    def test_resumed_it_goes_on_identically(self, pictures: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
        whole, half, rest = (Training("any", *pictures, SETTINGS, STEADY) for _ in range(3))
        list(whole.steps())
        for _ in zip(range(2), half.steps(), strict=False):
            pass
        half.checkpoint(tmp_path / "c")
        rest.resume(tmp_path / "c")
        list(rest.steps())
        for name, tensor in rest.network.state_dict().items():
            assert torch.equal(tensor, whole.network.state_dict()[name]), name
        with pytest.raises(CheckpointError, match="another weight of keeping still"):
            Training("any", *pictures, SETTINGS, replace(STEADY, steady=0.0)).resume(tmp_path / "c")
