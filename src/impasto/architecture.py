"""The architecture of backbones: their layers by name, and what follows from the chain that they are.

Layers carry their usual names: ``conv4_2`` is the second convolution of block 4, ``relu4_2`` its ReLU,
``pool4`` the block's pooling, and ``pixels`` the picture itself. Keras calls ``relu4_2`` ``block4_conv2``,
for its convolutions include the ReLU. ``relu1_1/4`` is ``relu1_1`` averaged over squares of 4 × 4 positions:
the layer as it is seen from the grid of a deeper one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from impasto.errors import SettingsError, did_you_mean

BACKBONE = "vgg19"
"""The name of the network whose features all losses compare."""

_SQUARES = ("2", "4", "8", "16")
"""The sides of the squares of positions over which features may be averaged."""


def plain(layer: str) -> tuple[str, int]:
    """A layer's name, and the side of the squares over which it is averaged: ``relu1_1/4`` is ``relu1_1`` and
    4, ``relu4_1`` itself and 1.
    """
    name, _, side = layer.partition("/")
    return name, int(side or 1)


@dataclass(frozen=True)
class Architecture:
    """A chain of blocks: so many 3×3 convolutions, each to so many channels, and a 2×2 pooling."""

    blocks: tuple[tuple[int, int], ...]
    mean: tuple[float, float, float] = (103.939, 116.779, 123.68)
    """Subtracted from the blue, green and red channels in 0–255: the Caffe convention of the original VGG
    networks."""

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """All layer names, first to last."""
        names = ["pixels"]
        for block, (convolutions, _) in enumerate(self.blocks, start=1):
            for index in range(1, convolutions + 1):
                names += [f"conv{block}_{index}", f"relu{block}_{index}"]
            names.append(f"pool{block}")
        return tuple(names)

    def check(self, layers: Iterable[str]) -> None:
        """Raises SettingsError, naming the nearest layer there is, for a layer that does not exist."""
        for layer in layers:
            name, slash, side = layer.partition("/")
            if name not in self.layers:
                raise SettingsError(f"There is no layer {layer!r}: {did_you_mean(name, self.layers)}")
            if slash and (side not in _SQUARES or name == "pixels"):
                raise SettingsError(
                    f"{layer!r} is no layer: features are averaged over squares of {', '.join(_SQUARES)} positions, as in relu1_1/4."
                )

    def depth(self, layer: str) -> int:
        """How many poolings come before a layer: it has one position for every 2^depth pixels each way, the
        rest left out. Raises SettingsError as `check`.
        """
        self.check([layer])
        name, side = plain(layer)
        return (
            sum(each.startswith("pool") for each in self.layers[: self.layers.index(name) + 1]) + side.bit_length() - 1
        )

    def channels(self, layer: str) -> int:
        """The number of a layer's feature maps."""
        block = re.search(r"\d", plain(layer)[0])
        return self.blocks[int(block[0]) - 1][1] if block else 3

    def place(self, layer: str) -> int:
        """How many layers come before it."""
        return self.layers.index(plain(layer)[0])

    def chain(self, wanted: Iterable[str], start: str = "pixels") -> tuple[str, ...]:
        """The layers that follow ``start``, to the deepest one wanted."""
        return self.layers[1 + self.place(start) : 1 + max(map(self.place, wanted), default=0)]

    def reach(self, layers: Iterable[str], start: str = "pixels") -> int:
        """How many pixels beyond its own square of 2^depth pixels a position of these layers sees, and passes
        gradients to, in the map of ``start``.

        A convolution adds its own step on each side; a pooling merges squares and adds nothing (Araujo,
        Norris and Sim 2019, with squares in place of points).
        """
        radius, step = 0, 2 ** self.depth(start)
        for name in self.chain(layers, start):
            radius += step if name.startswith("conv") else 0
            step *= 2 if name.startswith("pool") else 1
        return max(radius, 1)  # total variation looks at the next pixel


ARCHITECTURES: dict[str, Architecture] = {
    # Simonyan and Zisserman 2015, table 1, column E. A row here and one of the same name in
    # `weights.REGISTRY` is a backbone.
    BACKBONE: Architecture(blocks=((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))),
}
