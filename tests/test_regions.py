"""Regions: masks of any kind, and pictures that follow them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import impasto
from impasto.backbones.features import Backbone
from impasto.cli import app
from impasto.errors import ImageError, SettingsError
from impasto.losses.narrowed import PartlyFixed
from impasto.losses.statistics import moments
from impasto.masks import regions
from impasto.masks.regions import Region
from impasto.settings.fields import Settings
from impasto.tasks.zones import zoned
from tests.helpers import painting, photo

pytestmark = pytest.mark.usefixtures("narrow")

OWN = (48, 64)
FEW: dict[str, Any] = {"recipe": "statistics", "size": 64, "scales": "single", "iterations": 10}


def half(left: bool, size: tuple[int, int] = OWN) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    mask[:, : size[1] // 2] = 255
    return mask if left else 255 - mask


def flat(*colour: int) -> NDArray[np.uint8]:
    """A painting of one colour with some texture."""
    noise = np.random.default_rng(0).integers(-20, 20, (60, 60, 1))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


def given(*masks: NDArray[np.uint8], feather: float = 0) -> tuple[list[Tensor], Tensor]:
    return regions.shares([Region(mask, flat(1, 2, 3)) for mask in masks], OWN, 64, feather)


def test_shares_and_their_rest_make_up_the_picture() -> None:
    soft = np.tile(np.linspace(0, 200, 64, dtype=np.uint8), (48, 1))
    (one, other), rest = given(half(True), soft)
    assert torch.allclose((one + other + rest).clamp_min(1), torch.ones(1, 1, *OWN), atol=1e-6)
    (left, right), none = given(half(True), half(False))
    assert none.max() == 0 and left[..., :32].min() == 1 and right[..., :32].max() == 0


def test_masks_of_another_size_are_resized_and_of_another_shape_refused() -> None:
    (small,), _ = given(half(True, (24, 32)))
    assert small.shape == (1, 1, *OWN) and small[..., :28].min() > 0.9
    with pytest.raises(ImageError, match="mask of region 1 is 64×64 pixels and its picture 64×48"):
        given(half(True, (64, 64)))


def test_empty_masks_are_refused_and_overlapping_ones_share() -> None:
    with pytest.raises(ImageError, match="mask of region 2 is black"):
        given(half(True), np.zeros(OWN, np.uint8))
    (one, other), rest = given(half(True), half(True))
    assert torch.allclose(one, other) and one.max() == 0.5 and rest[..., 40:].min() == 1


def test_a_region_has_one_style() -> None:
    several: Any = [flat(1, 2, 3), flat(4, 5, 6)]
    regions = [Region(half(True), several[0]), Region(half(False), several)]
    for memory in ("auto", "1MB"):  # also where that is too little
        with pytest.raises(SettingsError, match="number 2 has 2: give each style a region"):
            impasto.plan_stylize(photo(*OWN), None, regions=regions, memory=memory, **FEW)


def test_what_rounding_leaves_of_masks_is_nothing() -> None:
    """Two masks that complete each other but for 1/255: neither the photograph nor a default style has a part
    in it.
    """
    soft = np.tile(np.linspace(0, 254, 64, dtype=np.uint8), (48, 1))
    regions = [Region(soft, painting(60, 60)), Region(254 - soft, painting(60, 60))]
    content = impasto.load(photo(*OWN))
    for style in (None, painting(60, 60)):
        zones, fixed = zoned(style, regions, content, Settings(), own=OWN, wanted=64)
        assert len(zones) == 2 and fixed is None
    zones, fixed = zoned(None, regions[:1], content, Settings(), own=OWN, wanted=64)
    assert len(zones) == 1 and fixed is not None


def test_what_cannot_be_seen_is_told_or_left_out() -> None:
    """Regions, parts of paintings and of the photograph, of which there are no statistics."""
    shown = half(True)[..., None]
    cut_out = np.concatenate([photo(*OWN), shown], 2)
    with pytest.raises(ImageError, match="mask of region 2 is white only where the photograph is transparent"):
        impasto.stylize(cut_out, None, regions=[Region(half(left), flat(9, 9, 9)) for left in (True, False)], **FEW)
    made = impasto.stylize(cut_out, flat(9, 99, 9), regions=[Region(half(True), flat(200, 40, 30))], **FEW).picture
    assert red_minus_blue(made.pixels[..., :28]) > 0.15
    clear = np.concatenate([painting(*OWN), shown], 2)
    with pytest.raises(ImageError, match="style mask is white only where its painting is transparent"):
        impasto.stylize(photo(*OWN), None, regions=[Region(half(True), clear, half(False))], **FEW)
    logo = np.concatenate([photo(48, 300), np.zeros((48, 300, 1), np.uint8)], 2)
    logo[:, :20, 3] = logo[:, -20:, 3] = 255
    own: dict[str, Any] = {"size": (48, 48), "iterations": 2}
    with pytest.raises(ImageError, match="at 48×48 pixels, its middle, is transparent everywhere"):
        impasto.stylize(logo, painting(60, 60), **own)
    with pytest.raises(ImageError, match="at 48×48 pixels, its middle, is transparent everywhere"):
        impasto.reconstruct(logo, **own)


def test_feathered_masks_are_soft() -> None:
    (hard,), _ = given(half(True))
    (soft,), rest = given(half(True), feather=0.05)
    assert hard[0, 0, 20, 30:34].tolist() == [1, 1, 0, 0]
    assert soft[0, 0, 20, 26] > soft[0, 0, 20, 32] > soft[0, 0, 20, 40] > 0 and torch.allclose(
        soft + rest, torch.ones(1)
    )


def test_every_layer_counts_the_mean_of_its_square(vgg19: Backbone) -> None:
    mask = torch.rand(1, 1, 50, 70, generator=torch.Generator().manual_seed(0))
    counted = regions.counts(mask, ["pixels", "relu1_1", "relu3_1"], vgg19)
    assert all(weight.sum().item() == pytest.approx(1, rel=1e-5) for weight in counted.values())
    square = mask[..., 4:8, 8:12].mean() / mask[..., :48, :68].unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5)).sum()
    assert counted["relu3_1"][0, 0, 1, 2].item() == pytest.approx(square.item(), rel=1e-5)
    speck = torch.zeros(1, 1, 50, 70)
    speck[..., 9, 9] = 0.01
    with pytest.raises(ImageError, match="too small for layer relu3_1"):
        regions.counts(speck, ["relu3_1"], vgg19)


def test_what_lies_in_the_odd_rows_and_columns_counts_in_the_last_ones(vgg19: Backbone) -> None:
    """A stripe along the edge, of which poolings leave nothing; of what they see a part of, nothing moves."""
    bottom, corner, seen = (torch.zeros(1, 1, 36, 65) for _ in range(3))
    bottom[..., 33:, :32] = corner[..., 35, 64] = seen[..., 31:, :] = 1
    layers = ["relu1_1", "relu4_1"]
    assert regions.counts(bottom, layers, vgg19)["relu4_1"].nonzero()[:, 2:].tolist() == [[3, x] for x in range(4)]
    assert regions.counts(corner, layers, vgg19)["relu4_1"].nonzero()[:, 2:].tolist() == [[3, 7]]
    assert regions.counts(bottom, layers, vgg19)["relu1_1"].nonzero()[:, 2].min() == 33
    assert regions.reaching(seen, layers, vgg19) is seen


@pytest.mark.usefixtures("vgg19")
@pytest.mark.parametrize("recipe", ["default", "statistics"])
def test_a_region_along_the_bottom_is_painted(recipe: str) -> None:
    """At the coarsest of the default's scales for a wide photograph."""
    bottom = np.zeros((90, 160), np.uint8)
    bottom[81:] = 255
    given: dict[str, Any] = {"recipe": recipe, "size": 64, "scales": "single", "iterations": 2}
    regions = [Region(bottom, painting(70, 70, 3))]
    made = impasto.stylize(photo(90, 160), painting(60, 60), regions=regions, **given).picture.pixels
    alone = impasto.stylize(photo(90, 160), painting(60, 60), **given).picture.pixels
    assert not torch.equal(made[..., 33:, :], alone[..., 33:, :])


