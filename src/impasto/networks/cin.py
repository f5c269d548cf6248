"""The styliser: a convolutional network whose style lives in its normalisations alone.

Every convolution is followed by conditional instance normalisation (CIN; Dumoulin, Shlens and Kudlur 2017,
section 2),

    y = γ (x - μ) / √(σ² + ε) + β,

where μ and σ² are the channel's own mean and variance over the picture, and γ and β come from the style. One
set of convolutions so holds many styles, and styles can be mixed by mixing their γ and β. These are linear in
a short code: the weights of N learnt styles there, the output of a network that looks at any painting in
Ghiasi et al. (2017, section 2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5

GRID = 4
"""Pixels: a network paints the same wherever a picture begins on this grid, which is that of two strides of
2."""


@dataclass(frozen=True)
class StylizerShape:
    """Widths of a styliser: 9×9, then two 3×3 of stride 2; so many residual blocks of two; two upsamplings;
    9×9 to RGB.
    """

    contract: tuple[int, int, int]
    blocks: int
    expand: tuple[int, int]
    codes: int
    """Length of the code that names a style."""
    biased: bool = False
    """Whether the contracting layers have biases in place of normalisations."""
    constant: bool = False
    """Whether γ and β have a part that is the same for all codes."""


def conditional_instance_norm(y: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """(N, C, H, W) with γ and β (N, C), float32 at least -> the same, normalised by its own statistics.

    Batch normalisation in training is instance normalisation of one picture, and of several if each has its
    own channels. torch has it in one pass, with statistics in float32 for maps of any precision.
    """
    count, channels = y.shape[:2]
    # A view of one picture's maps must not be taken: with channels last, its strides say too little of its
    # layout, and the gradient comes out wrong (torch 2.13).
    folded = y if count == 1 else y.reshape(1, count * channels, *y.shape[2:]).contiguous()
    normalised = functional.batch_norm(folded, None, None, gamma.flatten(), beta.flatten(), training=True, eps=EPSILON)
    return normalised if count == 1 else normalised.reshape(y.shape)


class Layer(nn.Module):
    """Nearest-neighbour upsampling if wanted, reflection padding, a convolution, CIN, and a ReLU if
    wanted.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        upsample: bool = False,
        relu: bool = True,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        # A bias in front of a normalisation would be subtracted again with the mean.
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=not normalised)
        self.stride, self.upsample, self.relu, self.normalised = stride, upsample, relu, normalised

    @property
    def channels(self) -> int:
        """How many of its channels are normalised: all or none."""
        return self.conv.out_channels if self.normalised else 0

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """(N, C, H, W) with γ and β (N, C') -> (N, C', H', W'). Where there is no normalisation, γ and β are
        empty.
        """
        weight, bias = self.conv.weight, self.conv.bias
        # Weights are learnt in float32, whatever the precision of the maps.
        y = functional.conv2d(
            self.padded(x), weight.to(x.dtype), None if bias is None else bias.to(x.dtype), self.stride
        )
        if self.normalised:
            y = conditional_instance_norm(y, gamma, beta)
        return torch.relu(y) if self.relu else y

    def padded(self, x: Tensor) -> Tensor:
        """What the convolution sees: upsampled if wanted, with a border that mirrors what is inside."""
        if self.upsample:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        return functional.pad(x, (self.conv.kernel_size[0] // 2,) * 4, mode="reflect")


def reach(layers: Sequence[Layer]) -> int:
    """How many pixels around a pixel have a say in it through layers, one after the other, statistics aside;
    a multiple of `GRID`.

    It is one step of the grid more than that, for a tile may begin anywhere on it.
    """
    radius, step = 0, 1
    for layer in layers:
        step = step // 2 if layer.upsample else step
        radius += layer.conv.kernel_size[0] // 2 * step
        step *= layer.stride
    return (radius + GRID - 1) // GRID * GRID + GRID


def parameters_of(style: Tensor, layers: Sequence[Layer]) -> list[tuple[Tensor, Tensor]]:
    """γ and β (N, C) of every layer, empty for those that have none, of a style (N, 2ΣC)."""
    channels = [layer.channels for layer in layers]
    gammas, betas = style.chunk(2, 1)
    return list(zip(torch.split(gammas, channels, 1), torch.split(betas, channels, 1), strict=True))


class Stylizer(nn.Module):
    """Contract, residual blocks, expand: the network of those papers, and of `impasto.training`.

    `contract.FeedForward` says what its methods do.
    """

    def __init__(self, shape: StylizerShape) -> None:
        super().__init__()
        first, second, inner = shape.contract
        fourth, fifth = shape.expand
        normalised = not shape.biased
        self.contract = nn.ModuleList(
            [
                Layer(3, first, 9, normalised=normalised),
                Layer(first, second, stride=2, normalised=normalised),
                Layer(second, inner, stride=2, normalised=normalised),
            ]
        )
        self.residual = nn.ModuleList(Layer(inner, inner, relu=index % 2 == 0) for index in range(2 * shape.blocks))
        self.expand = nn.ModuleList(
            [Layer(inner, fourth, upsample=True), Layer(fourth, fifth, upsample=True), Layer(fifth, 3, 9, relu=False)]
        )
        channels = sum(layer.channels for layer in self.layers())
        self.heads = nn.Linear(shape.codes, 2 * channels, bias=shape.constant)

    def layers(self) -> list[Layer]:
        return [*self.contract, *self.residual, *self.expand]

    @property
    def reach(self) -> int:
        return reach(self.layers())

    def style(self, code: Tensor) -> Tensor:
        return self.heads(code)  # type: ignore[no-any-return]

    def forward(self, pixels: Tensor, style: Tensor) -> Tensor:
        parameters = iter(parameters_of(style, self.layers()))
        return self.traverse(pixels, lambda layer, x: layer(x, *next(parameters)))

    def traverse(self, pixels: Tensor, apply: Callable[[Layer, Tensor], Tensor]) -> Tensor:
        layers = iter(self.layers())
        x = pixels
        for _ in self.contract:
            x = apply(next(layers), x)
        for _ in self.residual[::2]:
            inner = apply(next(layers), x)
            x = x + apply(next(layers), inner)
        for _ in self.expand:
            x = apply(next(layers), x)
        # Two strides of 2 round up, so that a size that is no multiple of 4 comes out larger.
        return torch.sigmoid(x[:, :, : pixels.shape[2], : pixels.shape[3]])
