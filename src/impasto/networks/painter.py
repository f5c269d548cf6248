"""Painting with a styliser: one style, no gradients, in the precision that is fastest here.

The normalisations need the mean and the variance of every channel over the whole picture. `Painter.whole`
takes them as it goes; for a picture that is too large to be seen at once, `Painter.measured` takes them from
samples of it, and `Painter.frozen` paints any part of it by them. Frozen statistics make the network a plain
chain of convolutions, so that parts fit together without a seam (URST: Chen et al. 2022, section 3.2, where
they are taken from a thumbnail).
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from impasto.backbones import kernels, winograd
from impasto.networks import phases
from impasto.networks.cin import EPSILON, Layer, parameters_of
from impasto.networks.contract import FeedForward

_CHANNELS, _POSITIONS = 64, 4096
"""So many channels and positions maps must have to gain by minimal filtering."""

Moments = tuple[Tensor, Tensor] | None
"""Mean and 1/√(variance + ε) of every channel (C,) before a normalisation; None where there is none."""


class Painter:
    """A styliser with one style, ready to paint on a device. ``dtype`` is the type of its convolutions and
    feature maps.
    """

    def __init__(self, network: FeedForward, style: Tensor, *, dtype: torch.dtype, device: torch.device) -> None:
        """``style`` (1, 2ΣC) as `FeedForward.style` gives it."""
        self._network, self._dtype, self._device = network, dtype, device
        style = style.to(device, torch.promote_types(dtype, torch.float32))
        self._parameters = [(gamma[0], beta[0]) for gamma, beta in parameters_of(style, network.layers())]

    @torch.no_grad()
    def whole(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] -> the same, painted, by its own statistics."""
        return self._by_own_statistics(pixels)[0]

    @torch.no_grad()
    def measured(self, samples: Tensor) -> tuple[Tensor, list[Moments]]:
        """Samples (N, 3, H, W) of one picture, painted by their own statistics, and these: of every layer,
        over all together.
        """
        return self._by_own_statistics(samples)

    def _by_own_statistics(self, pixels: Tensor) -> tuple[Tensor, list[Moments]]:
        parameters = zip(self._network.layers(), self._parameters, strict=True)
        found: list[Moments] = []

        def apply(layer: Layer, x: Tensor) -> Tensor:
            _, (gamma, beta) = next(parameters)
            y = self._convolution(layer.conv.weight, layer.conv.bias, layer)(x, False)
            if layer.normalised:
                # Batch normalisation in training is instance normalisation of one picture, and torch has it
                # in one pass.
                y, mean, inverse = torch.native_batch_norm(y, gamma, beta, None, None, True, 0.0, EPSILON)
            found.append((mean, inverse) if layer.normalised else None)
            return y.relu_() if layer.relu else y

        painted = self._network.traverse(self._prepared(pixels), apply)
        return painted.to(pixels.dtype), found

    @torch.no_grad()
    def frozen(self, moments: list[Moments]) -> Callable[[Tensor], Tensor]:
        """A function that paints (N, 3, H, W) by fixed statistics, whatever its own are."""
        convolutions = []
        for layer, (gamma, beta), moment in zip(self._network.layers(), self._parameters, moments, strict=True):
            weight, bias = layer.conv.weight.to(gamma), layer.conv.bias
            if moment is not None:
                # γ (W∗x - μ) / σ + β is a convolution itself.
                scale = gamma * moment[1]
                weight, bias = weight * scale[:, None, None, None], beta - scale * moment[0]
            convolutions.append(self._convolution(weight, bias, layer))

        @torch.no_grad()
        def paint(pixels: Tensor) -> Tensor:
            following = iter(convolutions)
            painted = self._network.traverse(self._prepared(pixels), lambda layer, x: next(following)(x, layer.relu))
            return painted.to(pixels.dtype)

        return paint

    def _convolution(self, weight: Tensor, bias: Tensor | None, layer: Layer) -> Callable[[Tensor, bool], Tensor]:
        """All that a layer does before its normalisation, and with True the ReLU, too."""
        weight = weight.to(self._device)
        bias = None if bias is None else bias.to(self._device, self._dtype)
        if layer.upsample:
            enlarging = phases.of_enlarged(weight, bias, self._dtype)
            # Enlarged and then mirrored by one place is the same as repeated by one place and then enlarged.
            return lambda x, relu: enlarging(functional.pad(x, (1,) * 4, mode="replicate"), 0, relu)
        weight = weight.to(self._dtype)
        if layer.stride == 1 and layer.conv.out_channels <= phases.FEW:
            convolve = phases.of_few(weight, bias)
        elif layer.stride == 1 and _is_wide(weight) and winograd.here(self._device.type, self._dtype):
            convolve = winograd.convolve(weight, bias, _POSITIONS)
        else:
            convolve = kernels.convolve(weight, bias, layer.stride)
        return lambda x, relu: convolve(layer.padded(x), 0, relu)

    def _prepared(self, pixels: Tensor) -> Tensor:
        return pixels.to(self._device, self._dtype, memory_format=torch.channels_last)


def _is_wide(weight: Tensor) -> bool:
    """Whether weights (C', C, k, k) are such as minimal filtering is made for, and many."""
    return weight.shape[2:] == (3, 3) and min(weight.shape[:2]) >= _CHANNELS