def red_minus_blue(pixels: Tensor) -> float:
    return (pixels[:, 0].mean() - pixels[:, 2].mean()).item()


@pytest.mark.usefixtures("vgg19")
def test_each_region_takes_its_own_style() -> None:
    red, blue = flat(200, 40, 30), flat(30, 40, 200)
    both = [Region(half(True), red), Region(half(False), blue)]
    made = impasto.stylize(photo(*OWN), None, regions=both, **FEW).picture.pixels
    assert red_minus_blue(made[..., :28]) > 0.15 and red_minus_blue(made[..., 36:]) < -0.15


@pytest.mark.usefixtures("vgg19")
def test_what_regions_leave_stays_the_photograph_or_takes_the_default_style() -> None:
    content, red, blue = photo(*OWN), flat(200, 40, 30), flat(30, 40, 200)
    region = [Region(half(True), red)]
    original = impasto.load(content).pixels
    fixed = impasto.stylize(content, None, regions=region, **FEW).picture.pixels
    assert torch.equal(fixed[..., 32:], original[..., 32:])
    assert (fixed[..., :32] - original[..., :32]).abs().mean() > 0.1
    styled = impasto.stylize(content, blue, regions=region, **FEW).picture.pixels
    assert red_minus_blue(styled[..., :28]) > 0.15 and red_minus_blue(styled[..., 36:]) < -0.15


