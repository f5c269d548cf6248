"""People: which pixels belong to one, by the network that video calls cut out backgrounds with.

MediaPipe Selfie Segmentation (Google 2021): the encoder of A. Howard et al., Searching for MobileNetV3, ICCV
2019, with a decoder of gated skip connections. It looks at 256 × 256 pixels; a guided filter (K. He, J. Sun
and X. Tang, Guided image filtering, PAMI 2013) brings its answer to the photograph's edges.
"""

from collections.abc import Callable, Mapping

import cv2
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto import weights
from impasto.pictures.picture import Picture, resize
from impasto.pictures.profiles import Array

_SIDE = 256
_RADIUS, _EVEN = 0.012, 1e-4
"""The guided filter's window, over the long side, and the variance of what it takes for even."""


def mask(picture: Picture) -> Tensor:
    """The people of a picture as a mask (1, 1, H, W) in [0, 1]. Raises WeightsError."""
    with torch.no_grad():
        seen = nn.interpolate(picture.pixels, (_SIDE, _SIDE), mode="bilinear", antialias=True)
        coarse = likely(weights.load("person"), seen)
    return guided(picture.pixels, resize(coarse, picture.size))


def likely(net: Mapping[str, Tensor], seen: Tensor) -> Tensor:
    """How likely every pixel is a person's (1, 1, H, W), of a picture (1, 3, H, W) in [0, 1] with sides that
    16 divides.

    ``net`` numbers the convolutions in the order in which they are computed, as here.
    """
    numbers = iter(range(1, 1 + len(net) // 2))

    def layer(x: Tensor, act: Callable[[Tensor], Tensor] = nn.relu, step: int = 1) -> Tensor:
        number = next(numbers)
        kernel, bias = net[f"{number}.weight"], net[f"{number}.bias"]
        around = kernel.shape[2] - step  # the odd one below and to the right
        padded = nn.pad(x, (around // 2, around - around // 2) * 2) if kernel.shape[2] > 1 else x
        return act(nn.conv2d(padded, kernel, bias, step, groups=x.shape[1] if kernel.shape[1] == 1 < x.shape[1] else 1))

    def gate(x: Tensor) -> Tensor:
        return layer(layer(x.mean((2, 3), keepdim=True)), torch.sigmoid)

    def block(x: Tensor, act: Callable[[Tensor], Tensor], step: int, gated: bool) -> Tensor:
        y = layer(layer(x, act), act, step)
        return layer(y * gate(y) if gated else y, _same)

    half = layer(seen, nn.hardswish, 2)
    quarter = block(half, nn.relu, 2, True)
    x = block(quarter, nn.relu, 2, False)
    eighth = x + block(x, nn.relu, 1, False)
    x = block(eighth, nn.hardswish, 2, True)
    for _ in range(4):
        x = x + block(x, nn.hardswish, 1, True)
    x = layer(x) * layer(x.mean((2, 3), keepdim=True), torch.sigmoid)
    for skip in (eighth, quarter, half):
        x = layer(nn.interpolate(x, scale_factor=2, mode="bilinear"), _same)
        x = layer(skip * gate(skip + x) + x)
        x = x + layer(x)
    number = next(numbers)
    return torch.sigmoid(nn.conv_transpose2d(x, net[f"{number}.weight"], net[f"{number}.bias"], 2))


def guided(guide: Tensor, coarse: Tensor) -> Tensor:
    """A mask (1, 1, H, W) that has the edges of a picture (1, 3, H, W): in every window it is linear in the
    picture's lightness.
    """
    grey, white = guide.mean(1)[0].double().numpy(), coarse[0, 0].double().numpy()
    side = 2 * max(1, round(_RADIUS * max(grey.shape))) + 1

    def mean(plane: Array) -> Array:
        return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REPLICATE)

    slope = (mean(grey * white) - mean(grey) * mean(white)) / (mean(grey**2) - mean(grey) ** 2 + _EVEN)
    sharp = mean(slope) * grey + mean(mean(white) - slope * mean(grey))
    return torch.from_numpy(sharp).float().clamp(0, 1)[None, None]


def _same(x: Tensor) -> Tensor:
    return x
