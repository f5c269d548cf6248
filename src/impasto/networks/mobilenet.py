"""The style predictor: any painting to the 100 numbers that the arbitrary styliser is told about it.

MobileNetV2 (Sandler et al. 2018, table 2) in place of the Inception of Ghiasi et al. (2017, section 2.2): 16
times smaller, and what Magenta distilled for phones. Its batch normalisations are folded into the
convolutions.
"""

from collections.abc import Collection, Iterator

from torch import Tensor, nn
from torch.nn import functional

CODES = 100
"""Length of a code."""
INPUT_SIZE = (256, 256)
"""Height and width of the paintings that it was trained on."""

_BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repetitions and first stride of the bottlenecks (table 2)."""


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: where an even size has an odd margin, the larger half
    comes last.
    """

    def forward(self, x: Tensor) -> Tensor:
        margins = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size, self.stride, strict=True):
            total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            margins += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, margins))


class Bottleneck(nn.Module):
    """An inverted residual: expand 1×1, depthwise 3×3, project 1×1; the input is added where shapes allow
    (figure 4d).
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = SameConv(inputs, inner, 1) if expansion > 1 else None
        self.depthwise = SameConv(inner, inner, 3, stride, groups=inner)
        self.project = SameConv(inner, outputs, 1)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(y)))
        return x + y if self.adds else y  # type: ignore[no-any-return]


class StylePredictor(nn.Module):
    """(N, 3, H, W) in [0, 1], trained at `INPUT_SIZE` -> (N, `CODES`)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = SameConv(3, 32, 3, 2)
        blocks, inputs = [], 32
        for expansion, channels, repetitions, stride in _BLOCKS:
            for index in range(repetitions):
                blocks.append(Bottleneck(inputs, channels, expansion, stride if index == 0 else 1))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.last = SameConv(inputs, 1280, 1)
        self.code = nn.Linear(1280, CODES)

    def maps(self, pixels: Tensor, blocks: Collection[int]) -> Iterator[Tensor]:
        """What some of the bottlenecks, counted from 0, make of pixels of any size: (N, C, h, w) each, in
        their order.
        """
        y = functional.relu6(self.first(pixels))
        for number in range(max(blocks) + 1):
            y = self.blocks[number](y)
            if number in blocks:
                yield y

    def forward(self, pixels: Tensor) -> Tensor:
        y = functional.relu6(self.last(self.blocks(functional.relu6(self.first(pixels)))))
        return self.code(y.mean((2, 3)))  # type: ignore[no-any-return]
