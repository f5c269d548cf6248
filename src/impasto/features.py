"""Backbones: from pixels to named layers.

A backbone is a chain of convolutions, ReLUs and poolings with pretrained, frozen weights. Layers carry their usual names:
``conv4_2`` is the second convolution of block 4, ``relu4_2`` its ReLU, ``pool4`` the block's pooling, and ``pixels`` the
picture itself. Keras calls ``relu4_2`` ``block4_conv2``, for its convolutions include the ReLU.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto import weights
from impasto.errors import ImageError, SettingsError, did_you_mean

Pooling = Literal["max", "average"]
Padding = Literal["zeros", "replicate"]


@dataclass(frozen=True)
class Architecture:
    """A chain of blocks, each of so many 3×3 convolutions to so many channels, with a 2×2 pooling after it."""

    blocks: tuple[tuple[int, int], ...]
    mean: tuple[float, float, float] = (103.939, 116.779, 123.68)
    """Subtracted from the blue, green and red channels in 0–255: the Caffe convention of the original VGG networks."""

    @property
    def layers(self) -> tuple[str, ...]:
        """All layer names, first to last."""
        names = ["pixels"]
        for block, (convolutions, _) in enumerate(self.blocks, start=1):
            for index in range(1, convolutions + 1):
                names += [f"conv{block}_{index}", f"relu{block}_{index}"]
            names.append(f"pool{block}")
        return tuple(names)


ARCHITECTURES: dict[str, Architecture] = {
    # Simonyan and Zisserman 2015, table 1, column E. A row here and one of the same name in `weights.REGISTRY` is a backbone.
    "vgg19": Architecture(blocks=((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))),
}


class Backbone:
    """A frozen network that maps pixels to the features of any of its layers.

    ``pooling="average"`` replaces the max poolings, as Gatys et al. (2016, section 2) recommend for synthesis.
    ``padding="replicate"`` repeats the border of every feature map where the network was trained with zeros; zeros are a grey
    frame to it, which a synthesised picture answers with smears along its border.
    ``dtype`` is the precision of the convolutions and of the features; pixels and their gradient stay in theirs.
    """

    def __init__(
        self,
        architecture: Architecture,
        tensors: dict[str, Tensor],
        *,
        pooling: Pooling = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.architecture = architecture
        self.device = torch.device(device)
        self._pool = nn.max_pool2d if pooling == "max" else nn.avg_pool2d
        self._padding = padding
        self._dtype = dtype
        self._mean = torch.tensor(architecture.mean, device=device).view(1, 3, 1, 1)
        # Channels-last is the layout in which convolutions run fastest on CPUs and on tensor cores alike.
        self._tensors = {
            name: tensor.to(
                device, dtype, memory_format=torch.channels_last if tensor.dim() == 4 else torch.preserve_format
            )
            for name, tensor in tensors.items()
        }

    @classmethod
    def pretrained(
        cls,
        name: str = "vgg19",
        *,
        pooling: Pooling = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "Backbone":
        """The backbone of that name with its verified weights. Raises WeightsError when they cannot be had."""
        return cls(
            ARCHITECTURES[name], weights.load(name), pooling=pooling, padding=padding, dtype=dtype, device=device
        )

    def check(self, layers: Iterable[str]) -> None:
        """Raises SettingsError, naming the nearest layer there is, for a layer that does not exist."""
        for layer in layers:
            if layer not in self.architecture.layers:
                raise SettingsError(f"There is no layer {layer!r}: {did_you_mean(layer, self.architecture.layers)}")

    def __call__(self, pixels: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """The features of ``layers`` for ``pixels`` (N, 3, H, W), RGB in [0, 1], computed no deeper than asked for.

        Returns a dictionary of (N, C, H / 2^k, W / 2^k) feature maps, k poolings deep, in the backbone's dtype
        (``pixels`` unchanged). Raises SettingsError for an unknown layer and ImageError for a picture so small that the
        poolings leave nothing of it.
        """
        wanted = set(layers)
        self.check(wanted)
        features = {"pixels": pixels} if "pixels" in wanted else {}
        x = (pixels.flip(1) * 255 - self._mean.to(pixels.dtype)).to(self._dtype, memory_format=torch.channels_last)
        for layer in self.architecture.layers[1:]:
            if wanted <= features.keys():
                break
            if layer.startswith("conv"):
                x = self._convolve(x, layer)
            elif layer.startswith("relu"):
                x = nn.relu(x)
            else:
                if min(x.shape[2:]) < 2:
                    height, width = pixels.shape[2:]
                    raise ImageError(
                        f"A picture of {width}×{height} pixels is too small for layer {layer}: "
                        "enlarge it, or choose earlier layers."
                    )
                x = self._pool(x, 2)
            if layer in wanted:
                features[layer] = x
        return features

    def _convolve(self, x: Tensor, layer: str) -> Tensor:
        weight, bias = self._tensors[f"{layer}.weight"], self._tensors[f"{layer}.bias"]
        if self._padding == "zeros":
            return nn.conv2d(x, weight, bias, padding=1)
        return nn.conv2d(nn.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias)
