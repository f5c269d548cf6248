"""Every trick of the engine against the plain network that autograd differentiates, odd sizes and small bands
included.
"""

import weakref
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.architecture import Architecture
from impasto.backbones import kernels, rows, winograd
from impasto.backbones.kernels import Padding, Pooling
from impasto.backbones.passes import Compile
from impasto.backbones.rows import Rows
from impasto.losses import statistics
from tests.helpers import random_backbone, random_tensors

DEEP = Architecture(blocks=((2, 16), (2, 32), (2, 32)), mean=(100.0, 110.0, 120.0))
AVERAGED = ["relu1_1", "relu1_1/4", "relu1_2/8", "relu2_1", "relu2_1/2", "pool2", "relu3_2"]
SIZES = [(16, 24), (17, 23), (31, 9), (4, 4), (5, 40)]
ENGINES: list[tuple[torch.dtype, Compile, float]] = [
    (torch.float64, "off", 1e-12),
    (torch.float32, "off", 1e-5),
    (torch.float32, "auto", 1e-5),
]
TAPS = ["relu1_1", "relu1_2", "conv2_1", "relu2_1", "pool2", "relu3_2"]


def plain(x: Tensor, pooling: Pooling, padding: Padding) -> dict[str, Tensor]:
    """The network as a textbook writes it."""
    tensors = random_tensors(DEEP, x.dtype)
    features = {}
    x = x.flip(1) * 255 - torch.tensor(DEEP.mean, dtype=x.dtype).view(1, 3, 1, 1)
    for layer in DEEP.layers[1:]:
        if layer.startswith("conv"):
            x = nn.pad(x, (1, 1, 1, 1), mode="replicate" if padding == "replicate" else "constant")
            x = nn.conv2d(x, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"])
        elif layer.startswith("relu"):
            x = nn.relu(x)
        elif min(x.shape[2:]) >= 2:
            x = nn.max_pool2d(x, 2) if pooling == "max" else nn.avg_pool2d(x, 2)
        features[layer] = x
    return features


def difference(found: Tensor, expected: Tensor) -> float:
    found, expected = found.detach().double(), expected.detach().double()
    return float((found - expected).norm() / expected.norm())


def gradient(x: Tensor, features: dict[str, Tensor], layers: list[str]) -> Tensor:
    """Of a sum in which every feature has another weight."""
    generator = torch.Generator().manual_seed(3)
    total = torch.zeros((), dtype=torch.float64)
    for layer in layers:
        shares = torch.rand(features[layer].shape, generator=generator, dtype=torch.float64)
        total = total + (features[layer].double() * shares).sum()
    return torch.autograd.grad(total, x)[0]


@pytest.mark.parametrize("band", [1, 2**30], ids=["banded", "whole"])
@pytest.mark.parametrize(("pooling", "padding"), [*product(("max", "average"), ("zeros", "replicate"))])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_engine_is_the_plain_network(
    height: int, width: int, pooling: Pooling, padding: Padding, band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64 to the last digits; in float32, where oneDNN's fused operators take over, and the compiled
    passes, to its own rounding.
    """
    monkeypatch.setattr(rows, "_BAND_BYTES", band)
    picture = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for layers in (TAPS, ["relu1_1", "relu2_2"], ["relu2_1", "relu2_2", "pool2"], ["conv1_1", "pool1"]):
        for dtype, compile, tolerance in ENGINES:
            x = picture.clone().to(dtype).requires_grad_()
            expected = plain(x, pooling, padding)
            wanted = gradient(x, expected, layers)
            found = random_backbone(DEEP, dtype, pooling=pooling, padding=padding, compile=compile)(x, layers)
            for layer in layers:
                assert difference(found[layer], expected[layer]) < tolerance, (layer, dtype)
            assert difference(gradient(x, found, layers), wanted) < tolerance, (layers, dtype)


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
def test_bands_and_compiled_passes_change_nothing_in_bfloat16(
    padding: Padding, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    modes: tuple[Compile, ...] = ("off", "auto")
    for size, compile in product((1, 2**30), modes):
        monkeypatch.setattr(rows, "_BAND_BYTES", size)
        x = torch.rand(2, 3, 37, 50, generator=torch.Generator().manual_seed(1)).requires_grad_()
        features = random_backbone(DEEP, torch.bfloat16, padding=padding, compile=compile)(x, AVERAGED)
        results.append([*features.values(), gradient(x, features, AVERAGED)])
    for found in zip(*results, strict=True):
        assert all(torch.equal(found[0], other) for other in found[1:])


def test_bfloat16_is_the_plain_network_within_its_rounding() -> None:
    x = torch.rand(1, 3, 37, 50, generator=torch.Generator().manual_seed(1)).requires_grad_()
    expected = plain(x, "max", "replicate")
    wanted = gradient(x, expected, TAPS)
    found = random_backbone(DEEP, torch.bfloat16, padding="replicate")(x, TAPS)
    for layer in TAPS:
        assert difference(found[layer], expected[layer]) < 0.02, layer
    assert difference(gradient(x, found, TAPS), wanted) < 0.1


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    """Coarse values make ties by the dozen, which bfloat16 does too."""
    x = torch.randint(0, 3, (2, 4, 9, 11), generator=torch.Generator().manual_seed(5)).double().requires_grad_()
    expected = nn.max_pool2d(x.relu(), 2)
    weights = torch.rand(expected.shape, dtype=torch.float64)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), x)
    pooled, backward = kernels.max_pool(Rows.of(x.detach()))
    assert torch.equal(pooled, expected)
    assert torch.equal(backward(Rows.of(weights)).whole(), wanted)


def test_the_fused_operators_are_used_where_torch_has_them() -> None:
    """The tests above prove nothing about them if the probe turns them down."""
    wide = bool(torch.cpu.get_capabilities().get("avx512_f"))
    assert kernels._fuses("cpu", torch.float32) == (wide and torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    assert not kernels._fuses("cpu", torch.float64)


def test_the_plain_convolution_does_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.rand(1, 3, 19, 22, generator=torch.Generator().manual_seed(1)).requires_grad_()
    fused = random_backbone(DEEP, torch.float32)(x, TAPS)
    of_fused = gradient(x, fused, TAPS)
    monkeypatch.setattr(kernels, "_fuses", lambda device, dtype: False)
    unfused = random_backbone(DEEP, torch.float32)(x, TAPS)
    assert all(torch.allclose(fused[layer], unfused[layer], rtol=1e-4, atol=1e-4) for layer in TAPS)
    assert difference(of_fused, gradient(x, unfused, TAPS)) < 1e-5


def test_minimal_filtering_is_used_where_it_is_faster() -> None:
    abilities = torch.cpu.get_capabilities()
    narrow = bool(abilities.get("avx2")) and not abilities.get("avx512_f")
    assert winograd.here("cpu", torch.float32) == (narrow and torch.backends.nnpack.is_available())  # type: ignore[no-untyped-call]
    assert not winograd.here("cpu", torch.float64)
    assert not winograd.here("cpu", torch.bfloat16)


@pytest.mark.parametrize(("here", "large"), [(True, torch.contiguous_format), (False, torch.channels_last)])
def test_maps_lie_as_is_fastest_for_a_picture_of_their_size(
    here: bool, large: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it wins in a small picture is less than what pooling and sums lose by the order that it wants."""
    monkeypatch.setattr(winograd, "here", lambda device, dtype: here)
    backbone = random_backbone(DEEP, torch.float32)
    for size, order in (((170, 256), torch.channels_last), ((240, 320), large)):
        x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
        assert all(found.is_contiguous(memory_format=order) for found in backbone(x, TAPS).values())


@pytest.mark.skipif(not torch.backends.nnpack.is_available(), reason="This torch has no NNPACK.")  # type: ignore[no-untyped-call]
@pytest.mark.parametrize("band", [1, 2**30], ids=["banded", "whole"])
@pytest.mark.parametrize(("pooling", "padding"), [*product(("max", "average"), ("zeros", "replicate"))])
def test_minimal_filtering_is_the_plain_network_to_its_rounding(
    pooling: Pooling, padding: Padding, band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever this runs, of all convolutions but the first, and of maps of any size."""
    used, minimal = [], winograd.minimal

    def counted(x: Tensor, *rest: Any) -> Tensor:
        used.append(x.shape)
        return minimal(x, *rest)

    monkeypatch.setattr(winograd, "here", lambda device, dtype: True)
    monkeypatch.setattr(winograd, "minimal", counted)
    monkeypatch.setattr(winograd, "_PIXELS", 1)
    monkeypatch.setattr(winograd, "_POSITIONS", 1)
    monkeypatch.setattr(winograd, "_CHANNELS", 16)
    monkeypatch.setattr(rows, "_BAND_BYTES", band)
    for size in ((37, 50), (9, 4)):
        x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)).requires_grad_()
        expected = plain(x, pooling, padding)
        wanted = gradient(x, expected, TAPS)
        found = random_backbone(DEEP, torch.float32, pooling=pooling, padding=padding)(x, TAPS)
        assert all(found[layer].is_contiguous() for layer in TAPS)
        for layer in TAPS:
            assert difference(found[layer], expected[layer]) < 1e-5, layer
        assert difference(gradient(x, found, TAPS), wanted) < 1e-5
    assert len(used) >= 2 * 2 * 5


def test_the_backward_of_a_convolution_does_not_hold_its_input() -> None:
    """As autograd's would, for a gradient of weights that nobody asks for."""
    convolution = kernels.Convolution(torch.rand(4, 3, 3, 3), torch.rand(4), "zeros")
    x = torch.rand(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    made, backward = convolution(x, relu=True)
    result, held = made.whole(), weakref.ref(x)
    del x, made
    assert held() is None
    assert backward(Rows.of(torch.ones_like(result))).whole().shape == (1, 3, 8, 8)


def test_features_can_be_differentiated_only_once() -> None:
    x = torch.rand(1, 3, 16, 16).requires_grad_()
    total = random_backbone(DEEP, torch.float32)(x, ["relu2_1"])["relu2_1"].sum()
    torch.autograd.grad(total, x, retain_graph=True)
    with pytest.raises(RuntimeError, match="differentiated only once"):
        torch.autograd.grad(total, x)


def test_the_graph_of_a_step_is_freed_without_the_garbage_collector() -> None:
    """A cycle between the features and what their backward keeps would hold hundreds of megabytes a step."""
    import gc

    gc.disable()
    try:
        x = torch.rand(1, 3, 32, 32).requires_grad_()
        features = random_backbone(DEEP, torch.float32)(x, TAPS)
        node = weakref.ref(features["relu3_2"].grad_fn)
        del features
        assert node() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("channels", [3, 64])
def test_moments_of_bfloat16_have_the_digits_of_float32(channels: int) -> None:
    """A plain product of bfloat16 matrices errs by a thousandth, and the covariance by many times that."""
    feature = torch.rand(2, channels, 61, 83, generator=torch.Generator().manual_seed(2)).bfloat16()
    feature = feature.contiguous(memory_format=torch.channels_last)
    gram, mean = statistics.moments(feature)
    expected, expected_mean = statistics.moments(feature.double())
    assert difference(gram, expected) < 1e-5
    assert difference(mean, expected_mean) < 1e-5
    covariance = statistics.covariance(gram, mean)
    assert difference(covariance, statistics.covariance(expected, expected_mean)) < 1e-3
    assert gram.dtype == mean.dtype == torch.float32


@pytest.mark.parametrize("with_mean", [True, False])
def test_moments_gradient_in_bfloat16_is_within_its_rounding(with_mean: bool) -> None:
    feature = torch.rand(2, 16, 21, 33, generator=torch.Generator().manual_seed(2)).bfloat16()
    gradients: list[Tensor] = []
    for x in (feature.requires_grad_(), feature.detach().double().requires_grad_()):
        gram, mean = statistics.moments(x)
        total = (gram * torch.linspace(-1, 1, 256).view(16, 16)).sum() + (mean.square().sum() if with_mean else 0)
        gradients += torch.autograd.grad(total, x)
    assert difference(*gradients) < 1e-2


def test_squared_error_gradient_is_within_the_rounding_of_bfloat16() -> None:
    generator = torch.Generator().manual_seed(2)
    feature, target = (torch.rand(2, 16, 21, 33, generator=generator).bfloat16() for _ in range(2))
    weight = torch.rand(1, 1, 21, 33, generator=generator)
    for share in (None, weight / weight.sum()):
        x = feature.clone().requires_grad_()
        exact = feature.double().requires_grad_()
        found = statistics.squared_error(x, target, share)
        squares = (exact - target.double()) ** 2
        expected = (squares.mean((2, 3)) if share is None else (squares * share.double()).sum((2, 3))).mean(1)
        assert torch.allclose(found.double(), expected, rtol=1e-5)
        (of_found,) = torch.autograd.grad(found.sum(), x)
        (of_expected,) = torch.autograd.grad(expected.sum(), exact)
        assert difference(of_found, of_expected) < 1e-2
