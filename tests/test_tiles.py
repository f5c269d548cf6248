"""Tiles: the same value and the same gradient as the whole frame, for every loss that adds up."""

import itertools
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.architecture import Architecture
from impasto.backbones import winograd
from impasto.backbones.features import Backbone
from impasto.backbones.kernels import Padding, Pooling
from impasto.errors import SettingsError
from impasto.losses.content import ContentLoss, PlacesLoss, TotalVariationLoss
from impasto.losses.objective import TermObjective, remember
from impasto.losses.style import STYLE_LOSSES
from impasto.losses.term import Loss, Term
from impasto.pictures import tiles
from impasto.pictures.picture import Size
from tests.helpers import painting, photo, random_backbone

SMALL = Architecture(blocks=((2, 4), (2, 6), (1, 8)))
DEEP = ["relu1_1", "relu2_1", "relu3_1"]
ADDITIVE = [name for name, make in STYLE_LOSSES.items() if make(True).additive]


def noise(size: Size, seed: int) -> Tensor:
    """A picture with some structure, so that no two regions look alike."""
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    fine = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    return 0.7 * torch.nn.functional.interpolate(coarse, size, mode="bilinear") + 0.3 * fine


def terms(
    backbone: Backbone, loss: Loss, size: Size, tile: int | None, where: Mapping[str, Tensor] | None = None
) -> list[Term]:
    content, style, other = noise(size, 1), noise((size[0] + 9, size[1]), 2), noise(size, 3)
    blended = [style, other] if loss.blends else [style]
    examples = [(remember(backbone, loss, picture, DEEP, tile=tile), 1 / len(blended)) for picture in blended]
    of_content = remember(backbone, ContentLoss(), content, ["relu2_2", "pixels"], tile=tile)
    of_places = remember(backbone, PlacesLoss(), content, ["relu1_2/4", "relu2_1/2", "relu3_1"], tile=tile)
    return [
        Term.towards("style", loss, 2.0, dict.fromkeys(DEEP, 1.0), examples, where=where),
        Term.towards("content", ContentLoss(), 0.5, {"relu2_2": 1, "pixels": 2}, [(of_content, 1.0)]),
        Term.towards("places", PlacesLoss(), 0.7, dict.fromkeys(of_places, 1.0), [(of_places, 1.0)]),
        Term("tv", TotalVariationLoss("l2"), 3.0, {"pixels": 1.0}, {"pixels": ()}),
    ]


def both(
    backbone: Backbone, loss: Loss, size: Size, tile: int, where: Mapping[str, Tensor] | None = None, cut: str = ""
) -> list[tuple[dict[str, float], Tensor]]:
    """Of the whole picture, and in tiles."""
    pixels = noise(size, 7)
    return [
        TermObjective(backbone, terms(backbone, loss, size, side, where), side, cut).value_and_grad(pixels)
        for side in (None, tile)
    ]


@pytest.mark.parametrize("name", ADDITIVE)
@pytest.mark.parametrize(
    ("size", "tile", "pooling", "padding", "cut"),
    [
        ((52, 63), 16, "max", "replicate", ""),
        ((45, 37), 20, "average", "zeros", ""),
        ((33, 90), 32, "max", "zeros", ""),
        ((53, 63), 16, "max", "replicate", "pool1"),
        ((45, 87), 16, "average", "zeros", "pool2"),  # of the map behind, too, there are several tiles
        ((34, 62), 20, "max", "zeros", "pool2"),
    ],
)
def test_tiles_give_the_gradient_of_the_whole_frame(
    name: str, size: Size, tile: int, pooling: Pooling, padding: Padding, cut: str
) -> None:
    backbone = random_backbone(SMALL, torch.float64, pooling=pooling, padding=padding)
    (values, gradient), (tiled_values, tiled_gradient) = both(backbone, STYLE_LOSSES[name](True), size, tile, cut=cut)
    assert tiled_values == pytest.approx(values, rel=1e-12)
    assert (tiled_gradient - gradient).abs().max() < 1e-12 * gradient.abs().max()