@pytest.mark.usefixtures("vgg19")
def test_of_a_style_only_what_its_mask_shows_counts() -> None:
    both = np.concatenate([flat(200, 40, 30), flat(30, 40, 200)], 1)
    left = np.zeros(both.shape[:2], np.uint8)
    left[:, :60] = 255
    everywhere = [Region(np.full(OWN, 255, np.uint8), both, left)]
    made = impasto.stylize(photo(*OWN), None, regions=everywhere, **FEW).picture.pixels
    assert red_minus_blue(made) > 0.2
    with pytest.raises(ImageError, match="style mask is black"):
        regions.masked(impasto.load(both), left * 0)


@pytest.mark.usefixtures("vgg19")
def test_a_style_mask_has_the_shape_of_the_painting_itself() -> None:
    """And not that of the 64×16 pixels to which a painting of 1000×258 comes."""
    style = painting(258, 1000)
    everywhere = np.full(OWN, 255, np.uint8)
    impasto.plan_stylize(photo(*OWN), None, regions=[Region(everywhere, style, half(True, (258, 1000)))], **FEW)
    with pytest.raises(ImageError, match="style mask is 1000×240 pixels and its picture 1000×258"):
        impasto.plan_stylize(photo(*OWN), None, regions=[Region(everywhere, style, half(True, (240, 1000)))], **FEW)


def test_what_is_transparent_counts_nothing() -> None:
    """Half of the photograph and half of the painting cannot be seen: the rest comes out as it does by
    itself.
    """
    content, style = photo(48, 96), painting(60, 120)
    shown = np.zeros((48, 96, 1), np.uint8)
    shown[:, :48] = 255
    style_shown = np.zeros((60, 120, 1), np.uint8)
    style_shown[:, :60] = 255
    settings: dict[str, Any] = {
        "recipe": "statistics",
        "iterations": 12,
        "scales": "single",
        "palette": 0.0,
        "tv_weight": 0.0,
        "precision": "float32",
    }
    made = impasto.stylize(
        np.concatenate([content, shown], 2), np.concatenate([style, style_shown], 2), size=96, **settings
    ).picture
    assert made.alpha is not None and made.alpha[..., 48:].max() == 0 and made.alpha[..., :48].min() == 1
    alone = impasto.stylize(content[:, :48], style[:, :60], size=48, **settings).picture.pixels
    (gram, mean), (gram_alone, mean_alone) = moments(made.pixels[..., :40]), moments(alone[..., :40])
    assert torch.allclose(mean, mean_alone, atol=0.05) and torch.allclose(gram, gram_alone, atol=0.05)


def test_the_command_line_takes_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, picture in (("photo.png", photo(*OWN)), ("red.png", flat(200, 40, 30)), ("left.png", half(True))):
        Image.fromarray(picture).save(name)
    command = [
        "stylize",
        "photo.png",
        "--region",
        "left.png:red.png",
        "-o",
        "out.png",
        "--size",
        "64",
        "--iterations",
        "4",
    ]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "region left.png:red.png" in CliRunner().invoke(app, ["info", "out.png"]).output
    for wrong, complaint in (
        ("left.png", "MASK:STYLE"),
        ("left.png:red.png:left.png:left.png", "MASK:STYLE"),
        ("none.png:red.png", "cannot be read"),
    ):
        done = CliRunner().invoke(app, ["stylize", "photo.png", "--region", wrong, "--force", "-o", "out.png"])
        assert done.exit_code in (1, 2) and complaint in done.output
    with pytest.raises(SettingsError, match="for `method` iterative"):
        impasto.plan_stylize(photo(*OWN), flat(1, 2, 3), regions=[Region(half(True), flat(1, 2, 3))], method="refine")
    with pytest.raises(SettingsError, match="`feather` has no effect without `regions`"):
        impasto.plan_stylize(photo(*OWN), flat(1, 2, 3), feather=0.1)


def test_beside_a_region_whose_colours_are_kept_the_network_sees_no_others() -> None:
    """All of what is compared is grey there, and so is what stays the photograph."""
    run = impasto.plan_stylize(
        photo(*OWN), None, regions=[Region(half(True), flat(200, 40, 30))], keep_colour="luminance", **FEW
    )
    seen = run._objective_at(run.schedule[-1], run._start_pixels())
    assert isinstance(seen, PartlyFixed)
    frame = seen._frame
    assert (frame.amax(1) - frame.amin(1)).max() < 1e-3
