"""A photograph's palette on what a network has painted of it, known from parts of both."""

from collections.abc import Callable

from torch import Tensor

from impasto.colour import transfer


def palette(how: str, painted: Tensor, photo: Tensor) -> Callable[[Tensor], Tensor]:
    """What gives a part of a painted picture, (1, 3, h, w), the palette of the photograph.

    ``how`` is linear or histogram, as `Settings.keep_colour`; ``painted`` and ``photo`` (1, 3, H, W) stand
    for all of both pictures.
    """
    mapped = transfer.mapping(painted, transfer.of(photo))

    def moved(pixels: Tensor) -> Tensor:
        return transfer.moved(pixels, mapped, 1)

    if how == "linear":
        return moved
    levelled = transfer.levels(painted, moved(painted), photo)
    return lambda pixels: levelled(moved(pixels))
