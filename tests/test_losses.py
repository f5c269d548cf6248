"""Laws that every statistic and every loss must obey, on small random tensors in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.errors import SettingsError
from impasto.losses import statistics
from impasto.losses.content import ContentLoss, PlacesLoss, TotalVariationLoss
from impasto.losses.statistics import Stat, blend
from impasto.losses.style import STYLE_LOSSES
from impasto.losses.term import Loss, Term
from impasto.settings import whole
from impasto.settings.fields import Settings

LOSSES: dict[str, Callable[[], Loss]] = {
    "content-relative": lambda: ContentLoss(True),
    "content-absolute": lambda: ContentLoss(False),
    "places": lambda: PlacesLoss(0.1),
    "tv-l1": lambda: TotalVariationLoss("l1"),
    "tv-l2": lambda: TotalVariationLoss("l2"),
} | {
    f"{name}-{'relative' if relative else 'absolute'}": lambda make=make, relative=relative: make(relative)  # type: ignore[misc]
    for name, make in STYLE_LOSSES.items()
    for relative in (True, False)
}
STYLES = [name for name in LOSSES if name.rpartition("-")[0] in STYLE_LOSSES]
ADDITIVE = [name for name in LOSSES if not name.startswith(("sliced", "nearest"))]
BLENDING = [name for name in STYLES if LOSSES[name]().blends]
TARGETED = [name for name in LOSSES if not name.startswith("tv")]


def features(seed: int, n: int = 1, size: tuple[int, int] = (5, 7)) -> Tensor:
    return torch.rand(n, 4, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def target_of(loss: Loss, reference: Tensor) -> Stat:
    target = loss.target(reference)
    return target + loss.measure(reference, target) if loss.looks > 1 else target


def distance(loss: Loss, feature: Tensor, reference: Tensor, weight: Tensor | None = None) -> Tensor:
    target = target_of(loss, reference)
    return loss.distance(loss.measure(feature, target, weight), target)


def test_gram_against_naive_sum() -> None:
    feature = features(0)
    naive = torch.zeros(4, 4, dtype=torch.float64)
    for i in range(4):
        for j in range(4):
            for y in range(5):
                for x in range(7):
                    naive[i, j] += feature[0, i, y, x] * feature[0, j, y, x] / 35
    assert torch.allclose(statistics.gram(feature)[0], naive, atol=1e-14)


def test_moments_against_numpy_covariance() -> None:
    import numpy as np

    feature = features(1)
    gram, mean = statistics.moments(feature)
    flat = feature[0].flatten(1).numpy()
    assert np.allclose(mean[0], flat.mean(1))
    assert np.allclose(statistics.covariance(gram, mean)[0], np.cov(flat, bias=True))


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_gradient_against_finite_differences(weighted: bool) -> None:
    weight = torch.rand(2, 1, 3, 2, dtype=torch.float64) if weighted else None
    feature = features(2, n=2, size=(3, 2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: statistics.moments(f, weight), feature)


def test_total_variation_by_hand() -> None:
    pixels = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]], dtype=torch.float64)
    # differences: right 1 and 0, down 0.5 and -0.5, over four positions
    assert statistics.total_variation(pixels, "l1").item() == pytest.approx((1 + 0.5 + 0.5) / 4)
    assert statistics.total_variation(pixels, "l2").item() == pytest.approx((1 + 0.25 + 0.25) / 4)


def test_total_variation_does_not_grow_with_the_picture() -> None:
    tile = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    once, often = (statistics.total_variation(tile.repeat(1, 1, n, n), "l2").item() for n in (1, 16))
    assert often == pytest.approx(once, rel=0.25)  # only the seams differ


@pytest.mark.parametrize("name", TARGETED)
def test_zero_at_the_target(name: str) -> None:
    assert distance(LOSSES[name](), features(3), features(3)).item() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_positive_elsewhere(name: str) -> None:
    assert distance(LOSSES[name](), features(3), features(4)).item() > 1e-6


@pytest.mark.parametrize("name", ["tv-l1", "tv-l2"])
def test_total_variation_of_a_flat_picture_is_zero(name: str) -> None:
    assert distance(LOSSES[name](), torch.full((1, 3, 4, 4), 0.3), features(0)).item() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_against_finite_differences(name: str) -> None:
    loss, reference = LOSSES[name](), features(5, n=2, size=(3, 4))
    feature = features(6, n=2, size=(3, 4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: distance(loss, f, reference), feature)


@pytest.mark.parametrize("name", STYLES)
def test_style_does_not_depend_on_places(name: str) -> None:
    feature, reference = features(7), features(8)
    order = torch.randperm(35, generator=torch.Generator().manual_seed(0))
    shuffled = feature.flatten(2)[..., order].view_as(feature)
    assert distance(LOSSES[name](), shuffled, reference).item() == pytest.approx(
        distance(LOSSES[name](), feature, reference).item(), rel=1e-12
    )


@pytest.mark.parametrize("name", ADDITIVE)
def test_measure_adds_up_over_halves(name: str) -> None:
    """The statistic of a picture is the sum of those of two masks that make it up: what tiles and regions
    rest on.
    """
    loss, feature = LOSSES[name](), features(9)
    target = target_of(loss, features(10))
    left = torch.zeros(1, 1, 5, 7, dtype=torch.float64)
    left[..., :3] = 1
    halves = [loss.measure(feature, target, mask / 35) for mask in (left, 1 - left)]
    whole = loss.measure(feature, target)
    for a, b, both in zip(*halves, whole, strict=True):
        assert torch.allclose(a + b, both, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in TARGETED if name.endswith("relative")])
def test_relative_losses_do_not_depend_on_the_scale(name: str) -> None:
    loss = LOSSES[name]()
    assert distance(loss, 1000 * features(1), 1000 * features(2)).item() == pytest.approx(
        distance(loss, features(1), features(2)).item()
    )


@pytest.mark.parametrize("name", LOSSES)
def test_pictures_of_a_batch_are_measured_one_by_one(name: str) -> None:
    loss, feature, reference = LOSSES[name](), features(1, n=3), features(2, n=3)
    single = [distance(loss, feature[i : i + 1], reference[i : i + 1]).item() for i in range(3)]
    assert distance(loss, feature, reference).tolist() == pytest.approx(single)


@pytest.mark.parametrize("name", TARGETED)
def test_a_black_target_gives_finite_losses(name: str) -> None:
    assert torch.isfinite(distance(LOSSES[name](), features(0).float(), torch.zeros(1, 4, 5, 7)))


@pytest.mark.parametrize("name", BLENDING)
def test_a_blend_of_equals_is_the_same(name: str) -> None:
    loss = LOSSES[name]()
    target = loss.target(features(1))
    for entry, blended in zip(target, blend([(target, 0.3), (target, 0.7)]), strict=True):
        assert torch.allclose(entry, blended)


def test_blend_is_the_statistic_of_both_pictures_side_by_side() -> None:
    one, other = features(1), features(2)
    together = statistics.moments(torch.cat([one, other], 3))
    for entry, expected in zip(
        blend([(statistics.moments(one), 0.5), (statistics.moments(other), 0.5)]), together, strict=True
    ):
        assert torch.allclose(entry, expected)


def test_statistics_of_bfloat16_are_float32() -> None:
    gram, mean = statistics.moments(features(0).bfloat16())
    assert gram.dtype == mean.dtype == torch.float32
    feature = features(0).bfloat16().requires_grad_()
    statistics.gram(feature).sum().backward()  # type: ignore[no-untyped-call]
    assert feature.grad is not None and feature.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("weighted", [False, True])
def test_what_places_want_is_measured_whole_and_in_strips(weighted: bool) -> None:
    feature = features(3, n=2, size=(2 * statistics._ROWS + 5, 3))
    weight = torch.softmax(features(4, size=(2 * statistics._ROWS + 5, 3))[:, :1].flatten(2), 2).view(1, 1, -1, 3)
    squares = feature.numpy() ** 2
    shares = weight.numpy() if weighted else 1 / squares[0, 0].size
    _, mean = PlacesLoss().target(feature, weight if weighted else None)
    assert mean.tolist() == pytest.approx((squares.sum(1, keepdims=True) * shares).sum((1, 2, 3)), rel=1e-12)


def test_a_term_averages_its_layers_by_share() -> None:
    a, b = {"x": features(1), "y": features(2)}, {"x": features(3), "y": features(4)}
    loss = ContentLoss()
    x, y = (distance(loss, b[layer], a[layer]).item() for layer in "xy")
    for shares in ({"x": 1.0, "y": 3.0}, {"x": 2.0, "y": 6.0}):
        targets = {layer: loss.target(feature) for layer, feature in a.items()}
        term = Term.towards("content", loss, 5.0, shares, [(targets, 1.0)])
        measured = {layer: loss.measure(b[layer], targets[layer]) for layer in "xy"}
        assert term.value(measured).item() == pytest.approx((x + 3 * y) / 4)


def test_a_term_averages_its_batch_by_share() -> None:
    loss, made, target = ContentLoss(), features(1, n=2), features(2, n=2)
    first, second = distance(loss, made, target).tolist()
    for shares, expected in ((None, (first + second) / 2), (torch.tensor([3.0, 0.5]), (3 * first + second / 2) / 2)):
        term = Term("content", loss, 5.0, {"x": 1.0}, {"x": loss.target(target)}, shares=shares)
        assert term.value({"x": loss.measure(made, term.targets["x"])}).item() == pytest.approx(expected)


def test_every_style_loss_is_a_setting_and_the_other_way_round() -> None:
    for name in STYLE_LOSSES:
        assert Settings(style_loss=name).style_loss == name  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="did you mean 'wasserstein'"):
        Settings(style_loss="waserstein")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ADDITIVE)
def test_distances_in_proportion_say_so(name: str) -> None:
    """Their slopes are known before anything has been measured: tiles take them from any one of a picture."""
    loss, target = LOSSES[name](), target_of(LOSSES[name](), features(10))
    measured = loss.measure(features(9), target)
    once, twice = (loss.distance(tuple(many * entry for entry in measured), target).item() for many in (1, 2))
    assert (twice == pytest.approx(2 * once, rel=1e-9)) == loss.proportional


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ADDITIVE])
def test_losses_that_do_not_add_up_say_so(name: str) -> None:
    feature = features(1)
    target = LOSSES[name]().target(feature)
    with pytest.raises(SettingsError, match="knows no regions, tiles"):
        LOSSES[name]().measure(feature, target, torch.ones(1, 1, 5, 7) / 35)


@pytest.mark.parametrize("name", [name for name in STYLES if name not in BLENDING])
def test_losses_that_cannot_blend_say_so(name: str) -> None:
    examples = [({"x": LOSSES[name]().target(features(seed))}, 0.5) for seed in (1, 2)]
    with pytest.raises(SettingsError, match="one picture at a time, not 2"):
        Term.towards("style", LOSSES[name](), 1, {"x": 1}, examples)


def naive_mmd(kernel: Callable[[Tensor, Tensor], Tensor], f: Tensor, s: Tensor) -> Tensor:
    return kernel(f, f).mean() + kernel(s, s).mean() - 2 * kernel(f, s).mean()


def samples(feature: Tensor) -> Tensor:
    return feature.flatten(2)[0].T


@pytest.mark.parametrize(
    ("name", "kernel", "scale"),
    [
        ("mmd-linear-absolute", lambda x, y, s: x @ y.T, 4),
        ("gram-absolute", lambda x, y, s: (x @ y.T) ** 2, 16),
        ("mmd-poly-absolute", lambda x, y, s: (x @ y.T + (s * s).sum(1).mean()) ** 2, 16),
    ],
)
def test_style_losses_are_mmds_with_their_gradients(
    name: str, kernel: Callable[[Tensor, Tensor, Tensor], Tensor], scale: int
) -> None:
    """Li et al. 2017, on random features: the loss times a stated constant is MMD², to float64's digits,
    gradient included.
    """
    reference = features(2, size=(4, 3))
    values, gradients = [], []
    computations: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda f: distance(LOSSES[name](), f, reference) * scale,
        lambda f: naive_mmd(lambda x, y: kernel(x, y, samples(reference)), samples(f), samples(reference)),
    )
    for compute in computations:
        feature = features(1).requires_grad_()
        value = compute(feature)
        (gradient,) = torch.autograd.grad(value, feature)
        values.append(value.item())
        gradients.append(gradient)
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-10, atol=1e-15)


def test_random_cosines_estimate_the_gaussian_kernel() -> None:
    feature, reference = features(1) * 3, features(2) * 3 + 0.5
    loss = LOSSES["mmd-gaussian-absolute"]()
    bandwidth = statistics.covariance(*loss.target(reference))[0].trace().sqrt()
    exact = naive_mmd(
        lambda x, y: torch.exp(-(torch.cdist(x, y) ** 2) / (2 * bandwidth**2)), samples(feature), samples(reference)
    )
    assert distance(loss, feature, reference).item() == pytest.approx(exact.item(), rel=0.15)


def test_wasserstein_of_scaled_gaussians_by_hand() -> None:
    """Of two covariances that commute it is the squared difference of their roots."""
    feature = features(3) - 0.5
    loss = distance(LOSSES["wasserstein-absolute"](), 3 * feature, feature) * 4
    variance = statistics.covariance(*statistics.moments(feature))[0].trace()
    mean = statistics.mean(feature)[0].square().sum()
    assert loss.item() == pytest.approx((4 * (variance + mean)).item(), rel=1e-3)


def test_sliced_wasserstein_of_a_shift_is_the_shift() -> None:
    feature = features(4)
    shift = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64).view(1, 4, 1, 1)
    assert distance(LOSSES["sliced-wasserstein-absolute"](), feature + shift, feature).item() * 4 == pytest.approx(5.25)


def test_nearest_finds_a_style_that_was_shuffled_and_repeated() -> None:
    reference = features(5)
    order = torch.randint(35, (48,), generator=torch.Generator().manual_seed(1))
    mosaic = reference.flatten(2)[..., order].view(1, 4, 6, 8)
    assert distance(LOSSES["nearest-relative"](), mosaic, reference).item() == pytest.approx(0, abs=1e-14)
    assert distance(LOSSES["moments-relative"](), mosaic, reference).item() > 1e-4


def test_large_layers_are_averaged_to_patches() -> None:
    assert statistics.patches(torch.rand(1, 3, 200, 100)).shape == (1, 90 * 45, 3)
    assert statistics.patches(torch.rand(1, 3, 64, 64)).shape == (1, 4096, 3)


def test_the_losses_that_are_refused_are_those_that_cannot() -> None:
    for name, made in STYLE_LOSSES.items():
        loss = made(True)
        assert (name in whole._SINGLE) == (not loss.blends), name
        assert (name in whole.UNDIVIDED) == (not loss.additive), name