def test_a_gradient_waits_for_no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch compares shapes by the help of SymPy, which takes half a second to import."""
    monkeypatch.setitem(sys.modules, "torch.fx.experimental.symbolic_shapes", None)
    (_, gradient), _ = both(random_backbone(SMALL, torch.float64), STYLE_LOSSES["moments"](True), (33, 40), 16)
    assert gradient.abs().max() > 0


@pytest.mark.parametrize(
    ("name", "cut"), [("moments", ""), ("moments", "pool2"), ("mmd-gaussian", ""), ("mean-deviation", "pool1")]
)
def test_tiles_keep_regions_apart(name: str, cut: str) -> None:
    backbone, size = random_backbone(SMALL, torch.float64, padding="replicate"), (52, 63)
    mask = torch.linspace(0, 1, 63, dtype=torch.float64).expand(1, 1, 52, 63)
    where = {}
    for layer in DEEP:
        share = torch.nn.functional.avg_pool2d(mask, 2 ** backbone.architecture.depth(layer))
        where[layer] = share / share.sum()
    (values, gradient), (tiled_values, tiled_gradient) = both(backbone, STYLE_LOSSES[name](True), size, 16, where, cut)
    assert tiled_values == pytest.approx(values, rel=1e-12)
    assert (tiled_gradient - gradient).abs().max() < 1e-12 * gradient.abs().max()
    (other_values, _), _ = both(backbone, STYLE_LOSSES[name](True), size, 16)
    assert other_values["style"] != pytest.approx(values["style"], rel=1e-3)


@pytest.mark.slow
def test_tiles_of_the_vgg19_to_float32s_rounding(vgg19: Backbone) -> None:
    size = (203, 330)
    pixels, painting = noise(size, 7).float(), noise((150, 120), 2).float()
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    found = []
    for tile in (None, 128):
        loss = STYLE_LOSSES["moments"](True)
        style = remember(vgg19, loss, painting, layers, tile=tile)
        content = remember(vgg19, ContentLoss(), noise(size, 3).float(), ["relu4_2"], tile=tile)
        objective = TermObjective(
            vgg19,
            [
                Term.towards("style", loss, 1.0, dict.fromkeys(layers, 1.0), [(style, 1.0)]),
                Term.towards("content", ContentLoss(), 0.4, {"relu4_2": 1}, [(content, 1.0)]),
                Term("tv", TotalVariationLoss("l1"), 1.0, {"pixels": 1.0}, {"pixels": ()}),
            ],
            tile,
        )
        found.append(objective.value_and_grad(pixels))
    (values, gradient), (tiled_values, tiled_gradient) = found
    assert tiled_values == pytest.approx(values, rel=1e-5)
    # Minimal filtering, of the whole alone at this size, rounds otherwise.
    large = winograd.layout(pixels, torch.float32) == torch.contiguous_format
    assert (tiled_gradient - gradient).norm() < (5e-4 if large else 1e-5) * gradient.norm()


@pytest.mark.parametrize("layers", [["relu3_1"], ["relu1_1"], ["pixels"], ["conv3_1", "pixels"], ["pool2", "pool3"]])
@pytest.mark.parametrize("style", [True, False])
def test_a_cut_network_may_be_looked_at_anywhere(layers: list[str], style: bool) -> None:
    """In front of the cut, behind it, there itself, or on both sides of it."""
    backbone, size, pixels = random_backbone(SMALL, torch.float64), (44, 60), noise((44, 60), 7)
    loss: Loss = STYLE_LOSSES["moments"](True) if style else ContentLoss()
    target = remember(backbone, loss, noise(size, 1), layers)
    term = Term.towards("term", loss, 1.0, dict.fromkeys(layers, 1.0), [(target, 1.0)])
    value, gradient = TermObjective(backbone, [term]).value_and_grad(pixels)
    for cut in ("pool1", "pool2"):
        tiled, own = TermObjective(backbone, [term], 16, cut).value_and_grad(pixels)
        assert tiled == pytest.approx(value, rel=1e-12)
        assert (own - gradient).abs().max() < 1e-12 * gradient.abs().max()


@pytest.mark.parametrize(
    ("style", "cut", "first"),
    [
        ("relu2_1", "", {"relu1_1/2", "relu2_1"}),
        ("relu1_1", "pool1", {"relu1_1", "relu1_1/2", "pool1"}),
        ("relu2_1", "pool1", {"relu1_1/2", "pool1", "relu2_1"}),
        ("", "", set()),
    ],
)
def test_no_layer_is_summed_that_need_not_be(
    style: str, cut: str, first: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those behind the last of which the slope depends on the sum are seen once, and so is the last tile."""
    backbone, size, look = random_backbone(SMALL, torch.float64), (32, 80), Backbone.__call__
    looks: list[tuple[bool, set[str]]] = []

    def looked(self: Backbone, pixels: Tensor, layers: Iterable[str], *rest: Any) -> dict[str, Tensor]:
        looks.append((pixels.requires_grad, set(layers)))
        return look(self, pixels, layers, *rest)

    places = remember(backbone, PlacesLoss(), noise(size, 1), ["relu1_1/2", "relu3_1"])
    found = [Term.towards("places", PlacesLoss(), 1.0, dict.fromkeys(places, 1.0), [(places, 1.0)])]
    if style:
        target = remember(backbone, STYLE_LOSSES["moments"](True), noise(size, 2), [style])
        found.append(Term.towards("style", STYLE_LOSSES["moments"](True), 1.0, {style: 1.0}, [(target, 1.0)]))
    monkeypatch.setattr(Backbone, "__call__", looked)
    TermObjective(backbone, found, 16, cut).value_and_grad(noise(size, 7))
    assert set().union(*(layers for graph, layers in looks if not graph)) == first
    count = len(tiles.cut(size, 16, 4, 10))
    assert sum(graph and "relu3_1" in layers for graph, layers in looks) == count
    if not cut:
        assert sum(not graph for graph, _ in looks) == (count - 1 if first else 0)


