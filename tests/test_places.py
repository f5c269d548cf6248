"""Places: the nearest of the painting's, against an independent search, whole and in tiles."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.architecture import ARCHITECTURES, BACKBONE, Architecture
from impasto.backbones.features import Backbone
from impasto.errors import ImageError
from impasto.losses.parts import looked_at
from impasto.pictures.picture import Picture
from impasto.places import gallery, search
from impasto.places.grids import Grid
from impasto.places.search import replaced
from impasto.places.spaces import axes_of
from tests.helpers import painting, photo, random_backbone

SMALL = Architecture(blocks=((2, 4), (2, 6), (2, 8)))
LAYERS = ["relu1_1/4", "relu2_2/2", "relu3_1"]


def backbone() -> Backbone:
    return random_backbone(SMALL, torch.float64, padding="replicate")


def picture(array: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> Picture:
    return Picture(torch.from_numpy(array).permute(2, 0, 1)[None].double() / 255)


def columns(network: Backbone, pixels: Tensor) -> dict[str, Tensor]:
    """Layer by layer, positions × channels on the grid of the third block, by plain averages."""
    found = {}
    for layer in LAYERS:
        name, _, side = layer.partition("/")
        feature = network(pixels, [name])[name]
        found[layer] = nn.avg_pool2d(feature, int(side))[0].flatten(1).T if side else feature[0].flatten(1).T
    return found


def naive(network: Backbone, pixels: Tensor, style: Tensor) -> dict[str, Tensor]:
    """The features of the nearest places of the eight copies, one query at a time."""
    upright = columns(network, style)
    scale = {name: 1 / rows.norm(dim=1).mean() for name, rows in upright.items()}
    copies = [torch.rot90(style, turn, (2, 3)) for turn in range(4)]
    copies += [copy.flip(3) for copy in copies]
    places = [columns(network, copy) for copy in copies]
    whole = {name: torch.cat([each[name] for each in places]) for name in LAYERS}
    joined = torch.cat([whole[name] * scale[name] for name in LAYERS], 1)
    mean = torch.cat([upright[name] * scale[name] for name in LAYERS], 1).mean(0)
    own = torch.cat([rows * scale[name] for name, rows in columns(network, pixels).items()], 1)
    own = own - own.mean(0)
    nearest = torch.stack([nn.cosine_similarity(query[None], joined - mean).argmax() for query in own])
    return {name: rows[nearest] for name, rows in whole.items()}


@pytest.mark.parametrize("size", [(40, 56), (43, 58)])
def test_the_nearest_place_is_found(size: tuple[int, int]) -> None:
    network, own, style = backbone(), picture(photo(*size)), picture(painting(36, 52))
    found = replaced(network, own.pixels, [(style, 1.0)], [LAYERS])
    for name, expected in naive(network, own.pixels, style.pixels).items():
        assert found[name].shape == (1, expected.shape[1], size[0] // 4, size[1] // 4)
        difference = (found[name][0].flatten(1).T.double() - expected).norm(dim=1) / expected.norm(dim=1)
        assert (difference < 0.01).double().mean() > 0.97, name  # but for places that are as near as another


def test_what_is_compared_in_few_digits_is_as_near() -> None:
    """Cosines of bfloat16 have three: the places that are found are others, and nearly as like."""
    own, style = picture(photo(80, 112)).pixels.float(), Picture(picture(painting(72, 104)).pixels.float())
    exact = random_backbone(SMALL, torch.float32, padding="replicate")
    rough = random_backbone(SMALL, torch.bfloat16, padding="replicate")
    sought, likeness, found = columns(exact, own), [], []
    for network in (exact, rough):
        found.append(replaced(network, own, [(style, 1.0)], [LAYERS]))
        pairs = [(found[-1][name][0].flatten(1).T.float(), sought[name]) for name in LAYERS]
        likeness.append(torch.cat([nn.cosine_similarity(one, other) for one, other in pairs]).mean())
    assert abs(likeness[0] - likeness[1]) < 0.01 * (1 - likeness[0]), likeness
    assert any(not torch.equal(found[0][name], found[1][name]) for name in LAYERS)


@pytest.mark.parametrize(("room", "looks"), [(0, 2 * (1 + 8)), (2**16, 1 + 7 + 5), (2**30, 8)])
def test_what_is_remembered_is_not_looked_at_again(room: int, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two searches in one painting, each of which looks at its eight views, and at the first once
    more; with room for three, of 18 × 9 × 13 numbers of 8 bytes each, and for all.
    """
    network, own, style = backbone(), picture(photo(40, 56)), picture(painting(36, 52))
    plain = replaced(network, own.pixels, [(style, 1.0)], [LAYERS])
    seen: list[tuple[int, ...]] = []

    def looked(backbone: Backbone, pixels: Tensor, *rest: Any) -> Iterator[Any]:
        seen.append(tuple(pixels.shape[2:]))
        return looked_at(backbone, pixels, *rest)

    monkeypatch.setattr(gallery, "looked_at", looked)
    memory = gallery.Memory(room)
    for _ in range(2):  # brought anew, as every frame of a film does
        found = replaced(network, own.pixels, [(Picture(style.pixels.clone()), 1.0)], [LAYERS], memory=memory)
        assert all(torch.equal(found[name], plain[name]) for name in LAYERS)
    assert len([size for size in seen if size != (40, 56)]) == looks
    # Another painting takes the place of the first.
    other = picture(painting(52, 36)[:, ::-1].copy())
    apart = replaced(network, own.pixels, [(other, 1.0)], [LAYERS])
    found = replaced(network, own.pixels, [(other, 1.0)], [LAYERS], memory=memory)
    assert all(torch.equal(found[name], apart[name]) for name in LAYERS)


