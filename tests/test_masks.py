"""Masks as other programs write them: read for what they are, or refused by name."""

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import impasto
from impasto import Region
from impasto.backbones.features import Backbone
from impasto.errors import ImageError, SettingsError
from impasto.masks import reading, regions
from tests.helpers import painting, photo

SHAPE = np.zeros((48, 64), np.uint8)
SHAPE[8:40, 10:30] = 1
WANTED = torch.from_numpy(SHAPE).float()[None, None]


def palette(*colours: int) -> Image.Image:
    image = Image.fromarray(SHAPE).convert("P")
    image.putpalette([*colours, *[0] * (768 - len(colours))])
    return image


def on_clear(*colour: int, scale: int = 255) -> NDArray[np.uint8]:
    return np.dstack([*(np.full_like(SHAPE, each) for each in colour), SHAPE * scale])


SAME: dict[str, Any] = {
    "0 and 1 of 255": SHAPE,
    "0 and 1 of 65535": SHAPE.astype(np.uint16),
    "0 and 255 of 65535": SHAPE.astype(np.uint16) * 255,
    "0 and 1 in RGB": np.dstack([SHAPE] * 3),
    "a palette of black and red": palette(0, 0, 0, 128, 0, 0),
    "a palette of grey": palette(0, 0, 0, 1, 1, 1),
    "green on black": np.dstack([SHAPE * 0, SHAPE * 200, SHAPE * 0]),
    "black on clear": on_clear(0, 0, 0),
    "red on clear": on_clear(255, 0, 0),
    "white on clear": on_clear(255, 255, 255),
    "one bit": Image.fromarray(SHAPE * 255).convert("1"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_region_however_it_is_written(name: str, tmp_path: Path) -> None:
    source = SAME[name]
    if isinstance(source, Image.Image):
        source.save(tmp_path / "mask.png")
        source = tmp_path / "mask.png"
    assert torch.equal(regions.white(source, (48, 64), 64, "mask"), WANTED)


def test_what_a_mask_is_taken_for_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "impasto"):
        for odd in (SHAPE, SAME["green on black"], np.full_like(SHAPE, 255), 255 - SHAPE, SHAPE * 40):
            reading.mask(odd, "mask of region 1")
    told = [record.getMessage() for record in caplog.records]
    assert "black and 1: the latter" in told[0] and "black and #00c800" in told[1]
    assert "white all over" in told[2] and "white all over" in told[3] and "whiter than 16 %" in told[4]


def test_what_is_cut_out_of_a_picture_is_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    cut = np.dstack([painting(48, 64), SHAPE * 255])
    faint = np.dstack([np.zeros((48, 64, 3), np.uint8), SHAPE])
    expected = torch.from_numpy(SHAPE.astype(np.float32)).expand(1, 3, -1, -1)
    for source, said in ((cut, "can be seen of it is taken for white"), (faint, "black and 1: the latter")):
        caplog.clear()
        found = reading.mask(source, "mask")
        assert torch.equal(found.pixels, expected) and found.alpha is None and said in caplog.text


def test_a_map_of_labels_is_refused_by_its_labels(tmp_path: Path) -> None:
    labels = SHAPE * 2
    labels[:4], labels[44:] = 1, 7
    void = np.where(labels == 7, 255, labels).astype(np.uint8)
    colours = palette(0, 0, 0, 128, 0, 0)
    colours.paste(2, (0, 0, 20, 8))
    colours.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    colours.save(tmp_path / "voc.png")
    for source, named in (
        (labels, "0, 1, 2, 7"),
        (labels.astype(np.uint16), "0, 1, 2, 7"),
        (void, "0, 1, 2, 255"),
        (tmp_path / "voc.png", "0, #008000, #800000"),
    ):
        with pytest.raises(ImageError, match=rf"map of \d labels \({named}\): give one"):
            reading.mask(source, "mask of region 1")


def test_soft_and_grey_masks_are_left_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    soft = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (48, 1))
    three = np.where(SHAPE > 0, 255, 0).astype(np.uint8)
    three[:, 40:] = 128
    antialiased = np.asarray(Image.fromarray(SHAPE * 255).resize((320, 240), Image.Resampling.BILINEAR))
    with caplog.at_level(logging.WARNING, "impasto"):
        for source in (soft, three, antialiased, SHAPE * 255):
            assert torch.equal(reading.mask(source, "mask").pixels, impasto.load(source).pixels)
    assert not caplog.records


def test_mask_and_style_in_the_wrong_order_are_told(tmp_path: Path) -> None:
    mask, style = tmp_path / "mask.png", tmp_path / "wave.png"
    Image.fromarray(SHAPE * 255).save(mask)
    Image.fromarray(painting(48, 64)).save(style)
    with pytest.raises(SettingsError, match=rf"they come as MASK:STYLE, {mask}:{style}"):
        impasto.plan_stylize(photo(48, 64), None, regions=[Region(style, mask)], size=64)
    impasto.plan_stylize(photo(48, 64), None, regions=[Region(mask, style)], size=64)


def test_mask_and_style_that_may_have_changed_places_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing but how busy they are speaks for it: grey and soft, of two tones, of few colours. What is
    in order is not told, a busy style with a soft mask or a plain one neither.
    """
    across = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, 0)
    engraving = ((np.arange(64) // 2 % 2) * 90 + np.arange(48)[:, None] * 2).astype(np.uint8)
    woodcut = (np.indices((48, 64)).sum(0) // 3 % 2 * 255).astype(np.uint8)
    label = np.where(SHAPE[..., None] > 0, (200, 30, 30), (0, 0, 0)).astype(np.uint8)
    masks, styles = (across, SHAPE * 255, 100 + SHAPE * 80, label), (engraving, woodcut, painting(48, 64))
    for mask, style in itertools.product(masks, styles):
        if mask is label or style.ndim == 2 or mask.min() > 0 or mask is across:  # the others are refused
            caplog.clear()
            regions.refuse_swapped([Region(style, mask)])
            assert "they come as MASK:STYLE" in caplog.text
        caplog.clear()
        regions.refuse_swapped([Region(mask, style), Region(mask, across)])
        assert not caplog.records


def test_a_picture_too_small_for_a_layer_is_told(vgg19: Backbone) -> None:
    """A long side of 16 is 12 pixels high."""
    mask = torch.ones(1, 1, 12, 16)
    assert [*regions.counts(mask, ["relu4_1"], vgg19)] == ["relu4_1"]
    with pytest.raises(ImageError, match="16×12 pixels is too small for layer relu5_1: enlarge it or `size`"):
        regions.counts(mask, ["relu5_1"], vgg19)
