"""The style encoder: from how the VGG19 sees a painting to the code that the styliser is told about it.

It looks at nothing but the mean and the deviation of every channel of some layers, which is a summary of a
style that varies smoothly with it (Huang and Belongie 2017, section 5, instance-normalise by it alone).
Ghiasi et al. (2017, section 2.2) train an Inception network on 80 000 paintings for the purpose; a small
perceptron on these moments asks for far fewer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impasto.backbones.features import Backbone
from impasto.losses import statistics
from impasto.losses.statistics import Stat, moments
from impasto.pictures.large import LargePicture, resized
from impasto.pictures.picture import Picture, Size, long_side

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The layers that it looks at, which are those of the recipe `statistics` for the style."""
CHANNELS = (64, 128, 256, 512, 512)
"""How many channels they have."""

STYLE_LENGTH = 512
"""The long side at which paintings are looked at, and at which photographs get strokes of their size."""
_SHORTEST = 16


def looked_at(painting: Picture | LargePicture) -> Picture:
    """A painting at the size it is looked at, as in training, where small ones are enlarged; a strip keeps
    enough of its short side for the deepest layer.
    """
    length = max(STYLE_LENGTH, math.ceil(_SHORTEST * max(painting.size) / min(painting.size)))
    return small(painting, long_side(painting.size, length))


def small(painting: Picture | LargePicture, size: Size) -> Picture:
    """A painting at a size that is not large."""
    found = resized(painting, size)
    assert isinstance(found, Picture), "what is small is not large"
    return found


def described(moments: Mapping[str, Stat]) -> Tensor:
    """What is known of N paintings (N, 2ΣC), from the raw moments (G, μ) of their `LAYERS`
    (`statistics.moments`).

    Logarithms, for activations differ by powers of ten from layer to layer and from painting to painting.
    """
    parts = []
    for layer in LAYERS:
        gram, mean = moments[layer]
        parts += [mean, statistics.variance(gram, mean).sqrt()]
    return torch.cat(parts, 1).log1p()


@dataclass(frozen=True)
class EncoderShape:
    """The sizes of a `StyleEncoder`."""

    inputs: int
    hidden: int
    codes: int


class StyleEncoder(nn.Module):
    """What `described` tells of a painting, standardised, through a perceptron with one hidden layer: (N,
    inputs) -> (N, codes).
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(shape.inputs))
        self.register_buffer("scale", torch.ones(shape.inputs))
        self.hidden = nn.Linear(shape.inputs, shape.hidden)
        nn.init.normal_(self.hidden.weight)  # for inputs of length one
        self.code = nn.Linear(shape.hidden, shape.codes)

    def forward(self, description: Tensor) -> Tensor:
        return self.code(torch.relu(self.hidden((description - self.shift) * self.scale)))  # type: ignore[no-any-return]

    @torch.no_grad()
    def look(self, painting: Picture | LargePicture) -> Tensor:
        """The code (1, L) of any painting, for an encoder in float32 on the CPU."""
        features = Backbone.pretrained(pooling="max", padding="replicate", compile="off")(
            looked_at(painting).pixels, set(LAYERS)
        )
        return self(described({layer: moments(features[layer]) for layer in features}))  # type: ignore[no-any-return]

    @torch.no_grad()
    def standardise(self, descriptions: Tensor) -> None:
        """Centre the descriptions (M, inputs) of the paintings to learn from, with like deviations, and a
        length of about one.

        Adam moves every weight by as much, however many there are: inputs of deviation one would be thrown
        about by their number.
        """
        deviation, mean = torch.std_mean(descriptions, 0, correction=0)
        self.shift.copy_(mean)
        # A channel that never changes tells nothing.
        self.scale.copy_(1 / (deviation.clamp_min(0.05) * descriptions.shape[1] ** 0.5))