def test_a_smaller_margin_would_be_wrong() -> None:
    """What a position reaches is what has to be seen: the margin is not a matter of taste."""
    backbone = random_backbone(SMALL, torch.float64)
    assert [backbone.architecture.reach([layer]) for layer in ("pixels", *DEEP)] == [1, 1, 4, 10]
    pixels = noise((64, 64), 1).requires_grad_()
    (gradient,) = torch.autograd.grad(backbone(pixels, ["relu3_1"])["relu3_1"][:, :, 8].sum(), pixels)
    rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
    assert (rows.min().item(), rows.max().item()) == (32 - 10, 35 + 10)


@pytest.mark.parametrize("name", [name for name in STYLE_LOSSES if name not in ADDITIVE])
def test_a_loss_without_tiles_says_what_to_choose(name: str) -> None:
    backbone = random_backbone(SMALL, torch.float64)
    with pytest.raises(SettingsError, match=r"`memory`.*`style_loss`"):
        remember(backbone, STYLE_LOSSES[name](True), noise((40, 40), 1), DEEP, tile=16)


@pytest.mark.parametrize("lane", [1, 128])
def test_tiles_own_everything_once(lane: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a processor that wants them wider than they need to be."""
    monkeypatch.setattr(tiles, "_lane", lambda: lane)
    for size in [(16, 16), (100, 33), (31, 200)]:
        for side in (None, 16, 50, 1000):
            owned = torch.zeros(1, 1, *size)
            for tile in tiles.cut(size, side, 16, 70):
                tiles.cropped(owned, tile.owned).add_(1)
                assert all(edge % 16 == 0 or edge in size for edge in (*tile.owned, *tile.seen))
                height, width = tile.owned[1] - tile.owned[0], tile.owned[3] - tile.owned[2]
                assert side is None or max(height, width) < max(side, 16) + 16
            assert bool((owned == 1).all())
            areas = [tile.of(owned).numel() for tile in tiles.cut(size, side, 16, 70)]
            assert tiles.seen(size, side, 16, 70) == (sum(areas), max(areas))
    widths = {tile.seen[3] - tile.seen[2] for tile in tiles.cut((100, 1024), 200, 16, 70)}
    # Six of 160 or 176 pixels, with 80 more on one side or on both.
    assert widths == ({256, 384} if lane > 1 else {240, 256, 320, 336})


@pytest.mark.usefixtures("narrow")
def test_where_memory_runs_out_the_record_tells_of_the_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    count, evaluate = itertools.count(), TermObjective._value_and_grad

    def short(self: TermObjective, pixels: Tensor) -> Any:
        if next(count) == 2:
            raise MemoryError
        return evaluate(self, pixels)

    monkeypatch.setattr(TermObjective, "_value_and_grad", short)
    made = impasto.stylize(photo(60, 80), painting(50, 60), "statistics", size=48, iterations=3, scales="single")
    assert made.record["events"] == ["2: not enough memory: going on with tiles of 256 pixels"]
    assert made.record["tile"] == 256
