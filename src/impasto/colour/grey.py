"""Pictures without colour. Where nothing that goes in has any, neither has what comes out: networks see in
three channels, and come nearest to a grey painting's statistics by a little green and magenta.
"""

import torch
from torch import Tensor

from impasto.colour import transfer

_LEAST = 2**-18
"""Between the channels of a colour: a quarter of a step of 16 bits, and much more than rounding leaves."""


def is_grey(pixels: Tensor) -> bool:
    """Whether (N, 3, H, W) in [0, 1] has no colour at all."""
    return bool((pixels[:, 1:] - pixels[:, :1]).abs().max() < _LEAST)


def are_grey(colours: Tensor | None) -> bool:
    """Whether a picture's colours (1, 12), as `transfer.of` gives them, are greys, for then two channels
    nowhere differ: E[(r − g)²] = E[r²] − 2 E[rg] + E[g²]. Of colours that are not known they are not.
    """
    if colours is None:
        return False
    moments = colours[0, :9].view(3, 3).double()
    apart = moments.diagonal()[:, None] - 2 * moments + moments.diagonal()
    return bool(apart.max() < _LEAST**2)


def greyed(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) with its channels' mean in each of them, exactly; their lightness where it is grey but for
    rounding.
    """
    return pixels.mean(1, keepdim=True).expand_as(pixels).contiguous()


def faded(pixels: Tensor, share: float | Tensor) -> Tensor:
    """``pixels`` with that share of their colours taken away, of all or of each pixel (1, 1, H, W); of 1
    nothing is left of them.
    """
    return torch.lerp(pixels, lightness(pixels), torch.as_tensor(share).to(pixels))


def lightness(pixels: Tensor) -> Tensor:
    """`transfer.lightness`, to the last digit the same in every channel."""
    return greyed(transfer.lightness(pixels))
