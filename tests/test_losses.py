"""Laws that every statistic and every loss must obey, on small random tensors in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto import statistics
from impasto.losses import STYLE_LOSSES, ContentLoss, Loss, Term, TotalVariationLoss, score
from impasto.statistics import blend

LOSSES: dict[str, Callable[[], Loss]] = {
    "content-relative": lambda: ContentLoss(True),
    "content-absolute": lambda: ContentLoss(False),
    "tv-l1": lambda: TotalVariationLoss("l1"),
    "tv-l2": lambda: TotalVariationLoss("l2"),
} | {
    f"{name}-{'relative' if relative else 'absolute'}": lambda make=make, relative=relative: make(relative)  # type: ignore[misc]
    for name, make in STYLE_LOSSES.items()
    for relative in (True, False)
}
STYLES = [name for name in LOSSES if name.split("-")[0] in STYLE_LOSSES]
TARGETED = [name for name in LOSSES if not name.startswith("tv")]


def features(seed: int, n: int = 1, size: tuple[int, int] = (5, 7)) -> Tensor:
    return torch.rand(n, 4, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance(loss: Loss, feature: Tensor, reference: Tensor, weight: Tensor | None = None) -> Tensor:
    target = loss.target(reference)
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
    assert distance(LOSSES[name](), features(3), features(3)).item() == pytest.approx(0, abs=1e-24)


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


@pytest.mark.parametrize("name", LOSSES)
def test_measure_adds_up_over_halves(name: str) -> None:
    """The statistic of a picture is the sum of those of two masks that make it up: what tiles and regions rest on."""
    loss, feature = LOSSES[name](), features(9)
    target = loss.target(features(10))
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
def test_batch_is_the_mean_of_its_members(name: str) -> None:
    loss, feature, reference = LOSSES[name](), features(1, n=3), features(2, n=3)
    single = [distance(loss, feature[i : i + 1], reference[i : i + 1]).item() for i in range(3)]
    assert distance(loss, feature, reference).item() == pytest.approx(sum(single) / 3)


@pytest.mark.parametrize("name", TARGETED)
def test_a_black_target_gives_finite_losses(name: str) -> None:
    assert torch.isfinite(distance(LOSSES[name](), features(0).float(), torch.zeros(1, 4, 5, 7)))


@pytest.mark.parametrize("name", STYLES)
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


def test_gram_loss_equals_mmd_with_the_squared_kernel() -> None:
    """Li et al. 2017: ‖G_F - G_S‖² is the squared MMD with k(x, y) = (xᵀy)², here over different numbers of positions."""
    f, s = features(1, size=(5, 7)).flatten(2)[0].T, features(2, size=(4, 3)).flatten(2)[0].T
    mmd = ((f @ f.T) ** 2).mean() + ((s @ s.T) ** 2).mean() - 2 * ((f @ s.T) ** 2).mean()
    loss = distance(LOSSES["gram-absolute"](), features(1, size=(5, 7)), features(2, size=(4, 3)))
    assert loss.item() * 4**2 == pytest.approx(mmd.item(), rel=1e-12)


def test_a_term_averages_its_layers_by_share() -> None:
    a, b = {"x": features(1), "y": features(2)}, {"x": features(3), "y": features(4)}
    loss = ContentLoss()
    x, y = (distance(loss, b[layer], a[layer]).item() for layer in "xy")
    for shares in ({"x": 1.0, "y": 3.0}, {"x": 2.0, "y": 6.0}):
        term = Term.towards("content", loss, 5.0, shares, [(a, 1.0)])
        assert score([term], b)["content"].item() == pytest.approx((x + 3 * y) / 4)
