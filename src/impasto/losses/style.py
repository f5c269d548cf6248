"""The losses that compare styles: two distributions of features, with places forgotten (Li et al. 2017).

Take the features of all positions as samples of a distribution, for the picture and for the style. A style
loss is a distance between the two. The squared maximum mean discrepancy (MMD) with a kernel k,

    MMD² = E k(f, f') + E k(s, s') - 2 E k(f, s),

is ‖Δμ‖² for the linear kernel xᵀy, ‖ΔG‖² for its square, which is Gatys' loss, and so on; others compare
moments, transport one distribution into the other, or match samples one by one.

**To add a loss**: what it needs of the positions in `statistics`, a class here, a row in `STYLE_LOSSES`. The
law tests in
``tests/test_losses.py`` pick it up from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from impasto.losses import statistics
from impasto.losses.by_hand import widen
from impasto.losses.statistics import Stat
from impasto.losses.term import Loss, positive


@dataclass(frozen=True)
class StyleLoss:
    """What they share: the statistic of the style is remembered, the picture's is measured in the same way.

    With ``relative`` a distance is divided by the style's own size, which frees it from the scale of the
    layer and from the number of its channels.
    """

    relative: bool = True
    blends: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    proportional: ClassVar[bool] = False
    placed: ClassVar[int] = 0
    looks: ClassVar[int] = 1

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        """Sums over the positions of (N, C, H, W)."""
        raise NotImplementedError

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        return self.statistic(feature, weight)

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        return self.statistic(feature, weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        """Mean square of the difference, where the statistic is one tensor and nothing else is said."""
        return _squared_distance(measured[0], target[0], self.relative)


@dataclass(frozen=True)
class GramLoss(StyleLoss):
    """Mean squared difference of the Gram matrices (Gatys et al. 2016, eq. 4, with both normalised by their
    own M and without the ¼).

    (1/C²) Σ_ij (G_ij - S_ij)², which is MMD² with the kernel (xᵀy)² up to the factor 1/C² (Li et al. 2017).
    With ``relative``, Σ(G - S)² / ΣS².
    """

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        return (statistics.gram(feature, weight),)


@dataclass(frozen=True)
class MomentsLoss(StyleLoss):
    """Mean squared differences of the means and of the covariances of the features: ‖Δμ‖² / C + ‖ΔΣ‖² / C².

    The Gram matrix holds both at once, G = Σ + μμᵀ, but after a ReLU the product of the means outweighs the
    covariance in most layers, and the texture with it. Here each has its say. The statistic kept is the raw
    moments (G, μ), which add up; the covariance is only taken in `distance`. ``relative`` divides each by the
    target's own square, the covariance's by no less than ``floor`` of that of the Gram matrix: a flat style
    has a covariance of rounding noise only, and nothing to be relative to.
    """

    floor: float = 1e-6

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        return statistics.moments(feature, weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        sigma, sigma_t = statistics.covariance(*measured), statistics.covariance(*target)
        floor = self.floor * (target[0] ** 2).sum((1, 2))
        return _squared_distance(sigma, sigma_t, self.relative, floor) + _squared_distance(
            measured[1], target[1], self.relative
        )


@dataclass(frozen=True)
class LinearLoss(StyleLoss):
    """MMD² with the linear kernel xᵀy: ‖Δμ‖² (Li et al. 2017, section 4.1), over C or, with ``relative``,
    over ‖μ_s‖².
    """

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        return (statistics.mean(feature, weight),)


@dataclass(frozen=True)
class PolynomialLoss(StyleLoss):
    """MMD² with the kernel (xᵀy + c)²: ‖ΔG‖² + 2c ‖Δμ‖² (Li et al. 2017, section 4.1), over C².

    c is the mean of sᵀs over the style, so that both summands count at every layer. With ``relative`` it is
    divided by the style's own E k(s, s'), without the constant c².
    """

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        return statistics.moments(feature, weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        offset = torch.einsum("nii->n", target[0])

        def squares(gram: Tensor, mean: Tensor) -> Tensor:
            return gram.square().sum((1, 2)) + 2 * offset * mean.square().sum(1)

        mmd = squares(measured[0] - target[0], measured[1] - target[1])
        return mmd / (positive(squares(*target)) if self.relative else target[1].shape[1] ** 2)


@dataclass(frozen=True)
class DeviationLoss(StyleLoss):
    """Batch-norm statistics: (1/C) Σ_c (Δμ_c)² + (Δσ_c)² (Li et al. 2017, eq. 11), or over the style's own Σ
    μ_c² + σ_c².
    """

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        wide = widen(feature)
        return statistics.mean(wide.square(), weight), statistics.mean(wide, weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        energy = target[0].sum(1)
        floor = 1e-10 * positive(energy)[:, None]  # the root has no slope at zero
        deviations = [(square - mean.square()).clamp_min(0).add(floor).sqrt() for square, mean in (measured, target)]
        squares = (measured[1] - target[1]).square() + (deviations[0] - deviations[1]).square()
        return squares.sum(1) / (positive(energy) if self.relative else target[1].shape[1])


@dataclass(frozen=True)
class WassersteinLoss(StyleLoss):
    """The squared 2-Wasserstein distance of the Gaussians with the features' moments (Dowson and Landau 1982,
    eq. 16):

        ‖Δμ‖² + tr(Σ + S - 2 (S^½ Σ S^½)^½),

    over C or, with ``relative``, over the style's own tr S + ‖μ_s‖². Both covariances get a little of the
    identity, without which the root has no slope where a channel is silent.
    """

    def statistic(self, feature: Tensor, weight: Tensor | None) -> Stat:
        return statistics.moments(feature, weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        channels = target[1].shape[1]
        energy = positive(torch.einsum("nii->n", target[0]))
        ridge = (
            torch.eye(channels, dtype=energy.dtype, device=energy.device) * (1e-5 * energy / channels)[:, None, None]
        )
        sigma, sigma_t = (statistics.covariance(*moments) + ridge for moments in (measured, target))
        root = statistics.power(sigma_t, 0.5)
        overlap = torch.linalg.eigvalsh(root @ sigma @ root).clamp_min(0)
        # Of an eigenvalue that rounding made zero the root has no slope.
        cross = torch.where(overlap > 0, overlap, 1).sqrt() * (overlap > 0)
        traces = torch.einsum("nii->n", sigma + sigma_t) - 2 * cross.sum(1)
        squares: Tensor = (measured[1] - target[1]).square().sum(1) + traces
        return squares / (energy if self.relative else channels)


@dataclass(frozen=True)
class GaussianLoss(StyleLoss):
    """MMD² with the Gaussian kernel exp(-‖x - y‖² / 2σ²) (Li et al. 2017, section 4.1), by random Fourier
    features.

    k(x, y) = E_ω,b 2 cos(ωᵀx + b) cos(ωᵀy + b) (Rahimi and Recht 2007, section 3), so MMD² is the squared
    difference of the mean cosines, a statistic like any other; 512 fixed ω estimate it within some percent.
    σ² is the mean squared distance of two of the style's samples, 2 tr S, halved. The bandwidth is the
    style's, so that two styles have no common statistic.
    """

    blends: ClassVar[bool] = False
    looks: ClassVar[int] = 2

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        """The raw moments, which give the bandwidth; the mean cosines are appended by a second look."""
        return statistics.moments(feature, weight)

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        gram, mean = target[:2]
        variance = positive(statistics.variance(gram, mean).sum(1))
        floor = 1e-6 * torch.einsum("nii->n", gram)  # a flat style has no spread of its own
        return (statistics.mean_cosines(feature, torch.maximum(variance, floor).sqrt(), weight),)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        squares = (measured[0] - target[2]).square().sum(1)
        return squares / (positive(target[2].square().sum(1)) if self.relative else 1)


@dataclass(frozen=True)
class SlicedWassersteinLoss(StyleLoss):
    """The sliced 2-Wasserstein distance (Heitz et al. 2021, eq. 4): along a direction, sorted samples are
    matched by rank.

    Σ_v ‖sort(Fᵀv) - sort(Sᵀv)‖² / M over C fixed orthonormal directions v, which makes it the mean over the
    directions of a rotated copy of the features; the paper draws them anew at every step. Over C or, with
    ``relative``, over the style's own mean square. Sorting needs the whole picture: it does not add up over
    tiles or regions.
    """

    blends: ClassVar[bool] = False
    additive: ClassVar[bool] = False

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        return (statistics.sorted_slices(feature, weight),)

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        slices = statistics.sorted_slices(feature, weight)
        return ((slices - statistics.resampled(target[0], slices.shape[2])).square().mean(2),)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        energy = target[0].square().mean(2).sum(1)
        return measured[0].sum(1) / (positive(energy) if self.relative else target[0].shape[1])


@dataclass(frozen=True)
class NearestLoss(StyleLoss):
    """Every patch of features wants to be like the nearest one of the style (Kolkin et al. 2022, eq. 1).

    The mean over positions of 1 - cos(f, s) to the closest s, both with the style's mean taken off; 0 to 2,
    whatever ``relative`` says. Layers with more than 4096 positions are averaged down first, and patches then
    are that much larger. It matches samples one by one: it does not add up over tiles or regions.
    """

    blends: ClassVar[bool] = False
    additive: ClassVar[bool] = False

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        patches = statistics.patches(feature, weight)
        mean = patches.mean(1, keepdim=True)
        return torch.nn.functional.normalize(patches - mean, dim=2), mean

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        patches = torch.nn.functional.normalize(statistics.patches(feature, weight) - target[1], dim=2)
        return ((1 - (patches @ target[0].mT).amax(2)).mean(1),)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        return measured[0]


STYLE_LOSSES: dict[str, Callable[[bool], Loss]] = {
    "moments": MomentsLoss,
    "gram": GramLoss,
    "mean-deviation": DeviationLoss,
    "mmd-linear": LinearLoss,
    "mmd-poly": PolynomialLoss,
    "mmd-gaussian": GaussianLoss,
    "wasserstein": WassersteinLoss,
    "sliced-wasserstein": SlicedWassersteinLoss,
    "nearest": NearestLoss,
}
"""The losses that compare styles, by the name that ``style_loss`` takes."""

CALIBRATION = {
    "moments": 1.0,
    "gram": 2.8,
    "mean-deviation": 8.0,
    "mmd-linear": 8.0,
    "mmd-poly": 5.7,
    "mmd-gaussian": 12.0,
    "wasserstein": 3.1,
    "sliced-wasserstein": 10.0,
    "nearest": 4.1,
}
"""By what a relative loss is multiplied so that at the default weights it moves the content as far as
``moments`` does: the geometric mean over two pairs at 256 pixels, between which it differs by a factor of 1.1
to 2.5 (docs/losses.md)."""


def _squared_distance(measured: Tensor, target: Tensor, relative: bool, floor: Tensor | None = None) -> Tensor:
    """Mean square of the difference over all entries, or its sum over the target's, at least ``floor``:
    (N,).
    """
    entries = tuple(range(1, measured.dim()))
    difference = (measured - target) ** 2
    if not relative:
        return difference.mean(entries)
    energy = (target**2).sum(entries)
    return difference.sum(entries) / positive(energy if floor is None else torch.maximum(energy, floor))
