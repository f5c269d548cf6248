"""Two convolutions of a styliser with less to compute, by the phases of their output: its places modulo 2.

Nothing is left out: the same products are summed. Only where several weights meet the same value of the map
they are added beforehand.
"""

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.kernels import convolve
from impasto.backbones.winograd import Convolve

FEW = 4
"""Output channels: a convolution with no more leaves most of a vector register empty, which holds 16."""
_MERGED = torch.tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
"""Which of two neighbours in a map every tap of a phase meets, once the map is enlarged: (2, 2, 3)."""


def of_few(weight: Tensor, bias: Tensor | None) -> Convolve:
    """The convolution with weights (C', C, k, k), C' at most `FEW`: one of stride 2, with the four
    phases for channels.
    """
    outputs, inputs, size, _ = weight.shape
    phases = weight.new_zeros(outputs, 2, 2, inputs, size + 1, size + 1)
    for row in (0, 1):
        for column in (0, 1):
            phases[:, row, column, :, row : row + size, column : column + size] = weight
    convolved = convolve(phases.flatten(0, 2), None if bias is None else bias.repeat_interleave(4), 2)

    def few(x: Tensor, padding: int, relu: bool) -> Tensor:
        height, width = (side + 2 * padding - size + 1 for side in x.shape[2:])
        if height % 2 or width % 2:
            x = nn.pad(x, (0, width % 2, 0, height % 2))
        return nn.pixel_shuffle(convolved(x, padding, relu), 2)[:, :, :height, :width]

    return few


def of_enlarged(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Convolve:
    """The convolution with weights (C', C, 3, 3), float32 at least, of maps of a ``dtype`` that are enlarged
    twofold by nearest neighbours, given what they are before that, (N, C, H, W), with one place more on every
    side: (N, C', 2H, 2W).

    Each phase sees 2 × 2 values, which is four ninths of what there is to multiply in a window of 3 × 3.
    """
    outputs, merged = len(weight), _MERGED.to(weight)
    phases = torch.einsum("ait,bju,octu->abocij", merged, merged, weight).flatten(0, 2)
    convolved = convolve(phases.to(dtype), None if bias is None else bias.repeat(4))

    def enlarged(x: Tensor, padding: int, relu: bool) -> Tensor:
        y = convolved(x, padding, relu)
        height, width = y.shape[2] - 1, y.shape[3] - 1
        result = y.new_empty(len(y), 2 * height, 2 * width, outputs).permute(0, 3, 1, 2)
        for number, phase in enumerate(torch.split(y, outputs, 1)):
            row, column = divmod(number, 2)
            result[:, :, row::2, column::2] = phase[:, :, row : row + height, column : column + width]
        return result

    return enlarged