def test_memory_holds_no_more_than_it_may() -> None:
    """What others have is forgotten for what is seen now, but not for what would not fit all the same."""
    memory = gallery.Memory(100)
    for key, size in (("a", 60), ("b", 40)):
        assert memory.makes_room(size, "ab")
        memory.keep(key, [], size)
    assert not memory.makes_room(50, "ac") and not memory.makes_room(101, "d")
    assert memory.recall("a") == memory.recall("b") == []
    assert memory.makes_room(40, "ac") and memory.recall("a") == [] and memory.recall("b") is None
    memory.keep("c", [], 40)
    memory.limit(50)
    assert memory.recall("a") is None and memory.recall("c") == []
    memory.limit(0)
    assert memory.recall("c") is None and not memory.makes_room(1, "d")


def test_tiles_find_what_the_whole_finds() -> None:
    network, own, style = backbone(), picture(photo(75, 90)), picture(painting(83, 70))
    whole = replaced(network, own.pixels, [(style, 1.0)], [LAYERS])
    tiled = replaced(network, own.pixels, [(style, 1.0)], [LAYERS], tile=32)
    for name in LAYERS:
        assert ((whole[name] - tiled[name]).abs().amax(1) < 0.01 * whole[name].abs().max()).double().mean() > 0.99, name


@pytest.mark.parametrize("tile", [None, 16])
def test_nothing_is_kept_but_what_was_found(tile: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    network, own, maps, kept = backbone(), picture(photo(40, 56)), search._Places.maps, []

    def counted(places: search._Places) -> dict[str, Tensor]:
        kept.append((sum(len(numbers) for numbers, _ in places.kept), len(torch.unique(places.found))))
        return maps(places)

    monkeypatch.setattr(search._Places, "maps", counted)
    styles = [(picture(painting(36, 52)), 0.5), (picture(painting(52, 36, seed=5)), 0.5)]
    replaced(network, own.pixels, styles[:1], [LAYERS], tile=tile)
    replaced(network, own.pixels, styles, [LAYERS[:2], LAYERS[2:]], tile=tile)
    (one, found), *others = kept
    assert one == found < 140 and len(others) == 2
    # The nearest of both paintings, of which one is then taken.
    assert all(found < count <= 2 * 280 for count, found in others)


def test_a_painting_finds_itself() -> None:
    network, style = backbone(), picture(painting(48, 64))
    found = replaced(network, style.pixels, [(style, 1.0)], [LAYERS])
    for name, own in columns(network, style.pixels).items():
        assert torch.allclose(found[name][0].flatten(1).T.double(), own, rtol=0.01, atol=0.01 * own.abs().max().item())


def test_equal_places_are_all_the_first() -> None:
    """A painting of one colour has nothing but equals."""
    network, style = backbone(), picture(np.full((40, 40, 3), 90, np.uint8))
    found = replaced(network, picture(photo(40, 48)).pixels, [(style, 1.0)], [LAYERS])
    for name, own in columns(network, style.pixels).items():
        assert torch.allclose(found[name][0].flatten(1).T.double(), own[:1].expand(120, -1), rtol=0.01)


def test_deeper_layers_get_the_mean_of_their_square() -> None:
    network, style = backbone(), picture(painting(48, 64))
    found = replaced(network, style.pixels, [(style, 1.0)], [["relu2_1", "relu3_2"]])
    own = network(style.pixels, ["relu3_2"])["relu3_2"]
    assert found["relu2_1"].shape == (1, 6, 24, 32) and found["relu3_2"].shape == (1, 8, 12, 16)
    assert torch.allclose(found["relu3_2"].double(), own, rtol=0.01, atol=0.01 * own.abs().max().item())


def copies(network: Backbone, pixels: Tensor, layer: str) -> list[Tensor]:
    """The features of a layer for all eight copies, (C, h, w)."""
    turned = [torch.rot90(pixels, turn, (2, 3)) for turn in range(4)]
    return [network(copy, [layer])[layer][0] for each in turned for copy in (each, each.flip(3))]


def apart(found: Tensor, allowed: Tensor) -> Tensor:
    """How far every place that was found (1, C, h, w) is from the nearest that is allowed (M, C)."""
    return torch.cdist(found[0].flatten(1).T.double(), allowed).amin(1)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.2), (0.34, 0.33, 0.33)])
