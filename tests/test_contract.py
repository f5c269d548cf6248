"""The contract of `networks.contract`, put to every network of the fast method, and to a small random one in
a file.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.backbones import winograd
from impasto.errors import SettingsError
from impasto.machine.devices import computes_bfloat16
from impasto.networks import codes
from impasto.networks.cin import GRID
from impasto.networks.codes import StyleCode
from impasto.networks.contract import LEAST, load_network, save_network
from impasto.networks.painter import Painter
from impasto.networks.zoo import BUILT_IN, network
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.settings.fields import NETWORKS
from impasto.tasks import sweep
from tests.helpers import painting, photo, small_network
from tests.test_networks import CPU, picture

pytestmark = pytest.mark.usefixtures("small_looks")


@pytest.fixture(scope="module", params=[*NETWORKS, "random"])
def name(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a network, or the path of its file."""
    if request.param != "random":
        return str(request.param)
    return small_network(tmp_path_factory.mktemp("networks") / "random.safetensors")


@functools.cache
def code_of(name: str) -> StyleCode:
    return (
        codes.learnt_style("0:1,1:3", name)
        if network(name).design.styles
        else codes.predicted(codecs.load(painting(60, 60)), name)
    )


def painter_of(name: str, dtype: torch.dtype = torch.float32) -> Painter:
    return Painter(network(name).stylizer, code_of(name).style(), dtype=dtype, device=CPU)


def frozen(painter: Painter, pixels: Tensor) -> Callable[[Tensor], Tensor]:
    return painter.frozen(painter.measured(pixels)[1])


@pytest.mark.parametrize("size", [(LEAST, LEAST), (LEAST, 31), (57, 90)])
def test_pictures_of_any_size_come_out_in_size_range_and_type(name: str, size: tuple[int, int]) -> None:
    pixels, painter = picture(photo(*size)), painter_of(name)
    expected = network(name).stylizer(pixels, code_of(name).style())
    for painted in (expected, painter.whole(pixels), frozen(painter, pixels)(pixels)):
        assert painted.shape == pixels.shape and painted.dtype == torch.float32
        assert painted.min() >= 0 and painted.max() <= 1 and painted.std() > 1e-3
        assert (painted - expected).abs().max() < 1e-3
    assert torch.equal(painter.whole(pixels), painter_of(name).whole(pixels))


@pytest.mark.skipif(not torch.backends.nnpack.is_available(), reason="This torch has no NNPACK.")  # type: ignore[no-untyped-call]
@pytest.mark.parametrize(("network_name", "wide"), [("any", 10), ("multi", 10), ("arbitrary", 0)])
def test_wide_layers_by_minimal_filtering(network_name: str, wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used, minimal = [], winograd.minimal

    def counted(x: Tensor, *rest: Any) -> Tensor:
        used.append(x.shape)
        return minimal(x, *rest)

    pixels = picture(photo(64, 132))
    expected = painter_of(network_name).whole(pixels)
    monkeypatch.setattr(winograd, "here", lambda device, dtype: True)
    monkeypatch.setattr(winograd, "minimal", counted)
    monkeypatch.setattr(winograd, "_POSITIONS", 1)
    painter_of(network_name).whole(pixels)
    assert not used  # maps of 16 × 33 positions do not earn it
    monkeypatch.setattr("impasto.networks.painter._POSITIONS", 1)
    painter = painter_of(network_name)
    assert (painter.whole(pixels) - expected).abs().max() < 1e-4
    assert len(used) == wide
    assert (frozen(painter, pixels)(pixels) - expected).abs().max() < 1e-3


def test_tiles_make_the_whole_picture_and_smaller_margins_would_leave_seams(name: str) -> None:
    reach, painter = network(name).stylizer.reach, painter_of(name)
    pixels = picture(photo(70, 163))
    paint = frozen(painter, pixels)
    whole = paint(pixels)
    for margin, joins in ((reach, True), (GRID, False)):
        canvas = Picture(pixels.clone())
        steps = list(sweep.paint_tiles(canvas, paint, 13 * GRID, margin))
        assert steps[-1] == (8, 8)
        assert ((canvas.pixels - whole).abs().max() < 1e-4) == joins


def test_a_pixel_is_felt_as_far_as_the_reach_and_no_further(name: str) -> None:
    """With frozen statistics, and wherever it lies on the grid."""
    reach, painter = network(name).stylizer.reach, painter_of(name, torch.float64)
    assert reach % GRID == 0
    pixels = picture(photo(LEAST, 2 * reach + 40)).double()
    paint = frozen(painter, pixels)
    before, farthest = paint(pixels), 0
    for column in range(reach + 20, reach + 20 + GRID):
        changed = pixels.clone()
        changed[..., column] = 1 - changed[..., column]
        felt = (paint(changed) - before).abs().amax((0, 1, 2)).nonzero()
        farthest = max(farthest, int((felt - column).abs().max()))
    assert reach - 2 * GRID - 2 <= farthest <= reach


@pytest.mark.skipif(not computes_bfloat16(CPU), reason="bfloat16 would be emulated")
def test_bfloat16_looks_the_same(name: str) -> None:
    pixels = picture(photo(96, 128))
    exact, rounded = (painter_of(name, dtype).whole(pixels) for dtype in (torch.float32, torch.bfloat16))
    assert rounded.dtype == torch.float32
    assert (exact - rounded).abs().mean() < 2 / 255


def test_a_flat_photograph_is_finite(name: str) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        assert bool(painter_of(name, dtype).whole(torch.full((1, 3, 40, 60), 0.5)).isfinite().all())


def test_codes_are_of_learnt_styles_or_of_any_painting_and_mix(name: str) -> None:
    flat = Picture(torch.full((1, 3, 20, 90), 0.5))
    design, length = network(name).design, network(name).stylizer.heads.in_features
    one, painted = code_of(name), codecs.load(painting(60, 60))
    if design.styles:
        assert len(design.styles) <= length <= len(design.styles) + 1
        with pytest.raises(SettingsError, match="in its own styles alone"):
            codes.predicted(painted, name)
    else:
        assert torch.equal(codes.predicted(painted, name).values, one.values)
        with pytest.raises(SettingsError, match="has no learnt styles"):
            codes.learnt_style("0", name)
    if length == len(design.styles):
        with pytest.raises(SettingsError, match="its styles are all or none"):
            codes.plain(flat, name)
        other = codes.learnt_style("1", name)
    else:
        other = codes.plain(flat, name)
    for code in (one, other):
        assert code.values.shape == (1, length) and (code.colours is not None or not design.palette)
    assert not torch.equal(one.values, other.values)
    mixture = codes.mixed([(one, 0.25), (other, 0.75)]).style()
    torch.testing.assert_close(mixture, 0.25 * one.style() + 0.75 * other.style(), rtol=1e-4, atol=1e-4)


def test_a_network_survives_its_file_with_its_design_and_card(name: str, tmp_path: Path) -> None:
    chosen, path = network(name), tmp_path / "n.safetensors"
    if chosen.design.architecture is None:
        pytest.skip("its weights are in the registry alone")
    save_network(chosen, path)
    again, pixels, style = load_network(path), picture(photo(32, 40)), code_of(name).style()
    assert again.design == chosen.design
    for key, tensor in chosen.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], tensor, rtol=1e-3, atol=1e-4)
    assert (again.stylizer(pixels, style) - chosen.stylizer(pixels, style)).abs().max() < 0.01


def test_every_network_that_is_named_is_here() -> None:
    assert tuple(BUILT_IN) == NETWORKS