def test_several_paintings_get_their_shares(shares: tuple[float, ...]) -> None:
    network, own = backbone(), picture(photo(96, 128))
    # One is the photograph itself; without quotas it would be taken everywhere.
    styles = [own, picture(painting(60, 60)), picture(painting(60, 60, seed=5))][: len(shares)]
    found = replaced(network, own.pixels, list(zip(styles, shares, strict=True)), [LAYERS])["relu3_1"]
    places = [torch.cat([copy.flatten(1).T for copy in copies(network, style.pixels, "relu3_1")]) for style in styles]
    owner = torch.stack([apart(found, each) for each in places]).argmin(0)
    assert (torch.bincount(owner) / len(owner)).tolist() == pytest.approx(shares, abs=0.03)


def test_what_is_transparent_is_not_looked_at() -> None:
    network, own, style = backbone(), picture(photo(48, 64)), picture(painting(48, 64))
    alpha = torch.ones(1, 1, 48, 64, dtype=torch.float64)
    alpha[..., 32:] = 0
    found = replaced(network, own.pixels, [(Picture(style.pixels, alpha), 1.0)], [["relu3_1"]])["relu3_1"]
    half = torch.zeros(12, 16, dtype=torch.bool)
    half[:, :8] = True
    masks = [mask for each in (torch.rot90(half, turn, (0, 1)) for turn in range(4)) for mask in (each, each.flip(1))]
    pairs = list(zip(copies(network, style.pixels, "relu3_1"), masks, strict=True))
    allowed, others = (torch.cat([copy[:, mask == seen].T for copy, mask in pairs]) for seen in (True, False))
    assert apart(found, allowed).max() < 0.01 * allowed.norm(dim=1).max()
    assert apart(found, others).mean() > 0.01 * allowed.norm(dim=1).max()
    with pytest.raises(ImageError, match="Too little of the style picture"):
        replaced(network, own.pixels, [(Picture(style.pixels, alpha * 0), 1.0)], [["relu3_1"]])


def test_places_without_weight_are_left_out() -> None:
    network, own, style = backbone(), picture(photo(48, 64)), picture(painting(48, 64))
    weight = torch.zeros(1, 1, 48, 64, dtype=torch.float64)
    weight[..., :32] = 1
    found = replaced(network, own.pixels, [(style, 1.0)], [LAYERS], weight=weight)
    for name in LAYERS:
        assert found[name][..., 8:].abs().max() == 0 and found[name][..., :8].abs().amax(1).min() > 0


def test_no_more_places_than_can_be_looked_at() -> None:
    network, own, style = backbone(), picture(photo(48, 64)), picture(painting(48, 64))
    few = replaced(network, own.pixels, [(style, 1.0)], [LAYERS], most=100)
    tiled = replaced(network, own.pixels, [(style, 1.0)], [LAYERS], most=100, tile=16)
    for name in LAYERS:
        assert len(torch.unique(few[name][0].flatten(1).T, dim=0)) <= 100
        assert torch.allclose(few[name], tiled[name], rtol=0.02, atol=0.01)


def test_groups_seek_for_themselves() -> None:
    network, own, style = backbone(), picture(photo(48, 64)), picture(painting(48, 64))
    apart_ = replaced(network, own.pixels, [(style, 1.0)], [[name] for name in LAYERS])
    for name in LAYERS:
        alone = replaced(network, own.pixels, [(style, 1.0)], [[name]])
        assert torch.equal(apart_[name], alone[name])


def test_tiles_of_the_vgg19_find_the_same(vgg19: Backbone) -> None:
    """To float32's rounding, which now and then makes another place the nearest of two."""
    own, style = (Picture(picture(array).pixels.float()) for array in (photo(70, 100), painting(90, 70)))
    layers = ["relu1_1/4", "relu2_1/2", "relu3_1", "relu3_4", "relu4_1"]
    whole, tiled = (replaced(vgg19, own.pixels, [(style, 1.0)], [layers], tile=tile) for tile in (None, 64))
    for name in layers:
        same = (whole[name] - tiled[name]).float().norm(dim=1) < 0.02 * whole[name].float().norm(dim=1).mean()
        assert same.double().mean() > 0.98, name


@pytest.mark.parametrize(
    ("size", "together", "alone"), [((683, 1024), 256, 256), ((1365, 2048), 256, 90), ((2730, 4096), 96, 32)]
)
def test_large_pictures_are_compared_in_fewer_directions(size: tuple[int, int], together: int, alone: int) -> None:
    """So that no more than 2^26 numbers are held, but 32 for each place at the least."""
    backbone: Any = SimpleNamespace(architecture=ARCHITECTURES[BACKBONE])
    layers = ("relu1_1/4", "relu2_1/2", "relu3_1", "relu3_4", "relu4_1")
    positions = [math.prod(Grid(backbone, (layer,)).size(size)) for layer in layers]
    assert axes_of(max(positions)) == together and axes_of(sum(positions)) == alone
